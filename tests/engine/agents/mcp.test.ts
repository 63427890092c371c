/** MCP servers of agents from npm in bottles: elsewhere behind egress, and as programs beside the agent. */
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Ended, Program } from '../cli/program.ts'
import { leaks } from '../containment/secrets.ts'
import { anthropic } from '../../../scripts/labs/model-api/anthropic.ts'
import { openApi, type Answer, type Api, type Asked } from '../../../scripts/labs/model-api/api.ts'
import { mcp } from '../../../scripts/labs/model-api/mcp.ts'
import { openai } from '../../../scripts/labs/model-api/openai.ts'
import { applied, declared, MAKING, removed } from './applied.ts'

const env = {
  CLAUDE_TOKEN: `sk-ant-oat01-${randomBytes(30).toString('hex')}`,
  OPENAI_KEY: `sk-proj-${randomBytes(30).toString('hex')}`,
  TRACKER_KEY: `tracker-${randomBytes(30).toString('hex')}`,
}

const HOSTS = ['api.anthropic.com', 'api.openai.com', 'tracker.test'] as const
const MANIFEST = `bottles:
  any:
    template: true
    resources: { memory: 2GiB, pids: 512 }
    workspace: { source: work, mode: copy }
    env: { PLACE: here }
    egress:
      log: all
      routes:
        - host: tracker.test
          allow_private: true
          matches: [{ methods: [GET, POST, DELETE], paths: [{ exact: /mcp }] }]
          auth: { scheme: header, name: X-Tracker-Key, token_ref: TRACKER_KEY }
    mcp:
      tracker:
        url: https://tracker.test/mcp
        headers: { X-Team: seven, X-Tracker-Key: { env: TRACKER_KEY, placeholder: true } }
      files: { command: [node, files.mjs], env: { LOG: quiet } }
      closed: { url: https://closed.test/mcp }
  claude:
    extends: any
    agent_provider: { template: claude, auth_token: CLAUDE_TOKEN }
    egress: { routes: [{ host: api.anthropic.com, allow_private: true }] }
  codex:
    extends: any
    agent_provider: { template: codex, api_key_ref: OPENAI_KEY }
    egress: { routes: [{ host: api.openai.com, allow_private: true }] }
`

let api: Api
let program: Program

beforeAll(async () => {
  api = await openApi(answer)
  program = openProgram('mcp', env)
  mkdirSync(join(program.folder, 'work'))
  cpSync(join(import.meta.dirname, 'mcp-stdio.mjs'), join(program.folder, 'work', 'files.mjs'))
  await applied(program, api, HOSTS, MANIFEST)
}, 600_000)
afterAll(() => removed(program, api))

/** Servers whose tool the model calls, one after the other, before it says that it is done. */
let called: readonly string[] = []
const gate = (): Promise<void> => Promise.resolve()
const done = { tokens: ['Done.'] }

function answer(asked: Asked): Answer {
  if (asked.host === 'tracker.test') return mcp('outside')(asked)
  if (asked.host === 'api.anthropic.com') {
    const turns = called.map((server) => ({
      tool: { name: `mcp__${server}__echo`, input: { word: 'seven' } },
    }))
    return anthropic([...turns, done], gate)(asked)
  }
  // The program has its model call tools from a script.
  const scripts = called.map((server) => `text(await tools.mcp__${server}__echo({ word: 'seven' }))`)
  const turns = [LISTING, ...scripts].map((input) => ({ custom: { name: 'exec', input } }))
  return openai([...turns, done], gate)(asked)
}

const LISTING = 'text(ALL_TOOLS.map(({ name }) => name).join(" "))'

const headless = (bottle: string): Promise<Ended> =>
  program.run(['run', '--headless', '--prompt', 'Ask them.', bottle])
/** All that the program told its model in its last request. */
const toldTo = (host: string): string => api.asked.findLast((asked) => asked.host === host)?.body ?? ''

