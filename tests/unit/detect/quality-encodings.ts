/** How a secret may be written: the encodings that `docs/egress.md` declares, and those that it declares as misses. */
import { createCipheriv, createHash } from 'node:crypto'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { zipArchive } from './archives.ts'

/** Stable: also the name in the table of `docs/detection.md`. */
export interface Encoding {
  readonly name: string
  /** Declared for the bottle's own secrets alone, or for tokens as well. */
  readonly of: 'both' | 'known'
  /** Bytes that only a body can carry. */
  readonly binary?: boolean
  /** As many layers as are undone: the place must add none. */
  readonly deepest?: boolean
  readonly write: (text: Buffer, random: Random) => Buffer
}

type Write = (text: Buffer, random: Random) => Buffer

const ascii = (write: (text: Buffer, random: Random) => string): Write => {
  return (text, random) => Buffer.from(write(text, random), 'latin1')
}
const eachByte = (write: (byte: number, random: Random) => string): Write =>
  ascii((text, random) => [...text].map((byte) => write(byte, random)).join(''))
/** Some bytes; always the one that would begin an escape. */
const someBytes = (mark: string, write: (byte: number) => string): Write =>
  eachByte((byte, random) => {
    const sign = String.fromCharCode(byte)
    return sign === mark || random(3) === 0 ? write(byte) : sign
  })
const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0')
const pick = <Item>(items: readonly [Item, ...Item[]], random: Random): Item =>
  items[random(items.length)] ?? items[0]

const percent: Write = eachByte((byte) => `%${hexOf(byte)}`)
const unicode: Write = eachByte((byte) => `\\u00${hexOf(byte)}`)
const entity = (byte: number, random: Random): string =>
  random(2) === 0 ? `&#${byte};` : `&#x${hexOf(byte)};`
const base64: Write = ascii((text) => text.toString('base64'))
const hex: Write = ascii((text) => text.toString('hex'))
const wide: Write = (text) => Buffer.from(text.toString('latin1'), 'utf16le')
const wideBigEnd: Write = (text) => wide(text, NONE).swap16()
const gzip: Write = (text) => gzipSync(text)
const zlib: Write = (text) => deflateSync(text)
const zstd: Write = (text) => zstdCompressSync(text)
const NONE: Random = () => 0
const randomBytes = (length: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length }, () => random(256)))

/** Text of so many bytes in front that no letter stands beside the value. */
const behind =
  (length: number): Write =>
  (text, random) =>
    Buffer.concat([Buffer.from(`${signs('abcxyz', length, random)}"`), text, Buffer.from('"\n')])
/** Applied from the first to the last. */
const through =
  (...steps: readonly Write[]): Write =>
  (text, random) =>
    steps.reduce((written, step) => step(written, random), text)
const reversed: Write = (text) => Buffer.from(text).reverse()
const between = (separator: string): Write => {
  return (text) => Buffer.from([...text.toString('latin1')].join(separator))
}
const lines = ascii((text) => text.toString('base64').replaceAll(/.{64}/g, '$&\n'))

const STEPS: readonly [Write, ...Write[]] = [
  base64,
  hex,
  percent,
  unicode,
  through(gzip, base64),
  through(zlib, base64),
  ascii((text) => text.toString('base64url')),
  someBytes('\\', (byte) => `\\u00${hexOf(byte)}`),
]
/** `through(gzip, base64)` is two layers. */
const PACKING = new Set<Write>(STEPS.slice(4, 6))

/** So many layers, chosen from all. */
function nested(layers: number): Write {
  return (text, random) => {
    let written = behind(random(3))(text, random)
    for (let left = layers; left > 0;) {
      const step = pick(STEPS, random)
      const cost = PACKING.has(step) ? 2 : 1
      if (cost > left) continue
      written = step(written, random)
      left -= cost
    }
    return written
  }
}

/** Between bytes that are as good as random, as in the formats of programs. */
const inNoise =
  (pack: Write): Write =>
  (text, random) =>
    Buffer.concat([randomBytes(200 + random(200), random), pack(text, random), randomBytes(80, random)])
