/**
 * `kill -9` at every journal point of every scenario, then apply again: the same world as the undisturbed run, a
 * second plan that is empty, and nothing made twice. The kill is simulated by a program that from this point on can
 * neither write a row nor reach a driver; a sample with real processes is in kill.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import type { World } from '../../../src/drivers/memory/world.ts'
import { memoryWorld } from '../../../src/drivers/memory/world.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import type { Journal } from '../../../src/state/journal.ts'
import type { Roots } from '../../../src/state/roots.ts'
import { desiredOf } from '../reconcile/stacks.ts'
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
]

class Killed extends Error {}

type Moment = 'before effect' | 'inside effect' | 'after effect' | 'after end'
const MOMENTS: readonly Moment[] = ['before effect', 'inside effect', 'after effect', 'after end']

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
  const onCall = () => {
    alive()
    if (here('inside effect')) die()
  }
  return { deps: { journal, roots }, onCall, isDead: () => dead }
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

let points = 0

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
        points += 1
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

it('has enumerated enough points to mean something', () => {
  expect(points).toBeGreaterThan(150)
})
