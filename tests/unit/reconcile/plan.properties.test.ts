import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bottleOf } from '../../../src/model/address.ts'
import type { Action } from '../../../src/model/plan.ts'
import type { Observed } from '../../../src/model/resource.ts'
import type { Snapshot } from '../../../src/model/snapshot.ts'
import { plan } from '../../../src/reconcile/plan.ts'
import { definitionOf } from '../../../src/resources/kinds.ts'
import { applied } from './model-apply.ts'
import { desiredOf, liveObject, OPTIONS, worldOf } from './stacks.ts'
import type { BottleShape, StackShape } from './stacks.ts'

const RUNS = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1000) }

const bottleShape: fc.Arbitrary<BottleShape> = fc.record(
  {
    cpus: fc.integer({ min: 1, max: 3 }),
    label: fc.constantFrom('a', 'b'),
    routes: fc.dictionary(
      fc.constantFrom('api.one.example', 'api.two.example', 'three.example'),
      fc.uniqueArray(fc.constantFrom('/a/', '/b/', '/c/'), { maxLength: 2 }),
      { maxKeys: 3 },
    ),
    remotes: fc.dictionary(
      fc.constantFrom('origin', 'docs'),
      fc.record(
        {
          repository: fc.constantFrom('acme/app', 'acme/site'),
          allow: fc.uniqueArray(fc.constantFrom('refs/heads/agent/*', 'refs/heads/fix'), { maxLength: 2 }),
          rotate: fc.constant(3_600_000),
        },
        { requiredKeys: ['repository', 'allow'] },
      ),
      { maxKeys: 2 },
    ),
  },
  { requiredKeys: ['routes'] },
)
const stackShape: fc.Arbitrary<StackShape> = fc.dictionary(
  fc.constantFrom('ann', 'bob', 'cid'),
  bottleShape,
  { maxKeys: 3 },
)

/** A hand or an accident changed the world. */
type Accident =
  | {
      readonly do: 'lose' | 'stop' | 'alter' | 'disown' | 'duplicate' | 'forge-silent'
      readonly pick: number
    }
  | { readonly do: 'forget-record' | 'lose-record' | 'engine-gone' }
const accident: fc.Arbitrary<Accident> = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      'lose' as const,
      'stop' as const,
      'alter' as const,
      'disown' as const,
      'duplicate' as const,
      'forge-silent' as const,
    ),
    pick: fc.nat(),
  }),
  fc.record({
    do: fc.constantFrom('forget-record' as const, 'lose-record' as const, 'engine-gone' as const),
  }),
)
const accidents = fc.array(accident, { maxLength: 4 })

/** What somebody changed by hand, or an accident, by kind. */
const ALTERED: Readonly<Partial<Record<Observed['kind'], Observed['fields']>>> = {
  route: { port: 444 },
  remote: { credential: 'missing' },
  key: { listed: 'missing' },
}
/** What a daemon enforces, a forge lists and the record says carries no marks of its own. */
const UNMARKED: ReadonlySet<string> = new Set(['route', 'remote', 'key', 'guest'])

function damaged(world: Snapshot, happened: readonly Accident[]): Snapshot {
  return happened.reduce((before, each) => damage(before, each), world)
}

function damage(world: Snapshot, happened: Accident): Snapshot {
  switch (happened.do) {
    case 'forget-record':
      return { ...world, record: { status: 'absent' } }
    case 'lose-record':
      return { ...world, record: { status: 'unknown', reason: 'uplink does not answer' } }
    case 'engine-gone':
      return {
        ...world,
        objects: [],
        drivers: { memory: { status: 'unreachable', reason: 'connection refused' } },
      }
    default: {
      if (world.objects.length === 0) return world
      const at = happened.pick % world.objects.length
      const target = world.objects[at]!
      const replace = (...by: Observed[]): Snapshot => ({
        ...world,
        objects: [...world.objects.slice(0, at), ...by, ...world.objects.slice(at + 1)],
      })
      switch (happened.do) {
        case 'lose':
          return replace()
        case 'stop':
          return replace({ ...target, health: { wrong: 'container is stopped' } })
        case 'alter':
          return replace({
            ...target,
            fields: { ...target.fields, ...(ALTERED[target.kind] ?? { running: false }) },
          })
        case 'forge-silent':
          if (target.kind !== 'key') return world
          return {
            ...world,
            unknown: [...world.unknown, { kinds: ['key'], at: target.address, reason: 'it does not answer' }],
          }
        case 'disown':
          if (UNMARKED.has(target.kind)) return world
          return replace({ ...target, ownership: at % 2 ? 'unmarked' : 'other-stack', owner: 'somebody' })
        case 'duplicate':
          if (UNMARKED.has(target.kind)) return world
          return replace(target, { ...target, id: `${target.id} again` })
      }
    }
  }
}

