/**
 * Encodings undone: every text that another text may carry, one layer at a time. Whatever was split or spelled
 * differently by one layer of encoding alone is found without decoding (`fingerprint.ts`); this is for layers above it.
 */
import { folded } from './folding.ts'
import { packed } from './packed.ts'
import type { Gathered, Layer, Reading } from './reading.ts'
import { IN_RUN, runs } from './runs.ts'

/** `isText`: escapes are read wherever they stand; default: told by how the bytes begin. */
export function* readings(
  bytes: Buffer,
  isText = looksLikeText(bytes, 0, SAMPLE),
): Generator<Reading | Gathered> {
  yield* packed(bytes)
  yield* runs(bytes, holdsEscape)
  if (looksWide(bytes)) yield { encoding: 'utf-16', bytes: narrowed(bytes), start: 0, end: bytes.length }
  yield* folded(bytes)
  for (const escape of ESCAPES) if (bytes.includes(escape.mark)) yield* unescaped(bytes, escape, isText)
}

const CR = 13
const LF = 10

// ── escapes within a text ───────────────────────────────────────────────────────────────────────

interface Escape {
  readonly encoding: string
  /** Its first byte. */
  readonly mark: number
  /** Of the bytes behind the mark: whether this is one that could spell a letter, a digit or a sign of a token. */
  readonly telling: (bytes: Buffer, at: number) => boolean
  readonly pattern: RegExp
  /** Of what the pattern found and its groups. */
  readonly character: (found: string, ...groups: readonly (string | undefined)[]) => string
}

/** Bytes around an escape that are read with it: longer than any shape or ordinary known form. */
const AROUND = 1536

/** Only the parts of a text that hold an escape: the others are read as they are. */
function* unescaped(
  bytes: Buffer,
  { encoding, mark, telling: tells, pattern, character }: Escape,
  isText: boolean,
): Generator<Layer> {
  // Chance makes escapes in bytes that are no text; what stands around one tells.
  const telling = (of: Buffer, at: number): boolean =>
    tells(of, at) && (isText || looksLikeText(of, at, at + NEAR))
  let at = nextMark(bytes, mark, 0)
  while (at !== -1) {
    while (at !== -1 && !telling(bytes, at)) at = nextMark(bytes, mark, at + 1)
    if (at === -1) return
    const start = Math.max(0, at - AROUND)
    let last = at
    for (;;) {
      at = nextMark(bytes, mark, at + 1)
      if (at === -1 || at - last > 2 * AROUND) break
      if (telling(bytes, at)) last = at
    }
    const end = Math.min(bytes.length, last + AROUND)
    const text = bytes.toString('latin1', start, end)
    // Where chance makes escapes, what is packed is whole only without them.
    const goesOn = end < bytes.length || !isText
    const decoded = text.replace(pattern, character)
    // What only looked like escapes is a text that is looked through already.
    if (decoded === text) continue
    yield { encoding, bytes: Buffer.from(decoded, 'latin1'), start, end, goesOn }
    // A form writes a space so; a space between letters of a known secret makes no difference.
    if (encoding === 'percent' && text.includes('+')) {
      const spaced = text.replaceAll('+', ' ').replace(pattern, character)
      yield { encoding: 'form', bytes: Buffer.from(spaced, 'latin1'), start, end, goesOn }
    }
  }
}

const holdsEscape = (bytes: Buffer): boolean => {
  const isText = looksLikeText(bytes, 0, SAMPLE)
  return ESCAPES.some((escape) => unescaped(bytes, escape, isText).next().done !== true)
}

/** Signs stand together, or far apart: the first bytes are looked at here, the others by a call that costs as much as they do. */
function nextMark(bytes: Buffer, mark: number, from: number): number {
  const near = Math.min(bytes.length, from + NEAR)
  for (let at = from; at < near; at++) if (bytes[at] === mark) return at
  return bytes.indexOf(mark, near)
}

