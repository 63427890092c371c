import { describe, expect, it } from 'vitest'
import { fingerprints } from '../../../sidecars/detect/fingerprint.ts'
import {
  FOREIGN_MIN,
  FOREIGN_WINDOW,
  foreignDigest,
  foreignPrints,
} from '../../../sidecars/detect/foreign.ts'
import { KnownSearch, KnownSecrets } from '../../../sidecars/detect/known.ts'

const key = Buffer.alloc(32, 7)
const value = 'glpat-Qx7+Zk9mN2vB5cR8tL1w'

const search = (...values: readonly string[]) =>
  new KnownSecrets(key, fingerprints(key, 'env:OWN', 'my-own-value-1234567890'), {
    key,
    prints: values.flatMap((one) => foreignPrints(key, one)),
  })
const rules = (text: string | Buffer, ...values: readonly string[]) =>
  search(...values)
    .searchWhole(Buffer.from(text))
    .map(({ rule }) => rule)

describe('A value that is kept elsewhere', () => {
  it.each([
    ['as it is', value],
    ['in other case with separators', [...value.toUpperCase()].join('.')],
    ['in hexadecimal', Buffer.from(value).toString('hex')],
    ['in percent escapes', encodeURIComponent(value)],
    ...[0, 1, 2].map((shift) => [
      `in base64 at ${shift}`,
      Buffer.from(`${'-'.repeat(shift)}${value}, and more`).toString('base64'),
    ]),
  ])('is found %s', (_, text) => {
    expect(rules(`a ${text} b`, value)).toEqual(['secret/of-another-bottle'])
  })

  it('is found beside our own, in pieces of a stream, by where it stands', () => {
    expect(rules(`${value} my-own-value-1234567890`, value)).toEqual([
      'secret/of-another-bottle',
      'secret/env:OWN',
    ])
    const cut = new KnownSearch(search(value))
    expect(cut.push(Buffer.from(`x ${value.slice(0, 9)}`))).toEqual([])
    expect(cut.push(Buffer.from(value.slice(9)))).toMatchObject([{ start: -9, end: value.length - 9 }])
  })

  it('is not taken for another that ends alike', () => {
    expect(rules(`X${value.slice(1)} ${value.slice(-12)}`, value)).toEqual([])
  })
})

describe('What is told of it', () => {
  const other = `${'0'.repeat(value.length - FOREIGN_WINDOW)}${value.slice(-FOREIGN_WINDOW)}`

  it('depends, but for keyed digests of the whole, on its last characters alone', () => {
    const openly = (text: string) =>
      foreignPrints(key, text)
        .filter(({ length }) => length === text.replaceAll(/[^a-z0-9]/gi, '').length)
        .map(({ glimpse, tail }) => [glimpse, tail])
    const alike = `${'Az'.repeat(12)}${value.slice(-FOREIGN_WINDOW)}`
    const unlike = `${'9q'.repeat(12)}${value.slice(-FOREIGN_WINDOW)}`
    expect(openly(alike)).toEqual(openly(unlike))
    expect(openly(alike)).not.toEqual([])
    expect(foreignDigest(key, alike)).not.toBe(foreignDigest(key, unlike))
  })

  it('is another under another key, and holds neither the value nor who has it', () => {
    expect(foreignDigest(key, value)).not.toBe(foreignDigest(Buffer.alloc(32, 8), value))
    const told = JSON.stringify(foreignPrints(key, value))
    for (let at = 0; at + 6 <= value.length; at++) expect(told).not.toContain(value.slice(at, at + 6))
    expect(foreignPrints(key, other).map(({ digest }) => digest)).not.toContain(foreignDigest(key, value))
  })

  it('is nothing of a value that could be tried out', () => {
    expect(foreignPrints(key, 'a1'.repeat(FOREIGN_MIN / 2).slice(1))).toEqual([])
    expect(foreignPrints(key, 'a1'.repeat(FOREIGN_MIN / 2))).not.toEqual([])
  })
})
