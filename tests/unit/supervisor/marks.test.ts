/** What a bundle is told of other bottles: read strictly, and kept where the host has it not at hand. */
import { expect, it } from 'vitest'
import { foreignPrints } from '../../../sidecars/detect/foreign.ts'
import { decodeGateConfig } from '../../../sidecars/supervisor/gate.ts'
import { decodeSupervisorRequest } from '../../../sidecars/supervisor/requests.ts'
import { keptMarks, knownMarks } from '../../../src/model/known.ts'
import type { OtherBottles } from '../../../src/model/known.ts'
import type { TokenShape } from '../../../src/model/token-shape.ts'
import { config } from './bundle.ts'

const prints = foreignPrints(Buffer.alloc(32, 7), 'value-of-another-bottle-93kQz7Hd82mZx41')
const others = (values: OtherBottles['values']): OtherBottles => ({
  placeholders: {},
  key: '07'.repeat(32),
  values,
})
const GATE = { generation: 1, bottle: 'dev', remotes: [], identities: {} }
const KIND: Required<TokenShape> = {
  id: 'api-token',
  anchors: ['acme_live_'],
  offset: 1,
  lookback: { class: '[a-z]', max: 12 },
  pattern: 'acme_live_[0-9A-Za-z]{30}',
  anyCase: true,
  before: '[a-z]',
  after: '[0-9A-Za-z]',
  checksum: 'crc32-base62',
  entropy: 3,
  documented: [['acme_', 'live_1']],
}
const decoded = (over: object) =>
  decodeSupervisorRequest({ op: 'configure', daemon: 'egress', config: { ...config(), ...over } })

it('is read as it was sent', () => {
  const marks = {
    placeholders: { 'env:TOKEN': 'bot_bottle_placeholder_1' },
    canary: 'canary-1',
    others: others({ 'env:A': prints, 'env:B': null }),
    detectors: { acme: [KIND] },
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

it.each([
  ['a key that nobody reads', { ...KIND, samples: {} }],
  ['an id that is no name', { ...KIND, id: '../x' }],
  ['a pattern that is no text', { ...KIND, pattern: 7 }],
  ['a beginning without a bound', { ...KIND, lookback: { class: '[a-z]', max: 1e9 } }],
  ['an evenness that nothing has', { ...KIND, entropy: Number.NaN }],
  ['a text that is no list of parts', { ...KIND, documented: ['acme_live_1'] }],
])('a kind of tokens is refused with %s', (_, kind) => {
  expect(() => decoded({ detectors: { acme: [kind] } })).toThrow(/config\.detectors/)
  const known = { key: '07'.repeat(16), prints: [], detectors: { acme: [kind] } }
  expect(() => decodeGateConfig({ ...GATE, known })).toThrow(/config\.known\.detectors/)
})

it('is told to the gate in the same form', () => {
  const known = { key: '07'.repeat(16), prints: [], detectors: { acme: [KIND] } }
  expect(decodeGateConfig({ ...GATE, known }).known).toEqual(known)
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
