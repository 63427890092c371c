import { afterEach, describe, expect, it } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { transientError } from '../../../src/drivers/memory/faults.ts'
import { digestOf } from '../../../src/model/json.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import type { Journal } from '../../../src/state/journal.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory, LaboratoryOptions } from './laboratory.ts'
import { withSecret } from './with-secret.ts'

const one = desiredOf({ dev: { routes: { 'a.example': ['/x/'] } } })
const two = desiredOf({
  dev: { routes: { 'a.example': ['/x/'], 'b.example': [] } },
  review: { routes: { 'a.example': [] } },
})

let lab: Laboratory
const open = async (options?: LaboratoryOptions) => (lab = await laboratory(options))
afterEach(() => lab.close())

const actions = async (desired: Desired) =>
  (await lab.planned(desired)).actions.map(({ verb, address, reason }) => `${verb} ${address}: ${reason}`)

describe('apply', () => {
  it('brings a stack up in the order of a bottle’s life, and the second apply does nothing', async () => {
    await open()
    const events = await lab.run(two)
    expect(told(events).at(-1)).toBe('ended done')
    expect(await actions(two)).toEqual([])
    const before = [...lab.calls]
    expect(told(await lab.run(two))).toEqual(['ended done'])
    expect(lab.calls).toEqual(before)
  })

  it('has a begin row before each effect, and a guest in the record before its end row', async () => {
    const performed: string[] = []
    await open({
      onCall: (call) => {
        const at = /^perform \S+ (\S+)$/.exec(call)?.[1]
        if (at === undefined) return
        performed.push(at)
        expect(lab.journal.pending().map(({ address }) => address)).toContain(at)
      },
    })
    const journal: Journal = {
      ...lab.journal,
      end: (id, end, at) => {
        const row = lab.journal.rows().find((candidate) => candidate.id === id)
        if (row?.address === 'guest/dev')
          expect(lab.world.read().stacks['acme']!.record!.objects['guest/dev']).toBeDefined()
        lab.journal.end(id, end, at)
      },
    }
    expect(told(await lab.run(one, { journal })).at(-1)).toBe('ended done')
    expect(performed.length).toBeGreaterThan(4)
  })

  it('opens a route in a running bottle with one call to the uplink, one to egress and one for the record', async () => {
    await open()
    await lab.run(one)
    lab.calls.length = 0
    const wider = desiredOf({ dev: { routes: { 'a.example': ['/x/'], 'b.example': [] } } })
    expect(told(await lab.run(wider))).toEqual(['route/dev/b.example done', 'ended done'])
    expect(lab.calls).toEqual(['uplink targets dev', 'bundle configure dev', 'uplink record'])
    expect(await actions(wider)).toEqual([])
  })

  it('closes in egress and uplink before it opens in uplink and egress', async () => {
    await open()
    await lab.run(one)
    lab.calls.length = 0
    const other = desiredOf({ dev: { routes: { 'b.example': [] } } })
    expect(told(await lab.run(other)).at(-1)).toBe('ended done')
    expect(lab.calls).toEqual([
      'bundle configure dev',
      'uplink targets dev',
      'uplink targets dev',
      'bundle configure dev',
      'uplink record',
    ])
    expect(await actions(other)).toEqual([])
  })

  it('opens nothing of a bottle whose closing failed, and goes on elsewhere', async () => {
    await open()
    await lab.run(two)
    lab.faults.add({ call: 'bundle configure dev', moment: 'before' })
    const next = desiredOf({
      dev: { routes: { 'b.example': [], 'c.example': [] } },
      review: { routes: { 'a.example': [], 'c.example': [] } },
    })
    expect(told(await lab.run(next)).sort()).toEqual([
      'ended failed',
      'route/dev/a.example failed (memory-fault)',
      'route/dev/c.example skipped because route/dev/a.example',
      'route/review/c.example done',
    ])
    expect(told(await lab.run(next)).at(-1)).toBe('ended done')
    expect(await actions(next)).toEqual([])
  })

  it('skips what needs a failed action with the root cause, and other bottles go on', async () => {
    await open()
    lab.faults.add({ call: 'perform create bundle/dev', moment: 'before' })
    const lines = told(await lab.run(two))
    expect(lines.filter((line) => line.includes('dev'))).toEqual(
      expect.arrayContaining([
        'bundle/dev failed (memory-fault)',
        'route/dev/a.example skipped because bundle/dev',
        'guest/dev skipped because bundle/dev',
      ]),
    )
    expect(lines).toContain('guest/review done')
    expect(lines.at(-1)).toBe('ended failed')
    await lab.run(two)
    expect(await actions(two)).toEqual([])
  })

  it('tries again where the driver says it may pass, also when only the answer was lost', async () => {
    await open()
    lab.faults.add({ call: 'bundle configure dev', moment: 'after', times: 2, error: transientError })
    lab.faults.add({ call: 'uplink record', moment: 'after', times: 1, error: transientError })
    lab.faults.add({ call: 'perform create uplink', moment: 'before', times: 3, error: transientError })
    expect(told(await lab.run(one)).at(-1)).toBe('ended done')
    expect(await actions(one)).toEqual([])
  })

  it('repairs what was deleted by hand and hands it everything it held', async () => {
    await open()
    await lab.run(two)
    for (const hand of [
      () => drift(lab.world, 'acme').deleteBundle('dev'),
      () => drift(lab.world, 'acme').stopBundle('dev'),
      () => drift(lab.world, 'acme').deleteAgent('dev'),
      () => drift(lab.world, 'acme').replaceHolder('dev', 'other'),
      () => drift(lab.world, 'acme').attachHolder('dev', 'bridge'),
      () => drift(lab.world, 'acme').deleteBottle('dev'),
      () => drift(lab.world, 'acme').restartUplink(),
      () => drift(lab.world, 'acme').deleteUplink(),
      () => drift(lab.world, 'acme').forgetConfiguration('dev'),
      () => lab.roots.remove('dev'),
    ]) {
      hand()
      expect(await actions(two), String(hand)).not.toEqual([])
      expect(told(await lab.run(two)).at(-1), String(hand)).toBe('ended done')
      expect(await actions(two), String(hand)).toEqual([])
    }
  })

  it('leaves nothing behind when everything is removed', async () => {
    await open()
    await lab.run(two)
    expect(told(await lab.run(desiredOf({}))).at(-1)).toBe('ended done')
    expect(lab.world.read().stacks).toEqual({})
    expect(lab.roots.rootStates()).toEqual([])
  })

  it('keeps label, colour, protection and owner in the record, without a call to a driver', async () => {
    await open()
    await lab.run(one)
    lab.calls.length = 0
    const labelled = desiredOf({ dev: { label: 'main', protect: true, routes: { 'a.example': ['/x/'] } } })
    expect(told(await lab.run(labelled))).toEqual(['bottle/dev done', 'ended done'])
    expect(lab.calls).toEqual(['uplink record'])
    const record = lab.world.read().stacks['acme']!.record!
    expect(record.bottles).toEqual({ dev: { label: 'main' } })
    expect(record.objects['bottle/dev']!.protect).toBe(true)
    expect(record.installation).toBe(lab.home.installation)
    expect(await actions(labelled)).toEqual([])
  })

  it('hands a bundle another log level and other authorities while everything runs', async () => {
    await open()
    await lab.run(one)
    lab.calls.length = 0
    const changed: Desired = {
      ...one,
      resources: one.resources.map((resource) =>
        resource.kind === 'bundle'
          ? {
              ...resource,
              spec: { ...(resource.spec as object), egressLog: 'all', trust: digestOf(['PEM']) },
            }
          : resource,
      ),
    }
    expect(told(await lab.run(changed, { trust: ['PEM'] }))).toEqual(['bundle/dev done', 'ended done'])
    expect(lab.calls).toEqual(['bundle configure dev', 'uplink record'])
    const { config } = lab.world.read().stacks['acme']!.bundles['dev']!
    expect([config!.policy.log, config!.trust]).toEqual(['all', ['PEM']])
    expect(await actions(changed)).toEqual([])
  })

  it('changes the uplink’s own policy in place and leaves every bundle alone', async () => {
    await open()
    await lab.run(two)
    lab.calls.length = 0
    const policy = { hosts: { 'a.example': '192.0.2.9' }, dns: [], noProxy: [] }
    const changed: Desired = {
      ...two,
      resources: two.resources.map((resource) =>
        resource.kind === 'uplink'
          ? { ...resource, spec: { ...(resource.spec as object), policy } }
          : resource,
      ),
    }
    expect(told(await lab.run(changed))).toEqual(['uplink done', 'ended done'])
    expect(lab.calls).toEqual(['uplink configure', 'uplink record'])
    expect(await actions(changed)).toEqual([])
  })

  it('leaves other bottles’ entries in the record alone when only one is named', async () => {
    await open()
    await lab.run(two)
    await lab.run(
      desiredOf({ dev: { label: 'x', routes: {} }, review: { routes: {} } }),
      {},
      { bottles: ['dev'] },
    )
    const record = lab.world.read().stacks['acme']!.record!
    expect(record.bottles['dev']).toEqual({ label: 'x' })
    expect(Object.keys(record.objects)).toContain('route/review/a.example')
    expect(Object.keys(record.objects)).not.toContain('route/dev/a.example')
  })

  it('refuses a setting that the engine took and did not set', async () => {
    await open({ ignored: new Set(['resources']) })
    const lines = told(await lab.run(one))
    expect(lines).toContain('bottle/dev failed (setting-ignored)')
    expect(lines).toContain('guest/dev skipped because bottle/dev')
  })

  it('starts nothing new after the first Ctrl-C, finishes what runs, and the next apply completes it', async () => {
    const stop = new AbortController()
    await open({ onCall: (call) => call === 'perform create bottle/dev' && stop.abort() })
    const lines = told(await lab.run(one, { signal: stop.signal, parallel: 1 }))
    expect(lines).toContain('bottle/dev done')
    expect(lines).toContain('bundle/dev interrupted')
    expect(lines.at(-1)).toBe('ended interrupted')
    expect(lab.journal.pending()).toEqual([])
    await lab.run(one)
    expect(await actions(one)).toEqual([])
  })

  it('aborts what runs after the second Ctrl-C', async () => {
    const hard = new AbortController()
    await open({
      gate: async (call) => {
        if (call !== 'perform create bundle/dev' || hard.signal.aborted) return
        hard.abort()
        throw hard.signal.reason
      },
    })
    const lines = told(await lab.run(one, { hardSignal: hard.signal }))
    expect(lines.find((line) => line.startsWith('bundle/dev'))).toContain('interrupted')
    expect(lines.at(-1)).toBe('ended interrupted')
  })

  it('ends with timeout when it does not become ready in time', async () => {
    await open()
    expect(told(await lab.run(one, { ready: async () => false, readyTimeoutMs: 1_000 })).at(-1)).toBe(
      'ended timeout',
    )
  })

  it('does nothing at all when the journal cannot take the first row', async () => {
    await open()
    lab.database.exec('PRAGMA query_only = ON')
    await expect(lab.run(one)).rejects.toMatchObject({ code: 'journal-unwritable', exit: 4 })
    lab.database.exec('PRAGMA query_only = OFF')
    expect(lab.calls).toEqual([])
  })

  it('tells no secret: not in events, rows, record, nor in an error that repeats it', async () => {
    const canary = 'canary-7f3a9c21-value'
    await open({ secrets: { TOKEN: canary } })
    const desired = withSecret(one, 'TOKEN')
    lab.faults.add({
      call: 'bundle configure dev',
      moment: 'after',
      error: () => new Error(`header authorization: Bearer ${canary} is not valid`),
    })
    const events = [...(await lab.run(desired)), ...(await lab.run(desired))]
    expect(told(events).at(-1)).toBe('ended done')
    const texts = [
      events,
      lab.journal.rows(),
      lab.records.all(),
      lab.world.read().stacks['acme']!.record,
      await lab.planned(desired),
    ].map((part) => JSON.stringify(part))
    for (const text of texts) expect(text).not.toContain(canary)
    expect(lab.world.read().stacks['acme']!.bundles['dev']!.config!.secrets).toEqual({ 'env:TOKEN': canary })
  })

  it('hands egress a changed credential and says so beforehand', async () => {
    await open({ secrets: { TOKEN: 'first-value' } })
    const desired = withSecret(one, 'TOKEN')
    await lab.run(desired)
    lab.secrets['TOKEN'] = 'second-value'
    expect(await actions(desired)).toHaveLength(1)
    await lab.run(desired)
    expect(await actions(desired)).toEqual([])
  })
})
