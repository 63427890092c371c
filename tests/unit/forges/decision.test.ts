/** Properties of the decision, for worlds in which anything is listed and anything is held. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { isOfEngine, keyId, keyTitle, parseKeyTitle } from '../../../src/model/deploy-key.ts'
import type { KeyRow, WantedKey } from '../../../src/model/key-row.ts'
import { safeText } from '../../../src/model/text.ts'
import type { DeployKey } from '../../../src/ports/forge.ts'
import { decideKeys, keysByPlace } from '../../../src/reconcile/deploy-keys.ts'

const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1000) }
const [OURS, THEIRS] = ['0123456789abcdef', 'fedcba9876543210']
const HERE = { installation: OURS, stack: 'acme', engineId: 'engine' }
const PLACE = { provider: 'gitea', api: 'https://gitea.example/api/v1', repository: 'acme/app' }
const ADDRESSES = ['origin', 'tools'].map((remote) => address.key('dev', remote))
const REACH = { tokenRef: { from: 'env', name: 'TOKEN' }, allowPrivate: false, trust: [] } as const

const wantedKeys = fc
  .uniqueArray(fc.record({ address: fc.constantFrom(...ADDRESSES), readOnly: fc.boolean() }), {
    selector: (one) => one.address,
  })
  .map((all) => all.map((one): WantedKey => ({ ...PLACE, ...REACH, ...one })))

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
const time = fc.integer({ min: 0, max: 9 }).map((hour) => `2026-11-21T0${hour}:00:00.000Z`)
const rows = fc
  .uniqueArray(
    fc.record({
      fingerprint,
      address: fc.constantFrom(...ADDRESSES),
      readOnly: fc.boolean(),
      begunAt: time,
      ended: fc.boolean(),
      retired: fc.boolean(),
    }),
    { selector: (row) => row.fingerprint, maxLength: 8 },
  )
  .map((all) =>
    all.map(({ ended, retired, ...row }, index): KeyRow => {
      const id = keyId('engine', new Uint8Array([0, 0, 0, 0, index]))
      const shown = keyTitle({ installation: OURS, stack: 'acme', address: row.address, id })
      return {
        ...PLACE,
        ...REACH,
        ...row,
        id,
        title: shown,
        publicKey: 'ssh-ed25519 AAAA',
        ...(ended && { ended: { at: row.begunAt, forgeId: '0' } }),
        ...(retired && { retiredAt: row.begunAt }),
      }
    }),
  )
const world = fc.record({
  wanted: wantedKeys,
  rows,
  listed: listedKeys,
  rotate: fc
    .option(time)
    .map((before) => new Map(before === null ? [] : ADDRESSES.map((one) => [one, before]))),
})

describe('the decision about keys', () => {
  it('revokes only what is ours: a pair that we hold, or our title for this stack on this engine', () => {
    fc.assert(
      fc.property(world, (at) => {
        for (const { key } of decideKeys({ ...HERE, ...at }).revoke) {
          const isHeld = at.rows.some((row) => row.fingerprint === key.fingerprint)
          const mark = parseKeyTitle(key.title)
          const isTitled =
            mark?.installation === OURS && mark.stack === 'acme' && isOfEngine(mark.id, 'engine')
          expect(isHeld || isTitled).toBe(true)
        }
      }),
      runs,
    )
  })

  it('has every listed key in one place, and every row in one', () => {
    fc.assert(
      fc.property(world, (at) => {
        const { keep, make, revoke, forget, shown } = decideKeys({ ...HERE, ...at })
        const keys = [...keep, ...revoke, ...shown].map(({ key }) => key.forgeId)
        expect(keys.sort()).toEqual(at.listed.map(({ forgeId }) => forgeId).sort())
        const held = [
          ...keep.map(({ row }) => row.id),
          ...revoke.flatMap(({ row }) => row?.id ?? []),
          ...make.flatMap(({ resume }) => resume?.id ?? []),
          ...forget.map(({ id }) => id),
        ]
        expect(held.sort()).toEqual(at.rows.map(({ id }) => id).sort())
      }),
      runs,
    )
  })

  it('leaves every declared remote with one key, of its access: kept, made, or both where it is due', () => {
    fc.assert(
      fc.property(world, (at) => {
        const { keep, make } = decideKeys({ ...HERE, ...at })
        for (const one of at.wanted) {
          const kept = keep.filter(({ row }) => row.address === one.address)
          const made = make.filter(({ wanted }) => wanted.address === one.address)
          expect(kept.length).toBeLessThanOrEqual(1)
          expect(made.length).toBe(kept[0] === undefined || kept[0].due ? 1 : 0)
          for (const { row, key } of kept)
            expect([row.readOnly, key.readOnly]).toEqual([one.readOnly, one.readOnly])
          for (const { resume } of made) expect(resume?.readOnly ?? one.readOnly).toBe(one.readOnly)
        }
        expect(keep.length).toBeLessThanOrEqual(at.wanted.length)
        expect(make.length).toBeLessThanOrEqual(at.wanted.length)
      }),
      runs,
    )
  })

  it('keeps nothing that is retired, and forgets no pair whose key is listed', () => {
    fc.assert(
      fc.property(world, (at) => {
        const { keep, make, forget } = decideKeys({ ...HERE, ...at })
        expect(keep.filter(({ row }) => row.retiredAt !== undefined)).toEqual([])
        expect(make.filter(({ resume }) => resume?.retiredAt !== undefined)).toEqual([])
        const listed = new Set(at.listed.map((key) => key.fingerprint))
        expect(forget.filter((row) => listed.has(row.fingerprint))).toEqual([])
      }),
      runs,
    )
  })

  it('does not depend on the order in which anything is listed', () => {
    fc.assert(
      fc.property(world, (at) => {
        const turned = { ...at, rows: [...at.rows].reverse(), listed: [...at.listed].reverse() }
        const ids = ({ keep, make, revoke }: ReturnType<typeof decideKeys>) => ({
          keep: keep.map(({ row }) => row.id).sort(),
          make: make.map(({ wanted, resume }) => `${wanted.address} ${resume?.id}`).sort(),
          revoke: revoke.map(({ key, why }) => `${key.forgeId} ${why}`).sort(),
        })
        expect(ids(decideKeys({ ...HERE, ...turned }))).toEqual(ids(decideKeys({ ...HERE, ...at })))
      }),
      runs,
    )
  })
})

describe('the repositories to ask', () => {
  it('are those that are declared and those that have a key of ours, each once, reached as declared', () => {
    const [origin, tools] = ADDRESSES
    const here: WantedKey = {
      ...PLACE,
      ...REACH,
      address: origin!,
      readOnly: true,
      tokenRef: { from: 'env', name: 'NEW' },
    }
    const row = (repository: string, id: string, begunAt: string): KeyRow => ({
      ...here,
      ...REACH,
      repository,
      id,
      begunAt,
      title: '',
      publicKey: '',
      fingerprint: id,
    })
    const held = [row('acme/app', 'a', '1'), row('acme/gone', 'b', '1'), row('acme/gone', 'c', '2')]
    const places = keysByPlace([here, { ...here, address: tools! }], held)
    expect(
      places.map(({ reach, wanted, rows: of }) => ({
        repository: reach.repository,
        token: reach.tokenRef,
        wanted: wanted.length,
        rows: of.map(({ id }) => id),
      })),
    ).toEqual([
      { repository: 'acme/app', token: { from: 'env', name: 'NEW' }, wanted: 2, rows: ['a'] },
      { repository: 'acme/gone', token: { from: 'env', name: 'TOKEN' }, wanted: 0, rows: ['b', 'c'] },
    ])
  })
})
