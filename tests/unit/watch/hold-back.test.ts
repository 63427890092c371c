import { describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { divide } from '../../../src/watch/hold-back.ts'
import { action, planOf } from '../render/plans.ts'

const image = action({
  verb: 'update',
  address: address.bottle('a'),
  kind: 'bottle',
  bottle: 'a',
  reason: 'image changed',
  impact: 'recreate-agent',
})
const guest = action({
  verb: 'create',
  address: address.guest('a'),
  kind: 'guest',
  bottle: 'a',
  reason: 'container is new',
  after: [address.bottle('a')],
})
const route = action({
  verb: 'create',
  address: address.route('b', 'x.example'),
  kind: 'route',
  bottle: 'b',
  reason: 'not there yet',
})
const drift = action({
  verb: 'create',
  address: address.bundle('c'),
  kind: 'bundle',
  bottle: 'c',
  reason: 'drift: container is gone',
  cause: 'drift',
})
const blocked = action({
  verb: 'blocked',
  address: address.bottle('d'),
  kind: 'bottle',
  bottle: 'd',
  reason: 'protected',
})
const plan = planOf([image, guest, route, drift, blocked], { disturbs: true })
const disturbs = (candidate: { impact: string }): boolean => candidate.impact === 'recreate-agent'

const divided = (yes: boolean, heal: boolean) => {
  const { now, held } = divide(plan, { yes, heal }, disturbs)
  return {
    now: now.actions.map(({ address: at }) => at),
    held: held.map(({ action: { address: at }, because }) => `${at} ${because}`),
  }
}

describe('watch carries out', () => {
  test('only what disturbs nobody and was declared', () => {
    expect(divided(false, false)).toEqual({
      now: ['route/b/x.example'],
      held: ['bottle/a asks', 'guest/a needs', 'bundle/c drift', 'bottle/d blocked'],
    })
  })
  test('what disturbs too with --yes', () => {
    expect(divided(true, false).now).toEqual(['bottle/a', 'guest/a', 'route/b/x.example'])
  })
  test('drift too with --heal', () => {
    expect(divided(false, true).now).toEqual(['route/b/x.example', 'bundle/c'])
  })
  test('never what is blocked', () => {
    expect(divided(true, true).held).toEqual(['bottle/d blocked'])
  })
})
