import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded, signs } from '../../../sidecars/detect/samples.ts'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { LONGEST, SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import { bytesOf, samplesOf } from '../../../sidecars/detect/shapes/trial.ts'
import { ordinary, scanPieces } from './shapes-texts.ts'

const scanner = createShapeScanner()
const RUNS = { numRuns: Math.min(2000, Number(process.env['PROPERTY_RUNS'] ?? 200)) }
const samples = SHAPES.flatMap((shape) => [...samplesOf(shape, 'true'), ...samplesOf(shape, 'alike')])
const SIGNS = 'abcdef0123456789ABCDEFxyz-_./:=" \\n'

const cutAt = (bytes: Buffer, places: readonly number[]): readonly Buffer[] => {
  const borders = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...borders].map((from, index) => bytes.subarray(from, borders[index] ?? bytes.length))
}

/** Samples whole, cut off, and glued, with noise between. */
const texts = fc
  .array(
    fc.tuple(
      fc.constantFrom(...samples),
      fc.nat(400),
      fc.constantFrom('', ' ', '\n', '"', '\\n', 'a', '9', '-', '.'),
      fc.nat(30),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) =>
    parts
      .map(([text, cut, glue, noise]) => {
        const whole = cut > 200 ? text : text.slice(0, Math.max(1, text.length - cut))
        return whole + glue + signs(SIGNS, noise, seeded(`${noise} ${cut}`))
      })
      .join(''),
  )

describe('a stream', () => {
  it('gives the hits of one piece, however it is cut', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const bytes = bytesOf(text)
        expect(scanPieces(scanner, cutAt(bytes, places))).toEqual(scanner.scan(bytes).hits)
      }),
      RUNS,
    )
  })

  it('gives them when it comes byte by byte', () => {
    for (const shape of SHAPES) {
      const [text = ''] = samplesOf(shape, 'true')
      const bytes = bytesOf(`x ${text} y`)
      const pieces = Array.from(bytes, (byte) => Buffer.from([byte]))
      expect([shape.id, scanPieces(scanner, pieces)]).toEqual([shape.id, scanner.scan(bytes).hits])
    }
  })

  it('gives every sample at every cut in two', () => {
    for (const shape of SHAPES) {
      const [text = ''] = samplesOf(shape, 'true')
      const bytes = bytesOf(` ${text}\n`)
      const step = Math.max(1, Math.floor(bytes.length / 60))
      for (let cut = 0; cut <= bytes.length; cut += step) {
        const found = scanPieces(scanner, [bytes.subarray(0, cut), bytes.subarray(cut)])
        expect([shape.id, cut, found.map(({ rule }) => rule)]).toEqual([shape.id, cut, [`token/${shape.id}`]])
      }
    }
  })

  it('waits for the byte that must not stand behind a token', () => {
    const bounded = SHAPES.filter(({ after }) => after !== undefined)
    expect(bounded.length).toBeGreaterThan(100)
    for (const shape of bounded) {
      const [text = ''] = samplesOf(shape, 'true')
      const { start = 0, end = 0 } = scanner.scan(bytesOf(text)).hits[0] ?? {}
      for (const behind of 'a0Z-') {
        const bytes = bytesOf(text.slice(start, end) + behind)
        const pieces = [bytes.subarray(0, -1), bytes.subarray(-1)]
        expect([shape.id, scanPieces(scanner, pieces)]).toEqual([shape.id, scanner.scan(bytes).hits])
      }
    }
  })

  it('cuts no token in two that what is undecided began in', () => {
    const token = (seed: string) => ['gl', 'pat-', signs(SIGNS.slice(0, 16), 20, seeded(seed))].join('')
    const bytes = bytesOf(`${token('one')}-datadog-${token('two')} x and what follows`)
    const whole = scanner.scan(bytes).hits
    expect(whole.map(({ rule, start }) => [rule, start])).toEqual([['token/gitlab-pat', 0]])
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(scanPieces(scanner, [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
  })

  it('holds back at most the longest match, whatever comes', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const held: number[] = []
        scanPieces(scanner, cutAt(bytesOf(text), places), (bytes) => held.push(bytes))
        expect(Math.max(...held)).toBeLessThanOrEqual(LONGEST)
        expect(held.at(-1)).toBe(0)
      }),
      RUNS,
    )
  })

  it.each(['prose', 'chat with a model', 'minified JavaScript', 'lock files'])(
    'holds back little of %s',
    (kind) => {
      const bytes = ordinary(kind, 100_000)
      const held: number[] = []
      const pieces = Array.from({ length: 100 }, (_, index) =>
        bytes.subarray(index * 1000, index * 1000 + 1000),
      )
      scanPieces(scanner, pieces, (left) => held.push(left))
      const sorted = held.sort((a, b) => a - b)
      expect(sorted[50]).toBeLessThanOrEqual(16)
      expect(sorted[90]).toBeLessThanOrEqual(96)
    },
  )

  it('sends on what cannot begin a token any more', () => {
    expect(scanner.scan(bytesOf('nothing to see. '), { last: false }).settled).toBe(16)
    expect(scanner.scan(bytesOf(['gh', 'p_abc def! '].join('')), { last: false }).settled).toBe(13)
    expect(scanner.scan(bytesOf(['wait: ', 'gh', 'p_abc'].join('')), { last: false }).settled).toBe(6)
  })
})
