/**
 * Escapes within a text: how each kind is told from what only begins like one, and what it spells. Read byte by byte
 * into one buffer: hostile texts are all escapes, and an expression makes strings of each.
 */
import { IN_RUN } from './runs.ts'
import { TWO_BYTES } from './view.ts'

export interface Escape {
  readonly encoding: string
  /** Its first byte. */
  readonly mark: number
  /** What stands behind the mark where `telling` can be true. */
  readonly seconds: string
  /** Of the bytes behind the mark: whether this is one that could spell a letter, a digit or a sign of a token. */
  readonly telling: (bytes: Buffer, at: number) => boolean
  /** What the escape at a mark spells, as of `spelling`; 0: none stands there. */
  readonly read: (bytes: Buffer, at: number) => number
  /** It spells a byte, not a character. */
  readonly isByte: boolean
}

/** A text with escapes of one kind undone, characters as UTF-8. Every escape is longer than what it spells. */
export function undone(bytes: Buffer, { mark, read, isByte }: Escape): Buffer {
  const { length } = bytes
  const text = Buffer.allocUnsafe(length)
  let written = 0
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number
    const spelled = byte === mark ? read(bytes, at) : 0
    if (spelled === 0) {
      text[written++] = byte
      continue
    }
    at += (spelled & LENGTH) - 1
    const point = spelled >>> LENGTH_BITS
    if (point === NOTHING) continue
    if (isByte || point < 0x80) text[written++] = point
    else written = writeCharacter(text, written, point)
  }
  return text.subarray(0, written)
}

const LENGTH_BITS = 4
const LENGTH = (1 << LENGTH_BITS) - 1
const LAST_POINT = 0x10ffff
/** In place of a code point: the escape spells none. */
const NOTHING = LAST_POINT + 1

/** Bytes of an escape in the lowest bits, the code point above them. */
const spelling = (point: number, length: number): number => (point << LENGTH_BITS) | length

const QUESTION_MARK = 63
const REPLACEMENT = 0xfffd

/** UTF-8 of a code point from 0x80 on; a lone half of a pair is written as what stands for it. */
function writeCharacter(to: Buffer, at: number, point: number): number {
  if (point >= 0xd800 && point < 0xe000) point = REPLACEMENT
  if (point < 0x800) to[at++] = 0xc0 | (point >> 6)
  else {
    if (point < 0x10000) to[at++] = 0xe0 | (point >> 12)
    else {
      to[at++] = 0xf0 | (point >> 18)
      to[at++] = 0x80 | ((point >> 12) & 0x3f)
    }
    to[at++] = 0x80 | ((point >> 6) & 0x3f)
  }
  to[at++] = 0x80 | (point & 0x3f)
  return at
}

// ── digits ──────────────────────────────────────────────────────────────────────────────────────

const NO_DIGIT = 16
/** What a byte is as a hexadecimal digit. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase())
  return digit === -1 ? NO_DIGIT : digit
})
const digitAt = (bytes: Buffer, at: number): number =>
  at < bytes.length ? (DIGITS[bytes[at] as number] as number) : NO_DIGIT
const isHex = (bytes: Buffer, at: number): boolean => digitAt(bytes, at) < 16

/** How many digits below `base` stand here, up to `most`. */
function countDigits(bytes: Buffer, from: number, most: number, base: number): number {
  let count = 0
  while (count < most && digitAt(bytes, from + count) < base) count += 1
  return count
}

/** Of so many digits. */
function numberAt(bytes: Buffer, from: number, count: number, base: number): number {
  let value = 0
  for (let at = from; at < from + count; at++) value = value * base + digitAt(bytes, at)
  return value
}

/** Of a number behind `lead` bytes of an escape, with `behind` bytes after its last digit. */
function numbered(
  bytes: Buffer,
  at: number,
  lead: number,
  count: number,
  base: number,
  behind: number,
): number {
  const point = numberAt(bytes, at + lead, count, base)
  return spelling(point <= LAST_POINT ? point : QUESTION_MARK, lead + count + behind)
}

// ── the kinds ───────────────────────────────────────────────────────────────────────────────────

const codeOf = (sign: string): number => sign.charCodeAt(0)
/** Of a byte; beyond the end there is none. */
const oneOf = (set: string) => {
  const isIn = new Uint8Array(256)
  for (const byte of Buffer.from(set)) isIn[byte] = 1
  return (byte: number | undefined): boolean => byte !== undefined && isIn[byte] === 1
}
const [PERCENT, BACKSLASH, AMPERSAND, EQUALS] = [0x25, 0x5c, 0x26, 0x3d]
const [CR, LF] = [13, 10]

function readPercent(bytes: Buffer, at: number): number {
  const high = digitAt(bytes, at + 1)
  const low = digitAt(bytes, at + 2)
  return high < 16 && low < 16 ? spelling((high << 4) | low, 3) : 0
}

