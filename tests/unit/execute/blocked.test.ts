/** What apply does where a part of the stack is blocked: everything else, and in the blocked bottle what closes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import type { Observed } from '../../../src/model/resource.ts'
import type { ApplyEvent } from '../../../src/model/event.ts'
import { desiredOf, liveObject } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const before = desiredOf({
  dev: { routes: { 'kept.example': [], 'old.example': [] } },
  review: { routes: { 'a.example': [] } },
})
const after = desiredOf({
  dev: { cpus: 2, label: 'new', routes: { 'kept.example': ['/a/'], 'new.example': [] } },
  review: { routes: { 'b.example': [] } },
})

const theirs = (at: string): Observed => ({
  ...liveObject(before.resources.find(({ address }) => address === at)!),
  id: 'theirs',
  ownership: 'unmarked',
})

let lab: Laboratory
beforeEach(async () => {
  lab = await laboratory()
  await lab.run(before)
  lab.calls.length = 0
})
afterEach(() => lab.close())

const stack = () => lab.world.read().stacks['acme']!
const hosts = (bottle: string) =>
  stack().bundles[bottle]?.config?.policy.routes.map(
    ({ host, matches }) => `${host} ${matches?.[0]?.paths?.length ?? '*'}`,
  )
const dialled = (bottle: string) => stack().uplink!.tables[bottle]?.targets.map(({ host }) => host)
const blockedIn = (events: readonly ApplyEvent[]) =>
  told(events)
    .filter((line) => line.includes(' blocked'))
    .sort()

describe('a bottle whose name is taken by a stranger', () => {
  beforeEach(() => drift(lab.world, 'acme').addStranger(theirs('bottle/dev')))

  it('is closed where it can be, opened nowhere, and keeps what it is', async () => {
    const holder = stack().bottles['dev']
    const events = await lab.run(after)
    expect([hosts('dev'), dialled('dev')]).toEqual([['kept.example 1'], ['kept.example']])
    expect(stack().bottles['dev']).toEqual(holder)
    expect(blockedIn(events)).toEqual([
      'bottle/dev blocked (blocked)',
      'ended blocked',
      'route/dev/new.example blocked because bottle/dev (blocked)',
    ])
  })

  it('does not keep the others from what they are declared to be', async () => {
    await lab.run(after)
    expect([hosts('review'), dialled('review')]).toEqual([['b.example *'], ['b.example']])
    const { actions } = await lab.planned(after)
    expect(actions.every(({ bottle }) => bottle === 'dev')).toBe(true)
  })

  it('has its closings among the first calls', async () => {
    await lab.run(after)
    const opening = lab.calls.findLastIndex((call) => call === 'bundle configure review')
    expect(lab.calls.slice(0, opening)).toContain('bundle configure dev')
  })

  it('keeps label and protection in the record as they were', async () => {
    await lab.run(after)
    expect(stack().record!.bottles['dev']).toEqual({})
    expect(stack().record!.objects['route/dev/new.example']).toBeUndefined()
  })

  it('gets no more than it had from an uplink that is made anew', async () => {
    drift(lab.world, 'acme').restartUplink()
    await lab.run(after)
    expect([hosts('dev'), dialled('dev')]).toEqual([['kept.example 1'], ['kept.example']])
  })

  it('lets a new uplink serve the others also where its own bundle is gone or halted', async () => {
    for (const lose of ['deleteBundle', 'stopBundle'] as const) {
      drift(lab.world, 'acme')[lose]('dev')
      drift(lab.world, 'acme').deleteUplink()
      expect(told(await lab.run(after)).at(-1)).toBe('ended blocked')
      expect([hosts('review'), dialled('review')]).toEqual([['b.example *'], ['b.example']])
      expect(dialled('dev')).toBeUndefined()
      lab.world.change((state) => void (state.stacks['acme']!.strangers = []))
      await lab.run(before)
      drift(lab.world, 'acme').addStranger(theirs('bottle/dev'))
    }
  })

  it('is done when the stranger is gone', async () => {
    await lab.run(after)
    lab.world.change((state) => void (state.stacks['acme']!.strangers = []))
    expect(told(await lab.run(after)).at(-1)).toBe('ended done')
    expect((await lab.planned(after)).actions).toEqual([])
  })
})

describe('a bundle that nobody can ask', () => {
  beforeEach(() => {
    drift(lab.world, 'acme').deleteBundle('dev')
    drift(lab.world, 'acme').addStranger(theirs('bundle/dev'))
  })

  it('has its removed routes closed by the uplink, which is said', async () => {
    const events = await lab.run(after)
    expect(dialled('dev')).not.toContain('old.example')
    const ended = events.find(
      (event) => event.type === 'action-ended' && event.address === 'route/dev/old.example',
    )
    expect(ended).toMatchObject({ outcome: 'done', did: 'closed at the uplink' })
  })

  it('has them listed as long as nobody can tell', async () => {
    await lab.run(after)
    const action = (await lab.planned(after)).actions.find(
      ({ address }) => address === 'route/dev/old.example',
    )
    expect(action).toMatchObject({ verb: 'blocked', reason: expect.stringContaining('cannot tell') })
  })

  it('fails the closing when the uplink does not do it either', async () => {
    lab.faults.add({ call: 'uplink targets dev', moment: 'before' })
    const lines = told(await lab.run(after))
    expect(lines.find((line) => line.startsWith('route/dev/old.example'))).toContain('failed')
    expect(lines.at(-1)).toBe('ended failed')
    expect(dialled('review')).toEqual(['b.example'])
  })
})

describe('what is left as it is', () => {
  it('keeps its guard in the record while others are removed', async () => {
    const guarded = desiredOf({ dev: { protect: true, routes: {} }, review: { routes: {} } })
    await lab.run(guarded)
    const none = desiredOf({})
    expect(told(await lab.run(none)).at(-1)).toBe('ended blocked')
    expect(Object.keys(stack().bottles)).toEqual(['dev'])
    expect(stack().record!.objects['bottle/dev']!.protect).toBe(true)
    expect(stack().uplink).toBeDefined()
    expect((await lab.planned(none)).refusal).toMatchObject({ code: 'blocked' })
  })

  it('lets a protected bottle lose a route: the guard is against losing the bottle', async () => {
    await lab.run(
      desiredOf({ dev: { protect: true, routes: { 'old.example': [] } }, review: { routes: {} } }),
    )
    const next = desiredOf({ dev: { protect: true, routes: {} }, review: { routes: {} } })
    expect(told(await lab.run(next))).toEqual(['route/dev/old.example done', 'ended done'])
    expect(hosts('dev')).toEqual([])
  })
})