describe.each([
  { bottle: 'claude', host: 'api.anthropic.com' },
  { bottle: 'codex', host: 'api.openai.com' },
])('$bottle', ({ bottle, host }) => {
  it('knows the tools of a server behind egress and of a program in its bottle, and calls them', async () => {
    called = ['tracker', 'files']
    const { code, out } = await headless(bottle)
    expect([code, out.trim()]).toEqual([0, 'Done.'])
    for (const told of ['mcp__tracker__echo', 'mcp__files__echo', 'outside seven'])
      expect(toldTo(host)).toContain(told)
    // What the bottle has in its environment, and what the server has beside it.
    expect(toldTo(host)).toContain('inside seven here quiet http://127.0.0.1:909')
  })

  it('goes on without a server whose host is not declared, which is refused in words', async () => {
    const before = (await program.must(`logs --egress ${bottle}`)).out
    called = []
    const { code, out } = await headless(bottle)
    expect([code, out.trim()]).toEqual([0, 'Done.'])
    expect(toldTo(host)).not.toContain('mcp__closed__echo')
    const log = (await program.must(`logs --egress ${bottle}`)).out.slice(before.length)
    expect(log).toMatch(/refused +CONNECT +closed\.test +host-undeclared/)
    expect((await program.must(`exec ${bottle} curl -sS http://closed.test/mcp`)).out).toContain(
      'bot-bottle: closed.test is not declared for this bottle',
    )
    const { err } = await program.must('validate')
    expect(err).toContain(`\`${bottle}\` has no route for \`closed.test\``)
  })
})

describe('the credential of a server', () => {
  it('is on every request to it, with the headers of the manifest, and in no bottle', async () => {
    const asked = api.asked.filter(({ host }) => host === 'tracker.test')
    expect(asked.length).toBeGreaterThan(6)
    for (const { headers, body } of asked) {
      expect(headers).toMatchObject({ 'x-tracker-key': env.TRACKER_KEY, 'x-team': 'seven' })
      expect(JSON.stringify(headers) + body).not.toContain('bot_bottle_placeholder_')
    }
    for (const [bottle, file] of [
      ['claude', '/etc/bot-bottle/claude-mcp.json'],
      ['codex', '/etc/codex/config.toml'],
    ] as const) {
      const text = (await program.must(`exec ${bottle} cat ${file}`)).out
      expect(text).toContain('bot_bottle_placeholder_')
      expect(leaks(text, { KEY: env.TRACKER_KEY })).toEqual([])
    }
  })
})

describe('servers that are no longer declared', () => {
  it('are taken away while the agent is left alone', async () => {
    declared(program, api, HOSTS, MANIFEST.replace(/^ {6}tracker:(\n {8}.*)+\n/m, ''))
    const { out } = await program.must('apply claude codex')
    expect(out).toContain('used from the next start, agent keeps running')
    called = []
    for (const [bottle, host] of [
      ['claude', 'api.anthropic.com'],
      ['codex', 'api.openai.com'],
    ] as const) {
      expect((await headless(bottle)).code).toBe(0)
      expect(toldTo(host)).not.toContain('mcp__tracker__echo')
      expect(toldTo(host)).toContain('mcp__files__echo')
    }
  })
})

describe('servers that the program does not take', () => {
  const OLD = `${MANIFEST}  old:
    extends: codex
    agent_provider: { dockerfile: Dockerfile, build: { context: [codex] } }
`

  it('fail the apply and are shown in status; the agent works without them', async () => {
    // Another version of the program, as far as its servers go.
    writeFileSync(join(program.folder, 'Dockerfile'), DOCKERFILE)
    writeFileSync(join(program.folder, 'codex'), WRAPPER, { mode: 0o755 })
    declared(program, api, HOSTS, OLD)
    const { code, out, err } = await program.start('apply old', { limit: MAKING }).ended
    expect([code, out + err]).toEqual([4, expect.stringContaining('it knows no servers')])
    const shown = (await program.must('status')).out
    expect(shown).toMatch(/old: the MCP servers are not registered: .*it knows no servers.*starts without/)
    expect(shown).toMatch(/^old +ready/m)
    called = []
    const worked = await headless('old')
    expect([worked.code, worked.out]).toEqual([0, expect.stringContaining('Done.')])
    expect(toldTo('api.openai.com')).not.toContain('mcp__files__echo')
  })

  it('are tried again by the next apply', async () => {
    await program.must('exec old touch /workspace/mended')
    expect((await program.must('apply old')).code).toBe(0)
    expect((await program.must('status')).out).not.toContain('not registered')
    called = ['files']
    expect((await headless('old')).code).toBe(0)
    expect(toldTo('api.openai.com')).toContain('inside seven')
  })
})

const DOCKERFILE = `ARG BOT_BOTTLE_BASE
FROM \${BOT_BOTTLE_BASE}
COPY codex /usr/local/sbin/codex
`
const WRAPPER = `#!/bin/sh
if [ "$1" = mcp ] && [ ! -e /workspace/mended ]; then echo it knows no servers >&2; exit 3; fi
exec /usr/local/bin/codex "$@"
`
