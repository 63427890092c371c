import { deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inflate } from '../../../sidecars/detect/inflate.ts'

const MOST = 1 << 20
/** Text with repetitions, numbers, runs, noise: what makes blocks of every type. */
const content = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abc {}\n'), maxLength: 5000 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.nat(40_000), fc.nat(255)).map(([length, byte]) => Buffer.alloc(length, byte)),
)
const packing = fc.record({ level: fc.integer({ min: 0, max: 9 }), strategy: fc.integer({ min: 0, max: 4 }) })

/** What zlib says of the same bytes. */
function reference(bytes: Buffer): { readonly end: string; readonly bytes?: Buffer } {
  try {
    return { end: 'done', bytes: inflateRawSync(bytes) }
  } catch (error) {
    return {
      end: error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR' ? 'cut' : 'damaged',
    }
  }
}

describe('Deflate', () => {
  it('is undone from any place, whatever follows', () => {
    fc.assert(
      fc.property(content, packing, (text, how) => {
        const bytes = Buffer.concat([Buffer.from('xyz'), deflateRawSync(text, how), Buffer.from('follows')])
        expect(inflate(bytes, 3, MOST)).toEqual({ bytes: text, end: 'done' })
      }),
    )
  })

  it('that is cut gives what came before', () => {
    fc.assert(
      fc.property(content, packing, fc.nat(40), (text, how, cut) => {
        const packed = deflateRawSync(text, how)
        const { bytes, end } = inflate(packed.subarray(0, packed.length - 1 - cut), 0, MOST)
        expect(end).toBe('cut')
        expect(bytes.equals(text.subarray(0, bytes.length))).toBe(true)
      }),
    )
  })

  it('gives no more than it may', () => {
    const packed = deflateRawSync(Buffer.alloc(5000, 'ab'))
    expect(inflate(packed, 0, 4999)).toEqual({ bytes: Buffer.alloc(4999, 'ab'), end: 'too-large' })
    expect(inflate(packed, 0, 5000).end).toBe('done')
    expect(inflate(deflateRawSync(Buffer.alloc(50), { level: 0 }), 0, 49).end).toBe('too-large')
  })

  it('reads and refuses what zlib reads and refuses', () => {
    const damaged = fc
      .tuple(content, packing, fc.nat(), fc.integer({ min: 1, max: 255 }))
      .map(([text, how, at, change]) => {
        const packed = deflateRawSync(text.subarray(0, 400), how)
        packed[at % packed.length] = (packed[at % packed.length] ?? 0) ^ change
        return packed
      })
    const chance = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(damaged, chance), (packed) => {
        const expected = reference(packed)
        const actual = inflate(packed, 0, 1 << 24)
        expect(actual.end).toBe(expected.end)
        if (expected.bytes) expect(actual.bytes.equals(expected.bytes)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
