/** Secrets that the gate recognises in a push and never held. */
import { describe, expect, it, test } from 'vitest'
import { fingerprints } from '../../../sidecars/detect/fingerprint.ts'
import { foreignPrints } from '../../../sidecars/detect/foreign.ts'
import { knownSecrets } from '../../../sidecars/gate/known.ts'
import { keptKnown } from '../../../src/model/gate.ts'
import type { KnownPrints } from '../../../src/model/gate.ts'
import { refusedPush } from './cases/case.ts'
import { inLab } from './lab.ts'
import { noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`known secrets at the git gate: skipped, ${noSshd}\n`)

const KEY = Buffer.alloc(32, 5)
const OWN = 'own-value-Qx7Zk9mN2vB5cR8tL1w'
const OTHER = 'value-of-another-bottle-93kQz7Hd82mZx41'
const CANARY = 'bb7Qx9ZkmN2vB5cR8tL1wQ4sD6fG'
const TOKEN = ['acme_', 'live_q7Zk2Vb9Xc4Lm1Np8Rt5Sw3Yd6Hf0J'].join('')
const known: KnownPrints = {
  key: KEY.toString('hex'),
  prints: fingerprints(KEY, 'canary', CANARY, 'canary'),
  values: {
    'env:OWN': foreignPrints(KEY, OWN),
    'env:OTHER': foreignPrints(KEY, OTHER),
    'env:UNHEARD': null,
  },
  named: ['env:OWN'],
  detectors: {
    acme: [{ id: 'api-token', anchors: ['acme_live_'], pattern: 'acme_live_[0-9A-Za-z]{30}' }],
  },
}

it('(CRD-11) a secret of the bottle is named, one of another is not, and neither could be read from what is held', () => {
  const rules = (text: string) =>
    knownSecrets(known)
      .searchWhole(Buffer.from(text))
      .map(({ rule }) => rule)
  expect(rules(`key = "${OWN}"`)).toEqual(['secret/env:OWN'])
  expect(rules(`key = "${OTHER}"`)).toEqual(['secret/of-another-bottle'])
  expect(rules(Buffer.from(`user:${OWN}`).toString('base64'))).toEqual(['secret/env:OWN'])
  expect(rules(`key = "${CANARY}"`)).toEqual(['canary'])
  expect(rules('key = "something else entirely"')).toEqual([])
  expect(JSON.stringify(known)).not.toMatch(new RegExp(`${OWN}|${OTHER}`))
})

it('a value that cannot be had keeps its prints as long as the key is the same', () => {
  const next = { ...known, values: { 'env:OWN': null, 'env:NEW': null } }
  expect(keptKnown(next, known).values).toEqual({ 'env:OWN': known.values?.['env:OWN'], 'env:NEW': [] })
  expect(keptKnown(next, { ...known, key: 'ab'.repeat(32) }).values).toEqual({
    'env:OWN': [],
    'env:NEW': [],
  })
})

describe.skipIf(noSshd !== undefined)('a push', () => {
  test.each([
    ['of a secret of its own bottle', OWN, '[secret/env:OWN]'],
    ['of a secret of another bottle, without its name', OTHER, '[secret/of-another-bottle]'],
    ['of a secret in base64', Buffer.from(`login:${OTHER}`).toString('base64'), '[secret/of-another-bottle]'],
    ['of the canary', CANARY, '[canary]'],
    ['of a kind of tokens that a detector adds', TOKEN, '[plugin/acme/api-token]'],
  ])('%s is refused', (_, text, rule) =>
    inLab({ config: { known } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'config.txt': `value = ${text}\n` })
      const { err } = await refusedPush(lab, 'this push is refused as a whole', () => lab.push())
      expect(err).toContain(rule)
      expect(err).not.toContain('env:OTHER')
      expect(err).not.toContain(text)
    }),
  )
})
