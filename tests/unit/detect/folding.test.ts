import { describe, expect, it } from 'vitest'
import { folded, foldedText } from '../../../sidecars/detect/folding.ts'
import { marksOf } from '../../../sidecars/detect/marking.ts'
import type { Layer } from '../../../sidecars/detect/reading.ts'

const text = 'ghp-Zk9_canary/Value+0123'
const layersIn = (bytes: Buffer): readonly Layer[] => [...folded(bytes, marksOf(bytes))]
const read = (bytes: Buffer | string): readonly string[] =>
  layersIn(Buffer.from(bytes as string)).map((layer) => layer.bytes.toString())
const shifted = (from: number, digits: number) => (sign: string) => {
  if (/[a-z]/.test(sign)) return String.fromCodePoint(from + 26 + sign.charCodeAt(0) - 97)
  if (/[A-Z]/.test(sign)) return String.fromCodePoint(from + sign.charCodeAt(0) - 65)
  return /\d/.test(sign) ? String.fromCodePoint(digits + Number(sign)) : sign
}
const each = (write: (sign: string) => string): string => [...text].map(write).join('')
const one = (from: string, to: string): string => text.replace(from, to)

const WRITTEN: Readonly<Record<string, string>> = {
  'full-width forms': each((sign) => String.fromCodePoint(sign.charCodeAt(0) + 0xfee0)),
  'one full-width letter': one('p', 'ｐ'),
  'mathematical letters, bold': each(shifted(0x1d400, 0x1d7ce)),
  'mathematical letters, monospaced': each(shifted(0x1d670, 0x1d7f6)),
  'letters in circles': each((sign) =>
    /[a-z]/.test(sign) ? String.fromCodePoint(0x24d0 + sign.charCodeAt(0) - 97) : sign,
  ),
  'a superscript digit': one('1', '¹'),
  'one Cyrillic letter': one('a', 'а'),
  'one Cyrillic letter between digits': one('Zk9', '9а9'),
  'a Cyrillic letter before digits and a letter': one('Zk9', 'с12k'),
  'a Greek letter': one('o', 'ο').replace('n', 'ո'),
  'a Cherokee letter': one('Z', 'Ꮓ'),
  'a dash that is none': one('-', '‐'),
  'combining marks': each((sign) => `${sign}\u0301`),
  'a letter and its mark in one, beside a digit': one('Zk9', 'Zḱ9'),
  'zero-width characters': each((sign) => `${sign}\u200b`),
  'one soft hyphen': one('can', 'ca\u00adn'),
  'marks of direction': one('can', 'c\u202ea\u202cn'),
  'variation selectors': one('can', 'c\ufe0fa\u{e0101}n'),
  'control bytes': each((sign) => `${sign}\u0001`),
  'a nul byte': one('can', 'ca\0n'),
}

/** What a row stands for, where it is not the text. */
const EXPECTED: Readonly<Record<string, string>> = {
  'one Cyrillic letter between digits': one('Zk9', '9a9'),
  'a Cyrillic letter before digits and a letter': one('Zk9', 'c12k'),
}

describe('A text is read through', () => {
  for (const [name, written] of Object.entries(WRITTEN)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => {
      const expected = EXPECTED[name] ?? text
      expect(read(`before ${written} after`).some((layer) => layer.includes(expected))).toBe(true)
    })
  }

  it('all 52 letters and 10 digits of every mathematical alphabet', () => {
    for (let point = 0x1d400; point <= 0x1d7ff; point++) {
      const sign = String.fromCodePoint(point)
      if (/[\p{L}\p{Nd}]/u.test(sign) && !/[\p{Script=Greek}ıȷ∂∇]/u.test(sign.normalize('NFKC')))
        expect(foldedText(sign)).toMatch(/^[A-Za-z0-9]$/)
    }
  })

  it('only near what looks alike: the rest of a long text is left out', () => {
    const long = 'a plain line\n'.repeat(1000)
    const [layer = '', ...more] = read(`${long}p\u0430ssword${long}`)
    expect(more).toEqual([])
    expect(layer).toContain('password')
    expect(layer.length).toBeLessThan(3200)
  })
})

describe('Wherever in memory a text lies, and wherever in it', () => {
  const PLAIN = 'a text of some length,\n\twith lines'
  const layers = (written: string, offset: number): number => {
    const room = Buffer.alloc(200)
    return layersIn(room.subarray(offset, offset + room.write(written, offset))).length
  }
  for (const sign of ['\u0001', '\u001f', '\u007f', '\u0430', '\uff50'])
    it(`U+${sign.codePointAt(0)?.toString(16).padStart(4, '0')} is read through`, () => {
      for (let offset = 0; offset < 8; offset++)
        for (let at = 0; at < 8; at++)
          expect(layers(`${PLAIN.slice(at)} gh${sign}o1${PLAIN.slice(0, at)}`, offset)).toBe(1)
    })

  it('also at its very beginning and end', () => {
    for (let offset = 0; offset < 8; offset++)
      for (let length = 0; length < 8; length++) {
        expect(layers(`\uff501${PLAIN.slice(0, length)}`, offset)).toBe(1)
        expect(layers(`${PLAIN.slice(0, length)}a\uff50`, offset)).toBe(1)
      }
  })
})

describe('No other reading has', () => {
  const ORDINARY: Readonly<Record<string, string>> = {
    English: 'The quick brown fox, “quoted” – with dashes — and… an ellipsis.',
    French: 'Voilà un été à l’hôtel, garçon déjà vu; naïveté, cœur.',
    German: 'Größe, Übermut, Straße; 20 Äpfel',
    Russian: 'В 2024г. цена 10см и 5с, «кавычки» — тире; Москва-сити',
    Greek: 'Η Αθήνα το 2024 είναι όμορφη',
    Chinese: '这是一个普通的文本，其中包含“引号”：和接口。',
    Japanese: 'これは普通の文章です、カタカナも。',
    Korean: '이것은 평범한 글입니다.',
    Arabic: 'هذا نص عادي تماما',
    Hindi: 'यह एक साधारण पाठ है',
    emoji: 'fine 👍🏽 family 👩‍👩‍👧 and ☕️ too',
    'a file with tabs and form feeds': 'a\tb\r\n\fc\n',
  }
  for (const [name, written] of Object.entries(ORDINARY)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => expect(read(written)).toEqual([]))
  }

  it('what is no text: random bytes, broken UTF-8', () => {
    expect(read(Buffer.from('a\xd0b\xe2\x80c\xf0\x9dd', 'latin1'))).toEqual([])
  })
})
