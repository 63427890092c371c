import { describe, expect, it } from 'vitest'
import { stepsOf } from '../../../src/execute/steps.ts'
import type { Action } from '../../../src/model/plan.ts'
import { actionOn } from '../../conformance/actions.ts'
import { desiredOf } from '../reconcile/stacks.ts'

const { resources } = desiredOf({
  dev: {
    routes: { 'a.example': [], 'b.example': [], 'c.example': [] },
    remotes: { origin: { repository: 'acme/app', allow: [] } },
  },
})
const on = (at: string, verb: Action['verb'], over: Partial<Action> = {}) =>
  actionOn(resources, at, verb, over)
const lines = (actions: readonly Action[]) =>
  stepsOf(actions).map(
    ({ id, begins, ends, after }) =>
      `${id}: begins ${begins.map(({ address }) => address).join(' ')} · ends ${ends.map(({ address }) => address).join(' ')} · after ${[...after].sort().join(' ')}`,
  )

describe('the steps of a plan', () => {
  it('take all route actions of a bottle together: one closing, then one opening', () => {
    expect(
      lines([
        on('route/dev/a.example', 'remove', { phase: 'narrow' }),
        on('route/dev/b.example', 'update', { phase: 'narrow' }),
        on('route/dev/c.example', 'create', { phase: 'widen' }),
      ]),
    ).toEqual([
      'narrow dev: begins route/dev/a.example route/dev/b.example · ends route/dev/a.example · after ',
      'widen dev: begins route/dev/c.example · ends route/dev/b.example route/dev/c.example · after narrow dev',
    ])
  })

  it('take a live change of the bundle along, without waiting for themselves', () => {
    expect(
      lines([
        on('bundle/dev', 'update', { impact: 'live' }),
        on('route/dev/b.example', 'update', { phase: 'narrow', after: [resourceAddress('bundle/dev')] }),
      ]),
    ).toEqual([
      'narrow dev: begins route/dev/b.example · ends  · after ',
      'widen dev: begins bundle/dev · ends bundle/dev route/dev/b.example · after narrow dev',
    ])
  })

  it('hold an opening behind every closing of its bottle, of whatever kind', () => {
    expect(
      lines([
        on('guest/dev', 'remove', { phase: 'narrow' }),
        on('route/dev/c.example', 'create', { phase: 'widen' }),
      ]),
    ).toEqual([
      'guest/dev: begins guest/dev · ends guest/dev · after ',
      'widen dev: begins route/dev/c.example · ends route/dev/c.example · after guest/dev',
    ])
  })

  it('make a key after what closes in its bottle, and open after the key; what closes does not wait for it', () => {
    expect(
      lines([
        on('key/dev/origin', 'remove-then-create', { phase: 'narrow' }),
        on('remote/dev/origin', 'update', { phase: 'narrow', after: [resourceAddress('key/dev/origin')] }),
      ]),
    ).toEqual([
      'key/dev/origin: begins key/dev/origin · ends key/dev/origin · after narrow dev',
      'narrow dev: begins remote/dev/origin · ends  · after ',
      'widen dev: begins  · ends remote/dev/origin · after key/dev/origin narrow dev',
    ])
  })

  it('revoke a key whatever becomes of its remote, and open nothing before', () => {
    expect(
      lines([
        on('key/dev/origin', 'remove', { phase: 'narrow' }),
        on('remote/dev/origin', 'remove', { phase: 'narrow' }),
        on('route/dev/c.example', 'create', { phase: 'widen' }),
      ]),
    ).toEqual([
      'key/dev/origin: begins key/dev/origin · ends key/dev/origin · after ',
      'narrow dev: begins remote/dev/origin · ends remote/dev/origin · after ',
      'widen dev: begins route/dev/c.example · ends route/dev/c.example · after key/dev/origin narrow dev',
    ])
  })

  it('make a key for a bundle that is only configured without waiting for what waits for the key', () => {
    expect(
      lines([
        on('bundle/dev', 'update', { impact: 'live' }),
        on('key/dev/origin', 'create', { phase: 'widen', after: [resourceAddress('bundle/dev')] }),
        on('remote/dev/origin', 'create', { phase: 'widen', after: [resourceAddress('key/dev/origin')] }),
      ]),
    ).toEqual([
      'key/dev/origin: begins key/dev/origin · ends key/dev/origin · after ',
      'widen dev: begins bundle/dev remote/dev/origin · ends bundle/dev remote/dev/origin · after key/dev/origin',
    ])
  })

  it('close the gate before its bundle is made anew without it', () => {
    expect(
      lines([
        on('remote/dev/origin', 'remove', { phase: 'narrow' }),
        on('bundle/dev', 'create-then-remove', { impact: 'recreate-bundle' }),
      ]),
    ).toEqual([
      'bundle/dev: begins bundle/dev · ends bundle/dev · after narrow dev',
      'narrow dev: begins remote/dev/origin · ends remote/dev/origin · after ',
    ])
  })

  it('leave out what is blocked', () => {
    expect(lines([on('bottle/dev', 'blocked')])).toEqual([])
  })
})

function resourceAddress(at: string): Action['address'] {
  return resources.find((resource) => resource.address === at)!.address
}
