/**
 * `kill -9` at every journal point of every scenario, then apply again: the same world as the undisturbed run, a
 * second plan that is empty, and nothing made twice. The kill is simulated by a program that from this point on can
 * neither write a row nor reach a driver; a sample with real processes is in kill.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { lostAnswer } from '../../../src/drivers/memory/forge.ts'
import type { World } from '../../../src/drivers/memory/world.ts'
import { memoryWorld } from '../../../src/drivers/memory/world.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { RefusedError } from '../../../src/model/errors.ts'
import { parseKeyTitle } from '../../../src/model/deploy-key.ts'
import type { KeySpec } from '../../../src/resources/key/spec.ts'
import { publicKeyOf, sshFingerprint } from '../../../src/model/ssh-key.ts'
import { Secret } from '../../../src/model/secret.ts'
import type { DeployKeys } from '../../../src/state/deploy-keys.ts'
import type { Journal } from '../../../src/state/journal.ts'
import type { Roots } from '../../../src/state/roots.ts'
import { desiredOf, FORGE } from '../reconcile/stacks.ts'
import { laboratory } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'
import { withSecret } from './with-secret.ts'
import { worldText } from './world-text.ts'

interface Scenario {
  readonly name: string
  /** Applied, undisturbed, before. */
  readonly before?: Desired
  readonly happens?: (lab: Laboratory) => unknown
  readonly after: Desired
}

const TOKEN = { TOKEN: 'canary-5d1e-value' }
const dev = { routes: { 'a.example': ['/x/'], 'b.example': [] } }
const pair = withSecret(desiredOf({ dev, review: { routes: { 'a.example': [] } } }), 'TOKEN')
const remote = (repository: string, allow: readonly string[], rotate?: number) => ({
  repository,
  allow,
  ...(rotate !== undefined && { rotate }),
})
const HOUR = 3_600_000
const push = ['refs/heads/agent/*']
const git = desiredOf({
  dev: { ...dev, remotes: { origin: remote('acme/app', push, HOUR), docs: remote('acme/docs', []) } },
})
const single = withSecret(desiredOf({ dev }), 'TOKEN')