const gitPack: Write = (text, random) => {
  const blob = (content: Buffer): Buffer => Buffer.concat([Buffer.from([0xb5, 0x02]), deflateSync(content)])
  const others = Array.from({ length: 4 }, () => blob(randomBytes(90, random)))
  return Buffer.concat([
    Buffer.from('PACK\0\0\0\x02\0\0\0\x05'),
    ...others,
    blob(text),
    randomBytes(20, random),
  ])
}
const pdf: Write = (text) =>
  Buffer.concat([
    Buffer.from('%PDF-1.7\n4 0 obj\n<< /Length 99 /Filter /FlateDecode >>\nstream\n'),
    deflateSync(Buffer.concat([Buffer.from('BT /F1 12 Tf ('), text, Buffer.from(') Tj ET')])),
    Buffer.from('\nendstream\nendobj\n%%EOF\n'),
  ])
const docx: Write = (text) =>
  zipArchive({
    '[Content_Types].xml': '<?xml version="1.0"?><Types/>',
    'word/document.xml': Buffer.concat([Buffer.from('<w:t> '), text, Buffer.from(' </w:t>')]),
  })
const tar: Write = (text) =>
  Buffer.concat([
    Buffer.from('notes.txt'.padEnd(512, '\0')),
    text,
    Buffer.alloc(512 - (text.length % 512) + 1024),
  ])

/** Every letter, or one in so many, written as another character. */
const someLetters =
  (oneIn: number, write: (sign: string) => string): Write =>
  (text, random) =>
    Buffer.from(
      [...text.toString('latin1')]
        .map((sign) => (/[A-Za-z]/.test(sign) && random(oneIn) === 0 ? write(sign) : sign))
        .join(''),
    )
const fullWidth = (sign: string): string => String.fromCharCode(sign.charCodeAt(0) + 0xfee0)
const mathematical = (sign: string): string =>
  String.fromCodePoint(sign.charCodeAt(0) + (sign < 'a' ? 0x1d400 - 65 : 0x1d41a - 97))
const SCRIPTS: Readonly<Record<string, string>> = {
  a: 'а',
  c: 'с',
  e: 'е',
  o: 'ο',
  p: 'р',
  x: 'х',
  A: 'Α',
  B: 'В',
  T: 'Т',
}
const otherScript = (sign: string): string => SCRIPTS[sign] ?? sign

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const base32 = ascii((text) =>
  (
    [...text]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('')
      .match(/.{5}/g) ?? []
  )
    .map((bits) => BASE32[Number.parseInt(bits, 2)])
    .join(''),
)
const rot13 = ascii((text) =>
  text.toString('latin1').replaceAll(/[a-z]/gi, (letter) => {
    const code = letter.charCodeAt(0)
    return String.fromCharCode((((code & 31) + 12) % 26) + 1 + (code & 96))
  }),
)

const otherCase = eachByte((byte) => {
  const letter = String.fromCharCode(byte)
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
})

