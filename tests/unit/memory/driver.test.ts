import { describe, expect, it } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory } from '../execute/laboratory.ts'

const one = desiredOf({ dev: { routes: { 'a.example': [] } } })

describe('the memory driver', () => {
  it('is unreachable, never empty, when it does not answer', async () => {
    const lab = await laboratory()
    await lab.run(one)
    lab.faults.add({ call: 'observe', moment: 'before' })
    expect((await lab.driver.observe('acme')).state).toMatchObject({ status: 'unreachable' })
    lab.faults.add({ call: 'observe', moment: 'before' })
    const { actions } = await lab.planned(one)
    expect(new Set(actions.map(({ verb }) => verb))).toEqual(new Set(['blocked']))
    lab.close()
  })

  it('tells changes as events until it is told to stop', async () => {
    const lab = await laboratory()
    const stop = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const event of lab.driver.events('acme', stop.signal)) {
        seen.push(event.what)
        stop.abort()
      }
    })()
    await Promise.resolve()
    await lab.run(one)
    await reading
    expect(seen).toEqual(['the world changed'])
    lab.close()
  })

  it('refuses a name that a stranger has, and touches nothing of it where nothing else is to be done', async () => {
    const lab = await laboratory()
    drift(lab.world, 'acme').addStranger({
      address: one.resources.find(({ kind }) => kind === 'bottle')!.address,
      kind: 'bottle',
      driver: 'memory',
      id: 'theirs',
      ownership: 'unmarked',
      fields: {},
      health: 'ok',
    })
    const plan = await lab.planned(one)
    expect(plan.refusal).toMatchObject({ code: 'blocked' })
    await expect(lab.run(one)).rejects.toMatchObject({ exit: 5 })
    expect(lab.calls).toEqual([])
    lab.close()
  })

  it('shows no half of a change: a call that fails leaves the world as it was', async () => {
    const lab = await laboratory()
    await lab.run(one)
    const before = lab.world.read()
    expect(() =>
      lab.world.change((state) => {
        state.stacks = {}
        throw new Error('in the middle')
      }),
    ).toThrow('in the middle')
    expect(lab.world.read()).toEqual(before)
    lab.close()
  })
})