const IN_ESCAPE = 'ux/0123'
const LINE_END = 'nrt'
const inEscape = oneOf(IN_ESCAPE)
const lineEnd = oneOf(LINE_END)
/** Also one letter between two escaped line ends. */
const behindBackslash = (bytes: Buffer, at: number): boolean =>
  inEscape(bytes[at]) ||
  (lineEnd(bytes[at]) &&
    bytes[at + 2] === BACKSLASH &&
    lineEnd(bytes[at + 3]) &&
    IN_RUN[bytes[at + 1] ?? 0] === 1)

/** As JSON, JavaScript and C write them. */
function readBackslash(bytes: Buffer, at: number): number {
  const next = bytes[at + 1]
  switch (next) {
    case codeOf('u'): {
      if (countDigits(bytes, at + 2, 4, 16) === 4) return numbered(bytes, at, 2, 4, 16, 0)
      if (bytes[at + 2] !== codeOf('{')) return 0
      const count = countDigits(bytes, at + 3, 6, 16)
      return count > 0 && bytes[at + 3 + count] === codeOf('}') ? numbered(bytes, at, 3, count, 16, 1) : 0
    }
    case codeOf('x'):
      return countDigits(bytes, at + 2, 2, 16) === 2 ? numbered(bytes, at, 2, 2, 16, 0) : 0
    case codeOf('n'):
    case codeOf('r'):
    case codeOf('t'):
      return spelling(LF, 2)
    case codeOf('"'):
    case codeOf('/'):
    case BACKSLASH:
      return spelling(next, 2)
    default:
      return countDigits(bytes, at + 1, 3, 8) === 3 ? numbered(bytes, at, 1, 3, 8, 0) : 0
  }
}

const IN_ENTITY = '#alqgn'
const behindAmpersand = oneOf(IN_ENTITY)
const NAMED = [
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
].map(([name = '', sign = '']) => ({ name: Buffer.from(name), point: codeOf(sign) }))

/** With or without a semicolon at its end. */
function readEntity(bytes: Buffer, at: number): number {
  const closes = (end: number): number => (bytes[end] === codeOf(';') ? 1 : 0)
  if (bytes[at + 1] === codeOf('#')) {
    const isLetter = ((bytes[at + 2] ?? 0) | 0x20) === codeOf('x')
    const [lead, most, base] = isLetter ? ([3, 6, 16] as const) : ([2, 7, 10] as const)
    const count = countDigits(bytes, at + lead, most, base)
    return count === 0 ? 0 : numbered(bytes, at, lead, count, base, closes(at + lead + count))
  }
  if (!behindAmpersand(bytes[at + 1])) return 0
  const named = NAMED.find(({ name }) => name.every((byte, place) => bytes[at + 1 + place] === byte))
  if (named === undefined) return 0
  const length = 1 + named.name.length
  return spelling(named.point, length + closes(at + length))
}

/** Two hexadecimal digits of printable ASCII other than space. */
const isSign = (bytes: Buffer, at: number): boolean => {
  const high = bytes[at]
  return high !== undefined && high >= 50 && high <= 55 && isHex(bytes, at + 1)
}

/** RFC 2045, 6.7: digits in upper case, or the end of a line that goes on. */
function readQuoted(bytes: Buffer, at: number): number {
  const [first = 0, second = 0] = [bytes[at + 1], bytes[at + 2]]
  if (first === LF) return spelling(NOTHING, 2)
  if (first === CR) return second === LF ? spelling(NOTHING, 3) : 0
  return first < 0x60 && second < 0x60 ? readPercent(bytes, at) : 0
}

export const ESCAPES: readonly Escape[] = [
  {
    encoding: 'percent',
    mark: PERCENT,
    seconds: '0123456789ABCDEFabcdef',
    telling: (bytes, at) => isHex(bytes, at + 1) && isHex(bytes, at + 2),
    read: readPercent,
    isByte: true,
  },
  {
    encoding: 'escape',
    mark: BACKSLASH,
    seconds: IN_ESCAPE + LINE_END,
    telling: (bytes, at) => behindBackslash(bytes, at + 1),
    read: readBackslash,
    isByte: false,
  },
  {
    encoding: 'html',
    mark: AMPERSAND,
    seconds: IN_ENTITY,
    telling: (bytes, at) => behindAmpersand(bytes[at + 1]),
    read: readEntity,
    isByte: false,
  },
  {
    encoding: 'quoted-printable',
    mark: EQUALS,
    seconds: '234567\r\n',
    telling: (bytes, at) =>
      isSign(bytes, at + 1) || bytes[at + 1] === LF || (bytes[at + 1] === CR && bytes[at + 2] === LF),
    read: readQuoted,
    isByte: true,
  },
]

/** By two bytes, the first one lowest: 0, or one more than the index of the kind of escape that can begin with them. */
export const ESCAPE_KINDS = new Uint8Array(TWO_BYTES)
for (const [kind, { mark, seconds }] of ESCAPES.entries())
  for (const second of Buffer.from(seconds)) ESCAPE_KINDS[(second << 8) | mark] = kind + 1
