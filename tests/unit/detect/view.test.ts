import fc from 'fast-check'
import { expect, it } from 'vitest'
import { byPair, skipWithout, TWO_BYTES, viewOf } from '../../../sidecars/detect/view.ts'

/** Of these two bytes in a row alone. */
const table = byPair(new Uint8Array(TWO_BYTES), (first, second) => (first === 7 && second === 9 ? 1 : 0))
const bodies = fc.array(fc.constantFrom(7, 9, 0), { maxLength: 200 }).map((bytes) => Buffer.from(bytes))

it('Skipping stops at or before the first pair of the table, less than a block before it or the end', () => {
  fc.assert(
    fc.property(bodies, fc.nat(100), fc.constantFrom(8, 16, 32), fc.nat(3), (body, zeros, block, shift) => {
      const bytes = Buffer.concat([Buffer.alloc(shift + zeros), body]).subarray(shift)
      const pair = bytes.indexOf(Buffer.from([7, 9]))
      const stop = pair === -1 ? bytes.length : pair
      const at = skipWithout(table, viewOf(bytes), 0, block)
      expect(at).toBeLessThanOrEqual(stop)
      expect(stop - at).toBeLessThanOrEqual(block)
    }),
  )
})
