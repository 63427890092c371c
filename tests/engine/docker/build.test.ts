/** Builds as the engine does them: with its own builder, shown while they run, gone when they are cancelled. */
import { readdirSync, readFileSync } from 'node:fs'
import { randomInt } from 'node:crypto'
import { afterAll, expect, it, vi } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { tar } from '../../../src/drivers/docker/images/tar.ts'
import { openEngine } from '../../../src/drivers/docker/engine.ts'
import { chooseEndpoint } from '../../../src/drivers/docker/endpoint.ts'
import { docker } from './stack.ts'

const TAG = `bot-bottle-test/build:${randomInt(1e9)}`
const engine = openEngine(chooseEndpoint(process.env))
afterAll(() => engine.removeImage(TAG))

interface Built {
  readonly said: readonly string[]
  readonly failed?: unknown
}

async function build(
  lines: readonly string[],
  { signal = new AbortController().signal, heard = (_text: string) => {} } = {},
): Promise<Built> {
  const said: string[] = []
  const context = tar([
    { path: 'Dockerfile', mode: 0o644, content: `FROM ${baseImage().tag}\n${lines.join('\n')}\n` },
  ])
  const options = {
    tag: TAG,
    labels: { made: 'here' },
    arguments: { WORD: 'given' },
    network: 'none',
    signal,
  } as const
  const failed = await engine
    .build(context, options, (text) => {
      said.push(text)
      heard(text)
    })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
  return { said, failed }
}

const isBuildKit = (said: readonly string[]): boolean => said.some((line) => line.startsWith('[1/'))

/** Of every process of this machine. */
const commands = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
    .join('\n')

it('is made by BuildKit where the engine would take it by itself, and says each step and what its program prints', async () => {
  const { said, failed } = await build(['ARG WORD', `RUN echo it is $WORD, ${randomInt(1e9)}`])
  expect(failed).toBeUndefined()
  expect(said.join('\n')).toMatch(/RUN echo it is/)
  expect(said.join('\n')).toMatch(/^it is given, \d+$/m)
  const major = Number(docker('version', '-f', '{{.Server.APIVersion}}').split('.')[1])
  expect(isBuildKit(said)).toBe(major >= 42)
  expect((await engine.image(TAG))?.labels['made']).toBe('here')
})

it('has no network but itself where it gets none', async () => {
  const { said } = await build([`RUN echo interfaces: $(grep -c : /proc/net/dev) ${randomInt(1e9)}`])
  expect(said.join('\n')).toMatch(/^interfaces: 1 \d+$/m)
})

it('that fails says with which code', async () => {
  const { failed } = await build([`RUN echo ${randomInt(1e9)}; exit 3`])
  expect(String(failed)).toMatch(/could not build image .*code: 3/)
})

it('that is cancelled ends on the engine, with the programs that it runs', async () => {
  const aborting = new AbortController()
  const seconds = 80_000 + randomInt(10_000)
  const begun = Promise.withResolvers<void>()
  const ended = build([`RUN echo it waits; sleep ${seconds}`], {
    signal: aborting.signal,
    heard: (text) => text === 'it waits' && begun.resolve(),
  })
  await begun.promise
  expect(commands()).toContain(`sleep\0${seconds}`)
  aborting.abort()
  expect((await ended).failed).toMatchObject({ name: 'AbortError' })
  await vi.waitFor(() => expect(commands()).not.toContain(`sleep\0${seconds}`), { timeout: 30_000 })
})
