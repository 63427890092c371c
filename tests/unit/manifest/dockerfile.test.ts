import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { refusedLines } from '../../../src/manifest/dockerfile.ts'
import { loadText, refusal } from './loading.ts'

const BASE = 'ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\n'
const refused = (text: string) => refusedLines(text).map(({ line, what }) => `${line}: ${what}`)

describe('[SPP-06] a Dockerfile that asks its build for more than a network and its context', () => {
  it.each([
    ['RUN --network=host curl x', '3: RUN --network=host'],
    ['run  --network="host" curl x', '3: RUN --network="host"'],
    ['RUN --security=insecure mount', '3: RUN --security=insecure'],
    ['RUN --mount=type=ssh git clone x', '3: RUN --mount=type=ssh'],
    ['RUN --mount=type=secret,id=a cat /run/secrets/a', '3: RUN --mount=type=secret,id=a'],
    ['RUN --mount=type=bind,target=/src make', '3: RUN --mount=type=bind,target=/src'],
    ['RUN --mount=target=/src make', '3: RUN --mount=target=/src'],
    ['RUN --mount=type=cache,from=evil,target=/c make', '3: RUN --mount=type=cache,from=evil,target=/c'],
    ['RUN --network=none --mount=type=ssh x', '3: RUN --mount=type=ssh'],
    ['RUN \\\n# between\n  --network=host \\\n  curl x', '3: RUN --network=host'],
    ['ONBUILD RUN --security=insecure x', '3: RUN --security=insecure'],
    ['RUN --network=${NET} x', '3: RUN --network=${NET}'],
    ['RUN --device=gpu x', '3: RUN --device=gpu'],
  ])('%j is refused with its line', (line, what) => {
    expect(refused(`${BASE}${line}\n`)).toEqual([what])
  })

  it.each([
    ['# syntax=evil.example/frontend:1\n', ['1: # syntax=evil.example/frontend:1']],
    ['#escape=`\n# Syntax = evil.example/f\n', ['2: # syntax=evil.example/f']],
    ['# escape=`\nRUN `\n --network=host x\n', ['2: RUN --network=host']],
  ])('%j is refused, as a directive it is', (head, what) => {
    expect(refused(`${head}${BASE}`)).toEqual(what)
  })

  it.each([
    '# syntax=docker/dockerfile:1.7\nFROM a\n',
    '# a comment\n# syntax=evil.example/frontend\nFROM a\n',
    'FROM a\nRUN --network=none make\nRUN --mount=type=cache,target=/c make\nRUN --mount=type=tmpfs,target=/t x\n',
    'FROM a\nRUN make --network=host\nRUN echo "--mount=type=ssh"\n# RUN --network=host\nADD https://a.example/x /x\n',
  ])('%j is built', (text) => {
    expect(refused(text)).toEqual([])
  })

  it('keeps the manifest from being planned, with the way out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bb-dockerfile-'))
    writeFileSync(join(folder, 'Dockerfile'), `${BASE}RUN --mount=type=ssh git clone x\n`)
    const text = `version: 1\nstack: acme\nbottles: { dev: { agent_provider: { template: codex, dockerfile: Dockerfile } } }\n`
    const { diagnostics } = await refusal(loadText(text, { cwd: folder }))
    rmSync(folder, { recursive: true })
    expect(diagnostics).toContainEqual(
      expect.objectContaining({
        code: 'dockerfile-privilege',
        message: expect.stringContaining('line 3 of `Dockerfile`') as string,
        hint: expect.stringContaining('COPY') as string,
      }),
    )
  })
})