const isHex = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102))
/** Two hexadecimal digits of printable ASCII other than space. */
const isSign = (bytes: Buffer, at: number): boolean => {
  const high = bytes[at]
  return high !== undefined && high >= 50 && high <= 55 && isHex(bytes[at + 1])
}
const oneOf = (set: string) => {
  const bytes = new Set(Buffer.from(set))
  return (byte: number | undefined): boolean => byte !== undefined && bytes.has(byte)
}
const inEscape = oneOf('ux/0123')
const lineEnd = oneOf('nrt')
const BACKSLASH = 0x5c
/** Also one letter between two escaped line ends. */
const behindBackslash = (bytes: Buffer, at: number): boolean =>
  inEscape(bytes[at]) ||
  (lineEnd(bytes[at]) &&
    bytes[at + 2] === BACKSLASH &&
    lineEnd(bytes[at + 3]) &&
    IN_RUN[bytes[at + 1] ?? 0] === 1)
const behindAmpersand = oneOf('#alqgn')

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}
/** As UTF-8, one character a byte. */
function codePoint(code: number): string {
  if (code < 0x80) return String.fromCharCode(code)
  return code <= 0x10ffff ? Buffer.from(String.fromCodePoint(code)).toString('latin1') : '?'
}

const ESCAPES: readonly Escape[] = [
  {
    encoding: 'percent',
    mark: 37,
    telling: (bytes, at) => isHex(bytes[at + 1]) && isHex(bytes[at + 2]),
    pattern: /%([0-9A-Fa-f]{2})/g,
    character: (_found, hex) => String.fromCharCode(Number.parseInt(hex ?? '', 16)),
  },
  {
    encoding: 'escape',
    mark: BACKSLASH,
    telling: (bytes, at) => behindBackslash(bytes, at + 1),
    pattern: /\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([0-7]{3})|(["\\/])|[nrt])/g,
    character: (_found, unit, point, byte, octal, plain) =>
      !(plain ?? unit ?? point ?? byte ?? octal)
        ? '\n'
        : (plain ??
          codePoint(Number.parseInt(unit ?? point ?? byte ?? octal ?? '', octal === undefined ? 16 : 8))),
  },
  {
    encoding: 'html',
    mark: 38,
    telling: (bytes, at) => behindAmpersand(bytes[at + 1]),
    pattern: /&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));?/g,
    character: (_found, decimal, hex, name) =>
      name === undefined
        ? codePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
        : (NAMED[name] ?? ''),
  },
  {
    encoding: 'quoted-printable',
    mark: 61,
    telling: (bytes, at) =>
      isSign(bytes, at + 1) || bytes[at + 1] === LF || (bytes[at + 1] === CR && bytes[at + 2] === LF),
    pattern: /=(?:([0-9A-F]{2})|\r?\n)/g,
    character: (_found, hex) => (hex === undefined ? '' : String.fromCharCode(Number.parseInt(hex, 16))),
  },
]

const SAMPLE = 1024
const NEAR = 24

/** Few control bytes: escapes are written in text. */
function looksLikeText(bytes: Buffer, from: number, to: number): boolean {
  const end = Math.min(bytes.length, to)
  let controls = 0
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number
    if (byte < 32 && byte !== 9 && byte !== LF && byte !== CR) controls += 1
  }
  return controls * 16 <= end - from
}

/** Every second byte of at least sixteen in a row is 0, as letters are in UTF-16. */
function looksWide(bytes: Buffer): boolean {
  let at = bytes.indexOf(0)
  while (at !== -1 && at + 16 < bytes.length) {
    let pairs = 0
    while (bytes[at + 2 * pairs] === 0 && bytes[at + 2 * pairs + 1] !== 0) pairs += 1
    if (pairs >= 8) return true
    at = bytes.indexOf(0, at + 2 * pairs + 1)
  }
  return false
}

const narrowed = (bytes: Buffer): Buffer => bytes.filter((byte) => byte !== 0) as Buffer