const scenarios: readonly Scenario[] = [
  { name: 'first apply of two bottles', after: pair },
  {
    name: 'edit of routes: one closed, one narrowed, one opened',
    before: pair,
    after: withSecret(
      desiredOf({
        dev: { routes: { 'b.example': ['/only/'], 'c.example': [] } },
        review: { routes: { 'a.example': [] } },
      }),
      'TOKEN',
    ),
  },
  { name: 'removal of a bottle', before: pair, after: single },
  {
    name: 'change that makes the agent container anew',
    before: pair,
    after: withSecret(
      desiredOf({ dev: { ...dev, cpus: 2 }, review: { routes: { 'a.example': [] } } }),
      'TOKEN',
    ),
  },
  { name: 'destroy', before: pair, after: desiredOf({}) },
  {
    name: 'renewal of the root',
    before: single,
    happens: (lab) => lab.clock.advance(21 * 86_400_000),
    after: single,
  },
  {
    name: 'change-over to the renewed root on the last day of the old one',
    before: single,
    happens: async (lab) => {
      lab.clock.advance(21 * 86_400_000)
      await lab.run(single)
      lab.clock.advance(8 * 86_400_000)
    },
    after: single,
  },
  {
    name: 'repair of a lost uplink',
    before: pair,
    happens: (lab) => drift(lab.world, 'acme').deleteUplink(),
    after: pair,
  },
  {
    name: 'repair of a lost holder',
    before: pair,
    happens: (lab) => drift(lab.world, 'acme').replaceHolder('dev', 'other'),
    after: pair,
  },
  {
    name: 'repair of a lost bundle beside an edit of its routes',
    before: pair,
    happens: (lab) => drift(lab.world, 'acme').deleteBundle('dev'),
    after: withSecret(
      desiredOf({ dev: { routes: { 'a.example': [] } }, review: { routes: { 'a.example': [] } } }),
      'TOKEN',
    ),
  },
  {
    name: 'edit of label and protection',
    before: single,
    after: withSecret(desiredOf({ dev: { ...dev, label: 'main', protect: true } }), 'TOKEN'),
  },
  { name: 'first apply of a bottle with remotes and their keys', after: git },
  {
    name: 'edit of remotes: another repository, another access, one gone, one new',
    before: git,
    after: desiredOf({
      dev: { ...dev, remotes: { origin: remote('acme/app', []), site: remote('acme/site', push) } },
    }),
  },
  {
    name: 'edit of a remote to another repository beside an edit of its routes',
    before: git,
    after: desiredOf({
      dev: {
        routes: { 'b.example': ['/only/'], 'c.example': [] },
        remotes: { origin: remote('acme/other', push), docs: remote('acme/docs', []) },
      },
    }),
  },
  {
    name: 'rotation of a deploy key',
    before: git,
    happens: (lab) => lab.clock.advance(2 * HOUR),
    after: git,
  },
  {
    name: 'rotation to a deploy key that its upstream did not take at first',
    before: git,
    happens: async (lab) => {
      lab.clock.advance(2 * HOUR)
      lab.world.change((state) => void (state.closedHosts = { 'forge.example': 'identity-refused' }))
      await lab.run(git)
      lab.world.change((state) => void delete state.closedHosts)
    },
    after: git,
  },
  {
    name: 'repair of a key that was revoked by hand',
    before: git,
    happens: (lab) => lab.world.change((state) => void (state.forges[FORGE.api] = {})),
    after: git,
  },
  { name: 'removal of every remote', before: git, after: desiredOf({ dev }) },
  { name: 'destroy of a bottle with keys', before: git, after: desiredOf({}) },
]

class Killed extends Error {}

const MOMENTS = [
  'before effect',
  'inside effect',
  'before key row',
  'after key row',
  'after effect',
  'after end',
] as const
type Moment = (typeof MOMENTS)[number]

/** A program that dies at the n-th row: nothing it does from then on reaches disk or world. */
function mortal(lab: Laboratory, moment: Moment, at: number) {
  let dead = false
  let reached = 0
  const die = (): never => {
    dead = true
    throw new Killed()
  }
  const alive = () => {
    if (dead) throw new Killed()
  }
  const here = (point: Moment) => moment === point && ++reached === at
  const journal: Journal = {
    ...lab.journal,
    begin(run, operation, now) {
      alive()
      const row = lab.journal.begin(run, operation, now)
      if (here('before effect')) die()
      return row
    },
    end(id, end, now) {
      alive()
      if (here('after effect')) die()
      lab.journal.end(id, end, now)
      if (here('after end')) die()
    },
  }
  const roots: Roots = {
    ...lab.roots,
    create: (...args) => {
      alive()
      return lab.roots.create(...args)
    },
    prepare: (...args) => {
      alive()
      return lab.roots.prepare(...args)
    },
    takeOver: (bottle) => {
      alive()
      return lab.roots.takeOver(bottle)
    },
    remove: (bottle) => {
      alive()
      lab.roots.remove(bottle)
    },
  }
  const row = <Args extends readonly unknown[], T>(write: (...args: Args) => T) => {
    return (...args: Args): T => {
      alive()
      if (here('before key row')) die()
      const written = write(...args)
      if (here('after key row')) die()
      return written
    }
  }
  const keys: DeployKeys = {
    ...lab.keys,
    begin: row(lab.keys.begin),
    end: row(lab.keys.end),
    verified: row(lab.keys.verified),
    retire: row(lab.keys.retire),
    forget: row(lab.keys.forget),
  }
  const onCall = () => {
    alive()
    // What is asked before a plan is no effect.
    if (lab.calls.at(-1)?.startsWith('forge list') === true) return
    if (here('inside effect')) die()
  }
  return { deps: { journal, roots, keys }, onCall, isDead: () => dead }
}

