import { describe, expect, it } from 'vitest'
import { Literals } from '../../../sidecars/detect/literals.ts'
import { seeded, signs } from '../../../sidecars/detect/samples.ts'
import { compileShape } from '../../../sidecars/detect/shapes/compile.ts'
import { readPlaces } from '../../../sidecars/detect/shapes/pattern.ts'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { LONGEST, SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import { anchorText, bytesOf, dearest, repeated, WORK_MOST } from '../../../sidecars/detect/shapes/trial.ts'

const scanner = createShapeScanner()
const SIZE = 1 << 16

const examinedPerByte = (body: Buffer): number => scanner.scan(body).examined / body.length

describe('hostile bodies', () => {
  it.each([
    ['gh', 'p_'],
    ['AK', 'IA'],
    ['-----', 'BEGIN'],
    ['-----BEGIN RSA ', 'PRIVATE KEY-----'],
    ['ey', 'J'],
    ['.ey', 'Jhbxx'],
    ['.ey', 'JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkw'],
    ['://', ''],
    ['https://', 'a:'],
    ['A', ''],
    ['1234567890', ':AA'],
    ['us', '-us1'],
  ])('%s%s again and again', (...parts) => {
    expect(examinedPerByte(repeated(parts.join(''), SIZE))).toBeLessThan(WORK_MOST)
  })

  it('of every shape: its anchor, samples cut short, samples in a row', () => {
    const costly = SHAPES.flatMap((shape) => {
      const most = Math.max(...dearest(shape).map((text) => examinedPerByte(repeated(text, SIZE / 4))))
      return most < WORK_MOST ? [] : [`${shape.id} ${most}`]
    })
    expect(costly).toEqual([])
  })

  it('cost twice as much when they are twice as long', () => {
    for (const parts of [
      ['gh', 'p_'],
      ['.ey', 'JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkw'],
      ['data', 'dog'],
    ]) {
      const once = scanner.scan(repeated(parts.join(''), SIZE)).examined
      const twice = scanner.scan(repeated(parts.join(''), 2 * SIZE)).examined
      expect(twice).toBeLessThan(2.1 * once + LONGEST)
    }
  })
})

describe('the search for anchors', () => {
  it('finds every one once, at any place and beside any other', () => {
    const random = seeded('anchors')
    const anchors = SHAPES.flatMap((shape) =>
      shape.anchors.map((anchor) => readPlaces(anchor, shape.anyCase)),
    )
    const literals = new Literals(anchors)
    for (const shape of SHAPES) {
      const text = anchorText(shape, random)
      for (const padding of [0, 1, 2, 3]) {
        const bytes = bytesOf(signs('~^', padding, random) + text + signs('~^', random(4), random))
        const found: string[] = []
        literals.find(bytes, (literal, at) => found.push(`${literal}@${at}`))
        const expected = anchors.flatMap((places, literal) =>
          [...bytes.keys()]
            .filter((at) =>
              places.every((set, place) => set[bytes[at + place] ?? 0] === 1 && at + place < bytes.length),
            )
            .map((at) => `${literal}@${at}`),
        )
        expect(found.sort()).toEqual(expected.sort())
        expect(expected).not.toEqual([])
      }
    }
  })

  it('refuses an anchor that is too short', () => {
    expect(() => new Literals([readPlaces('abc')])).toThrow('too short')
  })
})

it('a shape whose searched beginning has no boundary is refused', () => {
  const [shape] = SHAPES.filter(({ lookback }) => lookback !== undefined)
  expect(shape).toBeDefined()
  if (shape) expect(() => compileShape({ ...shape, before: undefined })).toThrow('boundary')
})
