import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Driver, Unused, UnusedQuestion } from '../../../src/ports/driver.ts'
import { memoryDriver } from '../../../src/drivers/memory/driver.ts'
import { run } from '../../../src/cli/main.ts'
import { DriverError } from '../../../src/model/errors.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
let asked: UnusedQuestion | undefined
let removed: string[]
/** What another terminal does once it was agreed to. */
let meanwhile: (() => void) | undefined
beforeEach(() => {
  program = openProgram()
  asked = undefined
  removed = []
  meanwhile = undefined
})
afterEach(() => program.close())

const OLD: Unused = {
  names: ['bot-bottle/dev:old'],
  what: 'image of an agent',
  bytes: 5e6,
  createdAt: '2026-01-01T00:00:00Z',
}
const BUSY: Unused = { ...OLD, names: ['bot-bottle/dev:busy'] }

/** `prune` on an engine in memory that has images as well. */
async function prune(...words: readonly string[]) {
  const io = program.io(TOKEN)
  const [out, err]: string[][] = [[], []]
  const heard = (stream: unknown, lines: string[] | undefined): void =>
    void (stream as NodeJS.ReadableStream).on('data', (text: Buffer) => lines?.push(String(text)))
  heard(io.stdout, out)
  heard(io.stderr, err)
  const images: Pick<Driver, 'unused' | 'removeUnused'> = {
    unused: async (question) => {
      asked = question
      return [OLD, BUSY]
    },
    removeUnused: async ({ names }) => {
      if (names.includes('bot-bottle/dev:busy'))
        throw new DriverError('it is used', { code: 'engine-conflict' })
      removed.push(...names)
      meanwhile?.()
    },
  }
  const memory = async ({ installation }: { readonly installation: string }) => ({
    ...memoryDriver({ world: program.world, installation, faults: program.faults }),
    ...images,
  })
  const code = await run(['prune', ...words], { ...io, drivers: { memory } })
  return { code, out: out?.join('') ?? '', err: err?.join('') ?? '' }
}

it('asks for what neither the manifest here nor what was applied anywhere counts on', async () => {
  program.write('bottles.yaml', MANIFEST)
  await program.run('apply', { env: TOKEN })
  program.write('bottles.yaml', MANIFEST.replace('acme', 'other'))
  await prune('--dry-run', '--frozen')
  expect([...(asked?.bottles ?? [])].sort()).toEqual([
    'acme/implementer',
    'acme/reviewer',
    'other/implementer',
    'other/reviewer',
  ])
  expect([...(asked?.images ?? [])].some((tag) => tag.startsWith('bot-bottle/sidecars:'))).toBe(true)
  expect(asked?.frozen).toBe(true)
})

it('removes nothing that was only looked at, or not agreed to', async () => {
  const looked = await prune('--dry-run')
  expect([looked.code, looked.out]).toEqual([
    0,
    expect.stringMatching(/image of an agent .*bot-bottle\/dev:old .* 5\.0 MB/),
  ])
  expect(JSON.parse((await prune('--dry-run', '--output', 'json')).out)).toEqual({
    version: 1,
    unused: [OLD, BUSY],
    stacks: [],
  })
  expect((await prune()).code).toBe(5)
  expect((await prune('--yes', '--output', 'json')).code).toBe(2)
  expect(removed).toEqual([])
})

it('goes on behind what the engine refuses, says it, and ends with 4', async () => {
  const { code, err } = await prune('--yes')
  expect(removed).toEqual(['bot-bottle/dev:old'])
  expect([code, err]).toEqual([4, expect.stringContaining('bot-bottle/dev:busy stays: it is used')])
})

it('removes nothing beside a manifest that cannot be read', async () => {
  program.write('bottles.yaml', 'version: 1\nbottles: [')
  expect((await prune('--yes')).code).toBe(2)
  expect([asked, removed]).toEqual([undefined, []])
})

describe('what is left of a stack', () => {
  const leave = async (): Promise<void> => {
    program.write('bottles.yaml', MANIFEST)
    await program.run('apply', { env: TOKEN })
    rmSync(join(program.folder, '.bot-bottle/stacks'), { recursive: true })
    rmSync(join(program.folder, 'bottles.yaml'))
    program.world.change(({ stacks: { acme } }) => {
      if (!acme) return
      delete acme.uplink
      delete acme.record
      acme.bundles = {}
      for (const { agent } of Object.values(acme.bottles))
        if (agent) agent.fields = { ...agent.fields, running: false }
    })
  }

  it('goes', async () => {
    await leave()
    expect((await prune('--dry-run')).out).toContain('what is left of stack acme')
    await prune('--yes')
    expect(program.world.read().stacks['acme']).toBeUndefined()
  })

  it('is there for the next prune where it could not be removed', async () => {
    await leave()
    program.faults.add({ call: 'perform remove bottle/reviewer', moment: 'before' })
    expect((await prune('--yes')).code).toBe(4)
    expect(Object.keys(program.world.read().stacks['acme']?.bottles ?? {})).toEqual(['reviewer'])
    expect((await prune('--dry-run')).out).toContain('what is left of stack acme')
  })

  it('stays where another run went on with it while it was asked for, and the rest is told', async () => {
    await leave()
    meanwhile = () =>
      program.world.change(({ stacks: { acme } }) => {
        const agent = acme?.bottles['reviewer']?.agent
        if (agent) agent.fields = { ...agent.fields, running: true }
      })
    const { code, err } = await prune('--yes')
    expect([code, err]).toEqual([
      4,
      expect.stringContaining('what is left of stack acme stays: it is in use again'),
    ])
    expect(err).toContain('removed 1 thing')
    expect(Object.keys(program.world.read().stacks['acme']?.bottles ?? {})).toEqual([
      'implementer',
      'reviewer',
    ])
  })
})