async function prepared(scenario: Scenario): Promise<{ lab: Laboratory; hook: { onCall: () => void } }> {
  const hook = { onCall: () => undefined as void }
  const lab = await laboratory({ secrets: TOKEN, onCall: () => hook.onCall() })
  if (scenario.before) await lab.run(scenario.before)
  await scenario.happens?.(lab)
  lab.calls.length = 0
  return { lab, hook }
}

/** Calls that make or destroy something; configuring again is harmless. */
function effects(calls: readonly string[]): string[] {
  return calls.filter((call) => call.startsWith('perform'))
}

const matrix = new Map<string, Record<string, number>>()

function count(scenario: string, moment: string): void {
  const row = matrix.get(scenario) ?? {}
  row[moment] = (row[moment] ?? 0) + 1
  matrix.set(scenario, row)
}

function matrixLines(): readonly string[] {
  const moments = [...new Set([...matrix.values()].flatMap((row) => Object.keys(row)))]
  const line = (first: string, cells: readonly string[]) =>
    [first.padEnd(70), ...cells.map((cell, at) => cell.padStart(moments[at]?.length ?? 0))].join('  ')
  const rows = [...matrix].map(([scenario, row]) =>
    line(
      scenario,
      moments.map((moment) => String(row[moment] ?? '-')),
    ),
  )
  return [line('points that were tried', moments), ...rows]
}

/** Where nothing but what is unknown is left to do there is no run. */
function onlyRefused(error: unknown): void {
  if (!(error instanceof RefusedError)) throw error
}

const WITH_KEYS = scenarios.filter(({ before, after }) =>
  [before, after].some((desired) => desired?.resources.some(({ kind }) => kind === 'key')),
)

describe.each(WITH_KEYS)(
  'every answer of the forge, or about its upstream, lost during: $name',
  (scenario) => {
    it('ends, after the next apply, with exactly the declared keys', async () => {
      const { lab: undisturbed } = await prepared(scenario)
      await undisturbed.run(scenario.after)
      const wanted = worldText(undisturbed.world, undisturbed.roots)
      undisturbed.close()
      for (const what of ['forge list', 'forge create', 'forge revoke', 'bundle verify']) {
        for (let at = 1; ; at += 1) {
          const { lab, hook } = await prepared(scenario)
          let heard = 0
          const call = new RegExp(`^${what} `)
          hook.onCall = () => {
            const [last = ''] = lab.calls.slice(-1)
            if (call.test(last) && ++heard === at)
              lab.faults.add({ call: last, moment: 'after', error: lostAnswer })
          }
          await lab.run(scenario.after).catch(onlyRefused)
          hook.onCall = () => undefined
          if (heard < at) {
            lab.close()
            break
          }
          count(scenario.name, `${what} lost`)
          const where = `${scenario.name}: answer to ${what} ${at} lost`
          await lab.run(scenario.after)
          expect(worldText(lab.world, lab.roots), where).toBe(wanted)
          expect((await lab.planned(scenario.after)).actions, where).toEqual([])
          assertKeys(lab, scenario.after, where)
          lab.close()
        }
      }
    }, 60_000)
  },
)

