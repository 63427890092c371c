/**
 * The program is killed with SIGKILL at journal points and engine calls chosen by seed, then called again: the world
 * of the undisturbed run, a second diff that says nothing, and nothing left after destroy. `BOT_BOTTLE_LONG=1` takes
 * every point; `BOT_BOTTLE_SEED` repeats a choice. The crash matrix of tests/unit/execute has every point on the
 * memory driver.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { worldOf } from './world.ts'

const TOKEN = { CRASH_TOKEN: 'canary-7be1-value' }
const bottle = (name: string, cpus: number, ...routes: readonly string[]): string =>
  [
    `  ${name}:`,
    `    resources: { memory: 256MiB, pids: 128, cpus: ${cpus} }`,
    '    egress:',
    '      routes:',
    ...routes.map((route) => `        - ${route}`),
    '',
  ].join('\n')
const secret = '{ host: a.example, auth: { scheme: bearer, token_ref: CRASH_TOKEN } }'
const plain = (host: string) => `{ host: ${host} }`
const BEFORE = `bottles:\n${bottle('one', 1, secret, plain('b.example'))}${bottle('two', 1, plain('a.example'))}`
/** Closes b.example, opens c.example, makes the agent container of `one` anew. */
const AFTER = `bottles:\n${bottle('one', 0.5, secret, plain('c.example'))}${bottle('two', 1, plain('a.example'))}`

interface Scenario {
  readonly name: string
  readonly before?: string
  readonly after: string
  readonly command: readonly string[]
}

const scenarios: readonly Scenario[] = [
  { name: 'the first apply of two bottles', after: BEFORE, command: ['apply', '--yes'] },
  {
    name: 'an apply that closes a route, opens one and makes an agent container anew',
    before: BEFORE,
    after: AFTER,
    command: ['apply', '--yes'],
  },
  { name: 'a destroy', before: BEFORE, after: BEFORE, command: ['destroy', '--yes'] },
]

const long = process.env['BOT_BOTTLE_LONG'] === '1'
const seed = Number(process.env['BOT_BOTTLE_SEED'] ?? 155_587)
/** Points of each scenario in an ordinary run. */
const SAMPLE = 4

let programs: Program[] = []
afterEach(() => {
  for (const program of programs) program.dispose()
  programs = []
})

async function prepared({ before, after }: Scenario): Promise<Program> {
  const program = openProgram('crash', TOKEN)
  programs.push(program)
  if (before !== undefined) {
    program.manifest(before)
    await program.must('apply --yes')
  }
  program.manifest(after)
  return program
}

/** The scenario without a kill: its world, and the points it passes. */
async function undisturbed(
  scenario: Scenario,
): Promise<{ readonly world: string; readonly points: readonly string[] }> {
  const program = await prepared(scenario)
  const trace = join(program.folder, 'trace')
  await program.must(scenario.command, { preload: ['kill-at.ts'], env: { KILL_TRACE: trace } })
  const world = await worldOf(program)
  const points = readFileSync(trace, 'utf8').trimEnd().split('\n')
  await gone(program)
  return { world, points }
}

/** After destroy: nothing of the stack, and the state folder has no root left. */
async function gone(program: Program): Promise<void> {
  await program.must('destroy --yes')
  expect(program.left()).toEqual([])
  expect(await worldOf(program)).not.toContain('.pem')
}

describe.each(scenarios)('SIGKILL during $name', (scenario) => {
  it(
    'is repaired by the next run: the same world, in sync, nothing left',
    async () => {
      const { world, points } = await undisturbed(scenario)
      expect(points.filter((name) => name.startsWith('journal:')).length).toBeGreaterThan(8)
      const chosen = long ? points.map((_, index) => index + 1) : sample(points.length, SAMPLE, seed)
      process.stderr.write(
        `seed ${seed}: ${scenario.name}: points ${chosen.join(', ')} of ${points.length}\n`,
      )
      await twoAtOnce(chosen, async (at) => {
        const where = `${scenario.name}, point ${at}, seed ${seed}`
        const program = await prepared(scenario)
        const killed = await program.run(scenario.command, {
          preload: ['kill-at.ts'],
          env: { KILL_AT: String(at) },
        })
        expect(killed.signal, `${where}\n${killed.out}${killed.err}`).toBe('SIGKILL')
        const again = await program.run(scenario.command)
        expect(again.code, `${where}\n${again.out}${again.err}`).toBe(0)
        const repaired = await worldOf(program)
        expect(comparable(repaired), where).toBe(comparable(world))
        expect(openRows(repaired), where).toEqual([])
        if (scenario.command[0] === 'apply') {
          const diff = await program.run('diff')
          expect(diff.code, `${where}\n${diff.out}${diff.err}`).toBe(0)
        }
        await gone(program)
        program.dispose()
      })
    },
    long ? 3_600_000 : 300_000,
  )
})

/** Rows of the journal that no run ended. */
function openRows(world: string): readonly unknown[] {
  const { journal } = JSON.parse(world) as { readonly journal?: { readonly open: readonly unknown[] } }
  return journal?.open ?? []
}

/** Without the journal: a run that finds an object in sync writes no applied value, and the killed one may not have. */
function comparable(world: string): string {
  const { journal: _, notes: __, ...rest } = JSON.parse(world) as Readonly<Record<string, unknown>>
  return JSON.stringify(rest, null, 1)
}

/** Each point has a stack of its own: two are repaired side by side. */
async function twoAtOnce(points: readonly number[], work: (point: number) => Promise<void>): Promise<void> {
  const waiting = [...points]
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next)
  }
  await Promise.all([lane(), lane()])
}

/** `count` different points out of 1…`of`, spread: one out of each stretch, so that no part is left out by chance. */
function sample(of: number, count: number, from: number): readonly number[] {
  let state = (from * 2_654_435_761) >>> 0
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const stretch = of / count
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((index + random()) * stretch))
}
