/** What a bundle is told of other bottles: read strictly, and kept where the host has it not at hand. */
import { expect, it } from 'vitest'
import { foreignPrints } from '../../../sidecars/detect/foreign.ts'
import { decodeSupervisorRequest } from '../../../sidecars/supervisor/requests.ts'
import { keptMarks, knownMarks } from '../../../src/model/known.ts'
import type { OtherBottles } from '../../../src/model/known.ts'
import { config } from './bundle.ts'

const prints = foreignPrints(Buffer.alloc(32, 7), 'value-of-another-bottle-93kQz7Hd82mZx41')
const others = (values: OtherBottles['values']): OtherBottles => ({
  placeholders: {},
  key: '07'.repeat(32),
  values,
})
const decoded = (over: object) =>
  decodeSupervisorRequest({ op: 'configure', daemon: 'egress', config: { ...config(), ...over } })

it('is read as it was sent', () => {
  const marks = {
    placeholders: { 'env:TOKEN': 'bot_bottle_placeholder_1' },
    canary: 'canary-1',
    others: others({ 'env:A': prints, 'env:B': null }),
  }
  expect(decoded(marks)).toMatchObject({ config: marks })
})

it.each([
  ['a print with more than a print', { 'env:A': [{ ...prints[0], value: 'v' }] }],
  ['a digest that is none', { 'env:A': [{ ...prints[0], digest: 'x' }] }],
  ['a length of nothing', { 'env:A': [{ ...prints[0], length: 0 }] }],
  ['a text in place of prints', { 'env:A': 'v' }],
])('is refused with %s', (_, values) => {
  expect(() => decoded({ others: others(values as never) })).toThrow(/config\.others/)
})

it('is kept of the present configuration where it is not told again, and forgotten where it is not named', () => {
  const present = { others: others({ 'env:A': prints, 'env:GONE': prints }) }
  const next = { others: others({ 'env:A': null, 'env:NEW': null }) }
  expect(keptMarks(next, present).others?.values).toEqual({ 'env:A': prints, 'env:NEW': [] })
  expect(keptMarks(next, undefined).others?.values).toEqual({ 'env:A': [], 'env:NEW': [] })
  expect(knownMarks(keptMarks(next, present))).toEqual({
    'other/env:A': prints[0]?.digest,
    'other/env:NEW': '',
  })
})