describe.each(scenarios)('killed during: $name', (scenario) => {
  it('ends, after the next apply, in the world of the undisturbed run', async () => {
    const { lab: undisturbed } = await prepared(scenario)
    const plannedRows = (await undisturbed.planned(scenario.after)).actions.length
    await undisturbed.run(scenario.after)
    const wanted = worldText(undisturbed.world, undisturbed.roots)
    const normal = new Set(effects(undisturbed.calls))
    undisturbed.close()
    expect(plannedRows).toBeGreaterThan(0)

    for (const moment of MOMENTS) {
      for (let at = 1; ; at += 1) {
        const { lab, hook } = await prepared(scenario)
        const life = mortal(lab, moment, at)
        hook.onCall = life.onCall
        await lab.run(scenario.after, { ...life.deps, parallel: 3 })
        hook.onCall = () => undefined
        if (!life.isDead()) {
          lab.close()
          break
        }
        count(scenario.name, moment)
        const where = `${scenario.name}: ${moment} ${at}`
        await lab.run(scenario.after)
        expect(worldText(lab.world, lab.roots), where).toBe(wanted)
        expect((await lab.planned(scenario.after)).actions, where).toEqual([])
        expect(lab.journal.pending(), where).toEqual([])
        const strange = effects(lab.calls).filter(
          (call) =>
            !normal.has(call) &&
            !/^perform (create|update|create-then-remove|remove-then-create) /.test(call),
        )
        expect(strange, where).toEqual([])
        assertNothingTwice(lab.world, where)
        assertKeys(lab, scenario.after, where)
        lab.close()
      }
    }
  }, 60_000)
})

function assertNothingTwice(world: World, where: string): void {
  const stack = world.read().stacks['acme']
  for (const [bottle, bundle] of Object.entries(stack?.bundles ?? {}))
    expect(bundle.holderId, where).toBe(stack?.bottles[bottle]?.holder?.id)
  for (const bottle of Object.keys(stack?.uplink?.tables ?? {}))
    expect(Object.keys(stack?.bundles ?? {}), where).toContain(bottle)
}

describe('a crash inside an effect that is made of several calls', () => {
  it('leaves a holder alone, and the next apply completes the bottle', async () => {
    const world = memoryWorld()
    const lab = await laboratory({ world, secrets: TOKEN })
    lab.faults.add({ call: 'perform create bottle/dev', moment: 'middle' })
    await lab.run(single)
    expect(world.read().stacks['acme']!.bottles['dev']!.agent).toBeUndefined()
    await lab.run(single)
    expect((await lab.planned(single)).actions).toEqual([])
    lab.close()
  })
})

/** At the forge exactly the declared keys, each in the state folder and at the gate of its bottle. */
function assertKeys(lab: Laboratory, desired: Desired, where: string): void {
  const state = lab.world.read()
  const declared = desired.resources.flatMap(({ kind, address, spec }) =>
    kind === 'key' ? [{ address, ...(spec as KeySpec) }] : [],
  )
  const listed = Object.values(state.forges).flatMap((repositories) =>
    Object.entries(repositories).flatMap(([repository, keys]) =>
      keys.map(({ title, readOnly, publicKey }) => ({
        address: parseKeyTitle(title)?.address,
        repository,
        readOnly,
        fingerprint: sshFingerprint(publicKey),
      })),
    ),
  )
  const { rows } = lab.keys.rows()
  const held = (at: string): string | undefined => {
    const [, bottle = '', name = ''] = at.split('/')
    const identity = state.stacks['acme']?.bundles[bottle]?.gate?.identities[name]
    return identity === undefined ? undefined : sshFingerprint(publicKeyOf(new Secret(identity)) ?? '')
  }
  const wanted = declared.map(({ address: at, repository, readOnly }) => {
    const row = rows.find((one) => one.address === at)
    expect(held(at), `${where}: ${at} at the gate`).toBe(row?.fingerprint)
    return { address: at, repository, readOnly, fingerprint: row?.fingerprint }
  })
  expect(listed.sort(byAddress), where).toEqual(wanted.sort(byAddress))
  expect(rows.length, where).toBe(declared.length)
}

function byAddress(
  a: { readonly address: string | undefined },
  b: { readonly address: string | undefined },
): number {
  return String(a.address) < String(b.address) ? -1 : 1
}

it('has enumerated enough points to mean something', () => {
  process.stdout.write(`${matrixLines().join('\n')}\n`)
  const points = [...matrix.values()].flatMap((row) => Object.values(row)).reduce((sum, one) => sum + one, 0)
  expect(points).toBeGreaterThan(400)
})
