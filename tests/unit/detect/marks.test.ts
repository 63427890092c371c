import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ESCAPED, Marks, PACKED } from '../../../sidecars/detect/marks.ts'
import { byPair, TWO_BYTES } from '../../../sidecars/detect/view.ts'

/** Of two bytes in a row each kind. */
const kinds = byPair(new Uint8Array(TWO_BYTES), (first, second) =>
  first !== 7 ? 0 : second === 9 ? PACKED : second === 8 ? ESCAPED : 0,
)
const bodies = fc.array(fc.constantFrom(7, 9, 8, 0, 0, 0, 0, 0, 0), { maxLength: 300 })

it('What is passed over between marked blocks has no pair of the kind, and the end is told', () => {
  fc.assert(
    fc.property(
      bodies,
      fc.nat(100),
      fc.nat(3),
      fc.constantFrom(PACKED, ESCAPED),
      (body, zeros, shift, kind) => {
        const bytes = Buffer.concat([Buffer.alloc(shift + zeros), Buffer.from(body)]).subarray(shift)
        const marks = new Marks(bytes, kinds)
        const pair = Buffer.from([7, kind === PACKED ? 9 : 8])
        let seen = 0
        for (let at = marks.next(kind, 0); at < bytes.length; at = marks.next(kind, marks.endOf(at))) {
          expect(bytes.subarray(seen, at + 1).includes(pair)).toBe(false)
          seen = marks.endOf(at)
        }
        expect(bytes.subarray(seen).includes(pair)).toBe(false)
      },
    ),
  )
})

it('A block without the kind is passed over', () => {
  const bytes = Buffer.alloc(1000)
  bytes.set([7, 9], 500)
  const marks = new Marks(bytes, kinds)
  expect(marks.next(PACKED, 0)).toBeGreaterThan(450)
  expect(marks.next(PACKED, 550)).toBeGreaterThan(950)
  expect(marks.next(ESCAPED, 0)).toBeGreaterThan(950)
})