export const ENCODINGS: readonly Encoding[] = [
  { name: 'as it is', of: 'both', write: (text) => text },
  { name: 'base64, first alignment', of: 'both', write: base64 },
  { name: 'base64, second alignment', of: 'both', write: through(behind(3), base64) },
  { name: 'base64, third alignment', of: 'both', write: through(behind(4), base64) },
  { name: 'base64url', of: 'both', write: ascii((text) => text.toString('base64url')) },
  { name: 'base64 in lines', of: 'both', write: through(behind(90), lines) },
  { name: 'base64 twice', of: 'both', write: through(base64, base64) },
  { name: 'hexadecimal', of: 'both', write: hex },
  { name: 'hexadecimal, capitals', of: 'both', write: ascii((text) => text.toString('hex').toUpperCase()) },
  { name: 'percent escapes of every byte', of: 'both', write: percent },
  { name: 'percent escapes of some bytes', of: 'both', write: someBytes('%', (byte) => `%${hexOf(byte)}`) },
  { name: 'percent escapes, twice', of: 'both', write: through(percent, ascii(escapedPercents)) },
  { name: 'JSON escapes of every character', of: 'both', write: unicode },
  {
    name: 'JSON escapes of some characters',
    of: 'both',
    write: someBytes('\\', (byte) => `\\u00${hexOf(byte)}`),
  },
  { name: 'C escapes', of: 'both', write: eachByte((byte) => `\\x${hexOf(byte)}`) },
  { name: 'HTML entities', of: 'both', write: eachByte(entity) },
  { name: 'quoted-printable', of: 'both', write: eachByte((byte) => `=${hexOf(byte).toUpperCase()}`) },
  { name: 'UTF-16, little end first', of: 'both', binary: true, write: wide },
  { name: 'UTF-16, big end first', of: 'both', binary: true, write: wideBigEnd },
  { name: 'base64 of UTF-16', of: 'both', write: through(wide, base64) },
  { name: 'base64 of gzip', of: 'both', write: through(gzip, base64) },
  { name: 'base64 of zlib', of: 'both', write: through(zlib, base64) },
  { name: 'base64 of zstd', of: 'both', write: through(zstd, base64) },
  { name: 'gzip between other bytes', of: 'both', binary: true, write: inNoise(gzip) },
  { name: 'zlib between other bytes', of: 'both', binary: true, write: inNoise(zlib) },
  { name: 'zstd between other bytes', of: 'both', binary: true, write: inNoise(zstd) },
  { name: 'objects of a git push', of: 'both', binary: true, write: gitPack },
  { name: 'a stream of a PDF', of: 'both', binary: true, write: pdf },
  { name: 'a document of a word processor', of: 'both', binary: true, write: docx },
  { name: 'base64 of such a document', of: 'both', write: through(docx, base64) },
  { name: 'base64 of gzip of a tar archive', of: 'both', write: through(tar, gzip, base64) },
  { name: 'zero-width characters', of: 'both', write: between('\u200b') },
  { name: 'full-width forms', of: 'both', write: someLetters(1, fullWidth) },
  { name: 'mathematical letters', of: 'both', write: someLetters(1, mathematical) },
  { name: 'letters of other scripts', of: 'both', write: someLetters(2, otherScript) },
  { name: 'combining marks', of: 'both', write: someLetters(2, (sign) => `${sign}\u0301`) },
  { name: 'control bytes between characters', of: 'both', binary: true, write: between('\u0001') },
  { name: 'base64 of full-width forms', of: 'both', write: through(someLetters(1, fullWidth), base64) },
  { name: 'two layers', of: 'both', write: nested(2) },
  { name: 'three layers', of: 'both', write: nested(3) },
  { name: 'four layers', of: 'both', deepest: true, write: nested(4) },
  { name: 'backwards', of: 'known', write: reversed },
  { name: 'backwards, in base64', of: 'known', write: through(base64, reversed) },
  { name: 'other case', of: 'known', write: otherCase },
  { name: 'a hyphen between characters', of: 'known', write: between('-') },
  { name: 'a space between characters', of: 'known', write: between(' ') },
  { name: 'one character a line', of: 'known', write: between('\n') },
  { name: 'a list of bytes', of: 'known', write: ascii((text) => `[${[...text].join(', ')}]`) },
  { name: 'octal', of: 'known', write: eachByte((byte) => `\\${byte.toString(8).padStart(3, '0')}`) },
  { name: 'binary digits', of: 'known', write: eachByte((byte) => `${byte.toString(2).padStart(8, '0')} `) },
  { name: 'base32', of: 'known', write: base32 },
  { name: 'rot13', of: 'known', write: rot13 },
]

function escapedPercents(text: Buffer): string {
  return text.toString('latin1').replaceAll('%', '%25')
}

const stream = (name: string, length: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 32) }, (_, block) =>
      createHash('sha256').update(`${name} ${block}`).digest(),
    ),
  ).subarray(0, length)

/** One bit of the value in each byte. */
const inPicture: Write = (text) =>
  stream('picture', text.length * 8).map((byte, at) => {
    const bit = ((text[at >> 3] ?? 0) >> (at & 7)) & 1
    return (byte & 0xfe) | bit
  }) as Buffer

const encrypted = through(
  (text) => createCipheriv('aes-256-ctr', Buffer.alloc(32, 7), Buffer.alloc(16, 9)).update(text),
  base64,
)

/** Declared as not found, whatever is written so. */
export const MISSES: readonly Encoding[] = [
  { name: 'encrypted', of: 'both', write: encrypted },
  {
    name: 'enciphered by hand',
    of: 'both',
    write: through((text) => text.map((byte) => byte ^ 0x2a) as Buffer, base64),
  },
  {
    name: 'cut in halves',
    of: 'both',
    write: (text) => {
      const half = Buffer.from(text.subarray(0, text.length >> 1))
      return Buffer.concat([half, Buffer.from(' then the rest: '), text.subarray(text.length >> 1)])
    },
  },
  { name: 'in a picture', of: 'both', binary: true, write: inPicture },
  { name: 'six layers', of: 'both', write: through(base64, base64, base64, base64, base64, base64) },
]
