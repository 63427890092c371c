/** Properties of what is seen of deploy keys, for worlds in which anything is listed and anything is held. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { isOfEngine, keyId, keyTitle, parseKeyTitle } from '../../../src/model/deploy-key.ts'
import type { KeyRow } from '../../../src/model/key-row.ts'
import { safeText } from '../../../src/model/text.ts'
import type { DeployKey } from '../../../src/ports/forge.ts'
import { seenKeys } from '../../../src/reconcile/snapshot-git.ts'
import type { KeysLook } from '../../../src/reconcile/snapshot-git.ts'
import type { KeyAtForge } from '../../../src/resources/key/spec.ts'

const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1000) }
const [OURS, THEIRS] = ['0123456789abcdef', 'fedcba9876543210']
const HERE = { installation: OURS, stack: 'acme', engineId: 'engine' }
const PLACE = { provider: 'gitea', api: 'https://gitea.example/api/v1', repository: 'acme/app' }
const REACH = { tokenRef: { from: 'env', name: 'TOKEN' }, allowPrivate: false } as const
const ADDRESSES = ['origin', 'tools'].map((remote) => address.key('dev', remote))

const title = fc
  .record({
    installation: fc.constantFrom(OURS, THEIRS),
    stack: fc.constantFrom('acme', 'other'),
    address: fc.constantFrom(...ADDRESSES),
    engine: fc.constantFrom('engine', 'another'),
    random: fc.uint8Array({ minLength: 5, maxLength: 5 }),
  })
  .map(({ engine, random, ...mark }) => keyTitle({ ...mark, id: keyId(engine, random) }))
const fingerprint = fc.integer({ min: 0, max: 7 }).map((number) => `SHA256:${number}`)
const listedKeys = fc
  .uniqueArray(
    fc.record({
      fingerprint,
      readOnly: fc.boolean(),
      title: fc.oneof(title, fc.string()).map((text) => safeText(text)),
    }),
    { selector: (key) => key.fingerprint, maxLength: 8 },
  )
  .map((all) => all.map((key, index): DeployKey => ({ forgeId: String(index), ...key })))
const heldRows = fc
  .uniqueArray(
    fc.record({
      fingerprint,
      address: fc.constantFrom(...ADDRESSES),
      readOnly: fc.boolean(),
      begunAt: fc.integer({ min: 0, max: 9 }).map((hour) => `2026-11-21T0${hour}:00:00.000Z`),
      ended: fc.boolean(),
      retired: fc.boolean(),
    }),
    { selector: (row) => row.fingerprint, maxLength: 8 },
  )
  .map((all) =>
    all.map(({ ended, retired, ...row }, index): KeyRow => {
      const id = keyId('engine', new Uint8Array([0, 0, 0, 0, index]))
      return {
        ...PLACE,
        ...REACH,
        ...row,
        trust: [],
        id,
        title: keyTitle({ installation: OURS, stack: 'acme', address: row.address, id }),
        publicKey: 'ssh-ed25519 AAAA',
        ...(ended && { ended: { at: row.begunAt, forgeId: '0' } }),
        ...(retired && { retiredAt: row.begunAt }),
      }
    }),
  )
const worlds = fc.record({ rows: heldRows, listed: listedKeys })
type KeyWorld = typeof worlds extends fc.Arbitrary<infer W> ? W : never

const lookAt = ({ rows, listed }: KeyWorld): KeysLook => ({
  ...HERE,
  rows,
  forges: [{ ...PLACE, ...REACH, addresses: ADDRESSES, answer: { keys: listed } }],
})
const seen = (world: KeyWorld) =>
  seenKeys(lookAt(world), 'memory').objects.map(({ address: at, fields, ...rest }) => ({
    ...rest,
    at,
    pair: fields['pair'],
    all: fields['all'] as unknown as readonly KeyAtForge[],
    leftovers: fields['leftovers'] as unknown as readonly KeyAtForge[],
  }))

describe('what is seen of deploy keys', () => {
  it('is only what is ours: a pair that is held, or a title of this stack on this engine', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const one of seen(world).flatMap(({ all, leftovers }) => [...all, ...leftovers])) {
          const isHeld = world.rows.some((row) => row.fingerprint === one.fingerprint)
          const key = world.listed.find((listed) => listed.fingerprint === one.fingerprint)
          const mark = key && parseKeyTitle(key.title)
          const isTitled =
            mark?.installation === OURS && mark.stack === 'acme' && isOfEngine(mark.id, 'engine')
          expect(isHeld || isTitled).toBe(true)
        }
      }),
      runs,
    )
  })

  it('has every pair that is held in one place, and every listed key of it with what the forge calls it', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const all = seen(world).flatMap((one) => one.all)
        const prints = all.map((one) => one.fingerprint)
        expect(new Set(prints).size).toBe(prints.length)
        const held = all.flatMap(({ row }) => row ?? [])
        expect(held.sort()).toEqual(world.rows.map(({ id }) => id).sort())
        for (const { forgeId, fingerprint: print } of all) {
          const key = world.listed.find((listed) => listed.fingerprint === print)
          if (key) expect(forgeId).toBe(key.forgeId)
        }
      }),
      runs,
    )
  })

  it('has one key that stays for each remote, never a retired one; all others are to be revoked', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const { at, id, pair, all, leftovers } of seen(world)) {
          const usable = world.rows.filter((row) => row.address === at && row.retiredAt === undefined)
          expect(pair).toBe(usable.length > 0 ? 'kept' : 'lost')
          if (pair === 'lost') continue
          expect(usable.map((row) => row.fingerprint)).toContain(id)
          const others = all.filter((one) => one.fingerprint !== id)
          expect(leftovers).toEqual(others)
          expect(others.length).toBe(all.length - 1)
        }
      }),
      runs,
    )
  })

  it('does not depend on the order in which anything is listed', () => {
    const told = (world: KeyWorld) =>
      seen(world).map(({ at, id, pair, all }) => {
        const kept = pair === 'kept' ? id : undefined
        return { at, kept, all: all.map((one) => one.fingerprint).sort() }
      })
    fc.assert(
      fc.property(worlds, ({ rows, listed }) => {
        const turned = { rows: [...rows].reverse(), listed: [...listed].reverse() }
        expect(told(turned)).toEqual(told({ rows, listed }))
      }),
      runs,
    )
  })
})
