import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ESCAPES, undone } from '../../../sidecars/detect/escapes.ts'

const utf8 = (code: number): string =>
  code <= 0x10ffff ? Buffer.from(String.fromCodePoint(code)).toString('latin1') : '?'
const byte = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16))
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}

/** What each kind means, as expressions say it; one character a byte. */
const MEANING: Readonly<Record<string, (text: string) => string>> = {
  percent: (text) => text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => byte(hex)),
  escape: (text) =>
    text.replaceAll(
      /\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([0-7]{3})|(["\\/])|[nrt])/g,
      (_, unit?: string, point?: string, hex?: string, octal?: string, plain?: string) => {
        if (plain !== undefined) return plain
        if (octal !== undefined) return utf8(Number.parseInt(octal, 8))
        const digits = unit ?? point ?? hex
        return digits === undefined ? '\n' : utf8(Number.parseInt(digits, 16))
      },
    ),
  html: (text) =>
    text.replaceAll(
      /&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));?/g,
      (_, decimal?: string, hex?: string, name?: string) =>
        name === undefined
          ? utf8(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
          : (NAMED[name] ?? ''),
    ),
  'quoted-printable': (text) =>
    text.replaceAll(/=(?:([0-9A-F]{2})|\r?\n)/g, (_, hex?: string) => (hex === undefined ? '' : byte(hex))),
}

/** What escapes are made of, so that most of a text is some, or is cut short. */
const PARTS = [
  '%', '\\', '&', '=', '&#', '&#x', '&#X', '\\u', '\\u{', '\\x', '}', ';', '\r', '\n', '"', '/', 'x', 'u', 'n', 'r', 't',
  '4', '41', '7', '0', '00', 'd8', 'D800', 'ff', 'FF', '10fff', '110000', '377', '8', 'g', 'amp', 'lt', 'quo', 'quot', 'apos',
  'nbsp', 'a', 'é', '\u0000', '\u00ff',
] // prettier-ignore
const texts = fc.array(fc.constantFrom(...PARTS), { maxLength: 60 }).map((all) => all.join(''))

describe('Escapes are undone as their kind means them', () => {
  for (const escape of ESCAPES) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the kind's
    it(escape.encoding, () => {
      fc.assert(
        fc.property(texts, (text) => {
          const meant = MEANING[escape.encoding]?.(text)
          expect(undone(Buffer.from(text, 'latin1'), escape).toString('latin1')).toBe(meant)
        }),
        { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1000) },
      )
    })
  }

  it('and a text only gets shorter by it, so that its length tells whether it held one', () => {
    const spelled = [
      '%00',
      '\\u{80}',
      '\\x80',
      '\\777',
      '\\ud800',
      '\\u{10ffff}',
      '&#128',
      '&#x800',
      '&lt',
      '=\n',
    ]
    for (const text of spelled) {
      const lengths = ESCAPES.map((escape) => undone(Buffer.from(text), escape).length)
      expect(lengths.filter((length) => length < text.length)).toHaveLength(1)
    }
  })
})