interface Scenario {
  readonly live: StackShape
  readonly wanted: StackShape
  readonly happened: readonly Accident[]
}
const scenario: fc.Arbitrary<Scenario> = fc.record({
  live: stackShape,
  wanted: stackShape,
  happened: accidents,
})

const inputOf = ({ live, wanted, happened }: Scenario) => ({
  desired: desiredOf(wanted),
  snapshot: damaged(worldOf(desiredOf(live)), happened),
})
const made = (input: Scenario) => plan({ ...inputOf(input), options: OPTIONS })

const before = (actions: readonly Action[], address: string) =>
  actions.findIndex((action) => action.address === address)

describe('a plan', () => {
  it('is empty for a world in which the manifest is applied', () => {
    fc.assert(
      fc.property(stackShape, (shape) => {
        const desired = desiredOf(shape)
        expect(plan({ desired, snapshot: worldOf(desired), options: OPTIONS }).actions).toEqual([])
      }),
      RUNS,
    )
  })

  it('is empty after it was applied, whatever had happened to the world', () => {
    fc.assert(
      fc.property(scenario, (each) => {
        const input = inputOf(each)
        const first = plan({ ...input, options: OPTIONS })
        fc.pre(!first.actions.some((action) => action.verb === 'blocked'))
        const after = applied(first, input.desired, input.snapshot)
        expect(plan({ desired: input.desired, snapshot: after, options: OPTIONS }).actions).toEqual([])
      }),
      RUNS,
    )
  })

  it('gives every action a reason, and every change its differences', () => {
    fc.assert(
      fc.property(scenario, (input) => {
        for (const action of made(input).actions) {
          expect(action.reason).not.toBe('')
          if (['update', 'create-then-remove', 'remove-then-create'].includes(action.verb))
            expect(action.differences, action.address).not.toEqual([])
        }
      }),
      RUNS,
    )
  })

  it('starts nothing before what it needs, and removes in reverse', () => {
    fc.assert(
      fc.property(scenario, (input) => {
        const { actions } = made(input)
        for (const [index, action] of actions.entries()) {
          for (const need of action.after) expect(before(actions, need)).toBeLessThan(index)
          for (const need of action.desired?.needs ?? []) {
            const at = before(actions, need)
            if (action.verb !== 'remove' && !action.only && at >= 0 && actions[at]!.verb !== 'remove')
              expect(action.after).toContain(need)
          }
          if (action.verb !== 'remove') continue
          for (const other of actions) {
            const needsIt =
              other.verb === 'remove' &&
              definitionOf(other.kind)?.needs.includes(action.kind) &&
              ![other, action].some(({ kind }) => definitionOf(kind)?.apart) &&
              (action.bottle === undefined || other.bottle === action.bottle)
            if (needsIt && other !== action) expect(action.after).toContain(other.address)
          }
        }
      }),
      RUNS,
    )
  })

  it('closes before it opens, and lets a failed closing block the openings of its bottle', () => {
    fc.assert(
      fc.property(scenario, (input) => {
        const { actions } = made(input)
        const blocks = (from: Action, to: Action): boolean =>
          to.after.some(
            (need) =>
              need === from.address ||
              blocks(
                from,
                actions.find((each) => each.address === need)!,
              ),
          )
        for (const closing of actions.filter((action) => action.phase === 'narrow')) {
          for (const opening of actions.filter(
            (action) => action.phase === 'widen' && action.bottle === closing.bottle,
          )) {
            // What needs the opening itself closes in a step of its own (tests/unit/execute/steps.test.ts).
            if (blocks(opening, closing)) continue
            expect(blocks(closing, opening), `${closing.address} → ${opening.address}`).toBe(true)
          }
        }
      }),
      RUNS,
    )
  })

  it('never acts on what is not ours', () => {
    fc.assert(
      fc.property(scenario, (input) => {
        for (const action of made(input).actions) {
          if (action.observed && action.observed.ownership !== 'ours') expect(action.verb).toBe('blocked')
        }
      }),
      RUNS,
    )
  })

  it('takes an engine that does not answer for unknown, never for empty', () => {
    fc.assert(
      fc.property(stackShape, stackShape, (live, wanted) => {
        const snapshot = damage(worldOf(desiredOf(live)), { do: 'engine-gone' })
        expect(
          plan({ desired: desiredOf(wanted), snapshot, options: OPTIONS }).actions.every(
            (action) => action.verb === 'blocked',
          ),
        ).toBe(true)
      }),
      RUNS,
    )
  })

  it('removes nothing while the stack record is unknown, and closes what bottles that stay have open', () => {
    fc.assert(
      fc.property(stackShape, stackShape, (live, wanted) => {
        const snapshot = damage(worldOf(desiredOf(live)), { do: 'lose-record' })
        for (const action of plan({ desired: desiredOf(wanted), snapshot, options: OPTIONS }).actions)
          if (action.verb === 'remove')
            expect([definitionOf(action.kind)?.opens, Object.keys(wanted)]).toEqual([
              true,
              expect.arrayContaining([action.bottle]),
            ])
      }),
      RUNS,
    )
  })

  it('plans for every other bottle as if the blocked one were well', () => {
    fc.assert(
      fc.property(scenario, fc.constantFrom('bottle', 'bundle'), (each, kind) => {
        const input = inputOf({
          ...each,
          wanted: { ...each.wanted, ann: each.live['ann'] ?? { routes: {} } },
        })
        const stranger = (objects: Snapshot['objects']): Snapshot['objects'] => [
          ...objects,
          {
            ...liveObject(desiredOf({ ann: { routes: {} } }).resources.find((one) => one.kind === kind)!),
            id: 'theirs',
            ownership: 'unmarked',
          },
        ]
        const blocked = plan({
          desired: input.desired,
          snapshot: { ...input.snapshot, objects: stranger(input.snapshot.objects) },
          options: OPTIONS,
        })
        const well = plan({ ...input, options: OPTIONS })
        const others = ({ actions }: { readonly actions: readonly Action[] }) =>
          actions.filter(({ bottle }) => bottle !== undefined && bottle !== 'ann')
        expect(others(blocked)).toEqual(others(well))
      }),
      RUNS,
    )
  })

  it('does nothing in a blocked bottle but close, and nothing that needs what is blocked', () => {
    fc.assert(
      fc.property(scenario, (input) => {
        const { actions } = made(input)
        const roots = new Set(
          actions
            .filter(({ verb, because }) => verb === 'blocked' && !because)
            .map(({ address }) => address as string),
        )
        const left = new Set(
          actions
            .filter(({ address, kind }) => roots.has(address) && !definitionOf(kind)?.apart)
            .flatMap(({ bottle }) => bottle ?? []),
        )
        const { resources } = desiredOf(input.wanted)
        const needsBlocked = (at: string): boolean =>
          (resources.find(({ address }) => address === at)?.needs ?? []).some(
            (need) => roots.has(need) || needsBlocked(need),
          )
        for (const action of actions) {
          if (action.verb === 'blocked')
            expect(action.because === undefined || roots.has(action.because)).toBe(true)
          else if (left.has(action.bottle ?? '') || needsBlocked(action.address))
            expect([action.phase, definitionOf(action.kind)?.opens], action.address).toEqual(['narrow', true])
        }
      }),
      RUNS,
    )
  })

  it('does not depend on the order of objects, resources or maps', () => {
    fc.assert(
      fc.property(scenario, fc.integer(), (each, seed) => {
        const input = inputOf(each)
        const shuffled = {
          desired: { ...input.desired, resources: rotated(input.desired.resources, seed) },
          snapshot: { ...input.snapshot, objects: rotated(input.snapshot.objects, seed) },
        }
        expect(plan({ ...shuffled, options: OPTIONS }).actions).toEqual(
          plan({ ...input, options: OPTIONS }).actions,
        )
      }),
      RUNS,
    )
  })

  it('touches only the named bottles and what they need', () => {
    fc.assert(
      fc.property(scenario, (input) => {
        const { actions } = plan({ ...inputOf(input), options: { ...OPTIONS, bottles: ['ann'] } })
        for (const action of actions) expect([undefined, 'ann']).toContain(bottleOf(action.address))
      }),
      RUNS,
    )
  })
})

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : Math.abs(by) % list.length
  return [...list.slice(at), ...list.slice(0, at)].reverse()
}
