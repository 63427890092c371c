import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprints } from '../../../sidecars/detect/fingerprint.ts'
import { KnownSecrets } from '../../../sidecars/detect/known.ts'
import { lookThrough } from '../../../sidecars/detect/look.ts'
import { BETWEEN } from '../../../sidecars/detect/gathering.ts'
import { runs } from '../../../sidecars/detect/runs.ts'
import { compileShape } from '../../../sidecars/detect/shapes/compile.ts'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import { TEXT_MIN } from '../../../sidecars/detect/weight.ts'
import { samplesOf } from '../../../sidecars/detect/shapes/trial.ts'
import { ordinary } from './shapes-texts.ts'

const KEY = Buffer.alloc(32, 7)
const SECRET = 'Zk9canaryValue0123456789xyQ'
const detectors = {
  known: new KnownSecrets(KEY, fingerprints(KEY, 'one', SECRET)),
  shapes: createShapeScanner(),
}
const PERCENT = (text: string): string =>
  [...Buffer.from(text, 'latin1')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const rulesIn = (body: string): readonly string[] => [
  ...new Set(lookThrough(Buffer.from(body, 'latin1'), detectors).hits.map(({ rule }) => rule)),
]

/** Words, identifiers and paths around a run, as they stand in the bodies of programs. */
const around = (run: string): string =>
  `${ordinary('chat with a model', 3000).toString()}\n"${run}"\n${ordinary('lock files', 3000).toString()}`

const CARRIED: Readonly<Record<string, string | Buffer>> = {
  'alone': SECRET,
  'backwards': [...SECRET].toReversed().join(''),
  'between bytes that are no text': Buffer.from([...SECRET].map((sign) => `${sign}\xff\xfe`).join(''), 'latin1'),
  'in escapes between bytes that are no text': Buffer.from(
    [...SECRET].map((sign) => `${PERCENT(sign)}\xff`).join(''),
    'latin1',
  ),
  'in UTF-16': Buffer.from(SECRET, 'utf16le'),
  'in full-width letters': Buffer.from(
    [...SECRET].map((sign) => String.fromCodePoint((sign.codePointAt(0) ?? 0) + 0xfee0)).join(''),
  ),
  'in base64 once more': Buffer.from(`x${Buffer.from(SECRET).toString('base64')}`).toString('base64'),
} // prettier-ignore

describe('A short run among others gives away a known secret', () => {
  for (const [name, carried] of Object.entries(CARRIED)) {
    const bytes = Buffer.from(carried as string)
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => {
      for (const behind of ['', 'a', 'ab'])
        expect(rulesIn(around(Buffer.concat([Buffer.from(behind), bytes]).toString('base64')))).toEqual([
          'secret/one',
        ])
      expect(rulesIn(around(bytes.toString('hex')))).toEqual(['secret/one'])
    })
  }

  it('also where the text around it is one long row of runs', () => {
    const carried = Buffer.from(`--${[...SECRET].toReversed().join('')}`).toString('base64')
    expect(
      rulesIn(
        `${ordinary('SHA-1 and SHA-256', 90_000).toString()}${carried} ${ordinary('UUIDs', 50_000).toString()}`,
      ),
    ).toEqual(['secret/one'])
  })
})

describe('A long run that is mostly no text', () => {
  /** Bytes of which none is in UTF-8. */
  const noise = (length: number): Buffer => Buffer.alloc(length, '\xfe\x07\xc0', 'latin1')

  it.each(Object.entries(CARRIED))('gives away a known secret %s', (_name, carried) => {
    const around = Buffer.from('sixteen letters.')
    for (let before = 1500; before < 1503; before++) {
      const bytes = Buffer.concat([
        noise(before),
        around,
        Buffer.from(carried as string),
        around,
        noise(1500),
      ])
      for (const written of ['base64', 'hex'] as const)
        expect([written, before, rulesIn(bytes.toString(written))]).toEqual([written, before, ['secret/one']])
    }
  })

  it('gives away every kind of token between bytes that are none', () => {
    for (const shape of SHAPES)
      for (const sample of samplesOf(shape, 'true')) {
        const bytes = Buffer.concat([noise(1500), Buffer.from(sample, 'latin1'), noise(1500)])
        expect(rulesIn(`x${bytes.toString('base64url')}`)).toEqual(
          expect.arrayContaining([`token/${shape.id}`]),
        )
      }
  })
})

describe('Short runs are gathered', () => {
  it('so that every kind of token is found in them as it is alone', () => {
    for (const shape of SHAPES)
      for (const sample of samplesOf(shape, 'true')) {
        const run = Buffer.from(sample, 'latin1').toString('base64')
        const alone = rulesIn(run)
        expect(rulesIn(around(run))).toEqual(expect.arrayContaining([...alone]))
      }
  })

  it('and what each of them gives is what it gives alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 150 }), fc.nat(3), (bytes, shift) => {
        const run = `${'a'.repeat(shift)}${Buffer.from(bytes).toString('base64url')}`
        const each = [...runs(Buffer.from(`one ${run} two`), () => false)].flatMap((one) =>
          'each' in one ? [...one.each()] : [],
        )
        const decoded = [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), 'base64').toString('hex'))
        expect(
          each.filter(({ encoding }) => encoding === 'base64').map((layer) => layer.bytes.toString('hex')),
        ).toEqual(decoded)
      }),
    )
  })

  it('and keep what is text, at every alignment, letter by letter', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 40, maxLength: 120, unit: 'grapheme-ascii' }),
        fc.nat(3),
        (text, shift) => {
          const run = `${'a'.repeat(shift)}${Buffer.from(text).toString('base64').replaceAll('=', '')}`
          const kept = [...runs(Buffer.from(`one ${run} two`), () => false)].map((one) =>
            'each' in one ? one.texts : one.bytes,
          )
          // What stands before an escape may stand alone as well.
          expect(kept.some((one) => one.includes(text))).toBe(true)
        },
      ),
    )
  })

  it('with ends that no shape goes on over, none of them shorter than what counts as text', () => {
    const [newline = 0] = BETWEEN
    for (const shape of SHAPES.map(compileShape)) {
      expect(shape.min, shape.rule).toBeGreaterThanOrEqual(TEXT_MIN)
      expect([shape.before?.[newline], shape.after?.[newline]], shape.rule).not.toContain(1)
      // Those that have ends of lines inside end with something else.
      if (shape.rest[newline] === 1) expect(shape.after, shape.rule).toBeUndefined()
    }
  })
})
