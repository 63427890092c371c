import fc from 'fast-check'
import PQueue from 'p-queue'
import { describe, expect, it } from 'vitest'
import { schedule } from '../../../src/execute/schedule.ts'
import type { Step, Verdict } from '../../../src/execute/schedule.ts'
import { drift } from '../../../src/drivers/memory/drift.ts'
import type { World } from '../../../src/drivers/memory/world.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import type { StackShape } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'

const options = (run: (step: Step) => Promise<'done' | 'failed'>, concurrency = 8) => {
  const queue = new PQueue({ concurrency })
  return { run, passedOver: () => undefined, isStopped: () => false, queueFor: () => queue }
}

/** Edges only point backwards, so every graph is one without cycles. */
const graphs = fc
  .array(fc.record({ edges: fc.array(fc.nat(), { maxLength: 4 }), fails: fc.boolean() }), { maxLength: 14 })
  .map((nodes) =>
    nodes.map(({ edges, fails }, index) => ({
      id: `s${index}`,
      after: new Set(index === 0 ? [] : edges.map((edge) => `s${edge % index}`)),
      fails,
    })),
  )

describe('the schedule', () => {
  it('starts nothing before what it waits for ended well, whatever ends first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), graphs, fc.integer({ min: 1, max: 4 }), async (s, steps, width) => {
        const ended = new Map<string, string>()
        let active = 0
        const verdicts = schedule(
          steps,
          options(async (step) => {
            active += 1
            expect(active).toBeLessThanOrEqual(width)
            for (const id of step.after) expect(ended.get(id)).toBe('done')
            await s.schedule(Promise.resolve(), step.id)
            active -= 1
            const outcome = steps.find(({ id }) => id === step.id)!.fails ? 'failed' : 'done'
            ended.set(step.id, outcome)
            return outcome
          }, width),
        )
        const result = await s.waitFor(verdicts)
        for (const step of steps) expect(result.get(step.id)).toEqual(expected(step.id, steps))
      }),
      { numRuns: 300 },
    )
  })

  it('names the steps of a cycle before anything runs', async () => {
    const steps = [
      { id: 'a', after: new Set(['b']) },
      { id: 'b', after: new Set(['a']) },
    ]
    let ran = false
    const run = async () => {
      ran = true
      return 'done' as const
    }
    await expect(schedule(steps, options(run))).rejects.toThrow('a → b → a')
    expect(ran).toBe(false)
  })
})

/** Skipped exactly when some ancestor failed; the cause is one that really failed. */
function expected(id: string, steps: readonly (Step & { readonly fails: boolean })[]): unknown {
  const step = steps.find((candidate) => candidate.id === id)!
  const causes = failedAncestors(step, steps)
  if (causes.size === 0) return { outcome: step.fails ? 'failed' : 'done' }
  return {
    outcome: 'skipped',
    because: expect.toSatisfy((because: Verdict['outcome']) => causes.has(because)),
  }
}

function failedAncestors(step: Step, steps: readonly (Step & { readonly fails: boolean })[]): Set<string> {
  const causes = new Set<string>()
  for (const id of step.after) {
    const before = steps.find((candidate) => candidate.id === id)!
    const above = failedAncestors(before, steps)
    if (above.size === 0 && before.fails) causes.add(id)
    for (const cause of above) causes.add(cause)
  }
  return causes
}

const shapes: fc.Arbitrary<StackShape> = fc.dictionary(
  fc.constantFrom('dev', 'review', 'ops'),
  fc.record({
    routes: fc.dictionary(
      fc.constantFrom('a.example', 'b.example', 'c.example'),
      fc.array(fc.constantFrom('/x/', '/y/'), { maxLength: 2 }),
      { maxKeys: 3 },
    ),
  }),
  { maxKeys: 3 },
)

/** Where anything new is open for a bottle, in egress or uplink, nothing that had to be closed is open any more (ISO-03). */
function assertClosedFirst(world: World, before: StackShape, after: StackShape): void {
  const stack = world.read().stacks['acme']
  for (const bottle of Object.keys(after)) {
    const [was, will] = [before, after].map((shape) => new Set(Object.keys(shape[bottle]?.routes ?? {})))
    const open = [
      ...(stack?.bundles[bottle]?.config?.policy.routes ?? []),
      ...(stack?.uplink?.tables[bottle]?.targets ?? []),
    ].map(({ host }) => host)
    const opened = open.filter((host) => !was!.has(host))
    if (opened.length > 0) expect(open.filter((host) => was!.has(host) && !will!.has(host))).toEqual([])
  }
}

describe('apply under any order of events', () => {
  it('closes before it opens, and ends in a world whose plan is empty', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        shapes,
        shapes,
        fc.constantFrom('none', 'uplink', 'bundle', 'forgotten'),
        async (s, before, after, accident) => {
          let judged = false
          const lab = await laboratory({
            gate: (call) => s.schedule(Promise.resolve(), call),
            onCall: () => judged && assertClosedFirst(lab.world, before, after),
          })
          try {
            await s.waitFor(lab.run(desiredOf(before)))
            judged = true
            const hand = drift(lab.world, 'acme')
            if (accident === 'uplink') hand.deleteUplink()
            if (accident === 'bundle') hand.deleteBundle('dev')
            if (accident === 'forgotten') hand.forgetConfiguration('dev')
            const events = await s.waitFor(lab.run(desiredOf(after), {}, { force: true }))
            expect(told(events).at(-1)).toBe('ended done')
            expect((await lab.planned(desiredOf(after), { force: true })).actions).toEqual([])
          } finally {
            lab.close()
          }
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)

  it('stopped at any moment, it is completed by the next one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        shapes,
        shapes,
        fc.nat({ max: 25 }),
        async (s, before, after, stopAt) => {
          const stop = new AbortController()
          let calls = 0
          let counting = false
          const lab = await laboratory({
            gate: (call) => s.schedule(Promise.resolve(), call),
            onCall: () => counting && ++calls === stopAt && stop.abort(),
          })
          try {
            await s.waitFor(lab.run(desiredOf(before)))
            counting = true
            await s.waitFor(lab.run(desiredOf(after), { signal: stop.signal }))
            counting = false
            expect(lab.journal.pending()).toEqual([])
            expect(told(await s.waitFor(lab.run(desiredOf(after)))).at(-1)).toBe('ended done')
            expect((await lab.planned(desiredOf(after))).actions).toEqual([])
          } finally {
            lab.close()
          }
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)
})
