import { describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import type { StackRecord } from '../../../src/model/record.ts'
import type { Resource } from '../../../src/model/resource.ts'
import type { Held } from '../../../src/watch/hold-back.ts'
import { inForceWith } from '../../../src/watch/in-force.ts'
import type { InForce } from '../../../src/watch/in-force.ts'
import { action } from '../render/plans.ts'

const resource = (kind: 'bottle' | 'bundle' | 'guest', value: string): Resource => ({
  kind,
  address: address[kind]('a'),
  driver: 'docker',
  bottle: 'a',
  needs: [],
  spec: { value },
  places: {},
  ignore: [],
  protect: false,
})
const held = (kind: 'bottle' | 'bundle' | 'guest', cause: 'edit' | 'drift'): Held => ({
  action: action({ address: address[kind]('a'), kind, verb: 'update', reason: 'differs', cause }),
  because: 'asks',
})
const record: StackRecord = {
  version: 1,
  revision: 1,
  stack: 'acme',
  installation: 'i1',
  origin: 'bottles.yaml',
  objects: {
    'bottle/a': { digest: '', digestVersion: 1, applied: { value: 'recorded' } },
    'guest/a': { digest: '', digestVersion: 1, applied: { value: 'recorded' } },
  },
  bottles: {},
}
const shown = (inForce: InForce<string>) =>
  [...inForce]
    .map(
      ([
        at,
        {
          resource: { spec },
          from,
        },
      ]) => `${at} ${JSON.stringify(spec)} of ${from}`,
    )
    .sort()

describe('in force is', () => {
  const old = inForceWith(new Map(), {
    resources: [resource('bottle', '1'), resource('bundle', '1')],
    from: 'first',
    held: [],
    record,
  })
  test('what was not held back', () => {
    expect(shown(old)).toEqual(['bottle/a {"value":"1"} of first', 'bundle/a {"value":"1"} of first'])
  })
  test('the value of before, of what is held back: also of a repair, behind which an edit may stand', () => {
    const resources = [resource('bottle', '2'), resource('bundle', '2')]
    const edited = { resources, from: 'second', record }
    expect(shown(inForceWith(old, { ...edited, held: [held('bottle', 'edit')] }))).toEqual([
      'bottle/a {"value":"1"} of first',
      'bundle/a {"value":"2"} of second',
    ])
    expect(shown(inForceWith(old, { ...edited, held: [held('bundle', 'drift')] }))).toEqual([
      'bottle/a {"value":"2"} of second',
      'bundle/a {"value":"1"} of first',
    ])
  })
  test('what the record says, of an edit that was there before; of a guest nothing is known then', () => {
    const resources = [resource('bottle', '2'), resource('guest', '2')]
    const waiting = [held('bottle', 'edit'), held('guest', 'edit')]
    expect(shown(inForceWith(new Map(), { resources, from: 'second', held: waiting, record }))).toEqual([
      'bottle/a {"value":"recorded"} of second',
    ])
  })
  test('nothing of what is not declared any more', () => {
    expect(shown(inForceWith(old, { resources: [], from: 'second', held: [], record }))).toEqual([])
    expect(
      shown(inForceWith(old, { resources: [], from: 'second', held: [held('bottle', 'edit')], record })),
    ).toEqual(['bottle/a {"value":"1"} of first'])
  })
})
