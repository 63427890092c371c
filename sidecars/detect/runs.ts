/**
 * Runs of the alphabets of base64 and hexadecimal, decoded. Ordinary text is full of short ones that carry nothing (names,
 * paths, identifiers), so these are gathered: decoded side by side, weighed, and looked through together.
 */
import { WINDOW } from './fingerprint.ts'
import { beginsPacked, packed } from './packed.ts'
import type { Gathered, Layer } from './reading.ts'

/** Shorter runs of base64 or hexadecimal hold nothing that is looked for. */
const RUN_MIN = 22
/** Longer runs are decoded one by one. */
const SHORT = 256

const bytesOf = (holds: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0))
const matching = (pattern: RegExp): Uint8Array => bytesOf((byte) => pattern.test(String.fromCharCode(byte)))

export const IN_RUN = matching(/[A-Za-z0-9+/_-]/)
const IN_HEX = matching(/[0-9A-Fa-f]/)
const HEX_MIN = 24
/** Lines of this length may go on after their end (RFC 2045, 6.8, and PEM). */
const FOLDED_MIN = 60
/** The end of a line, also as JSON writes it. */
const FOLD = /^(?:\r\n?|\n|\\r\\n|\\[nr])/

/** `+`, `/`, `=` or the end of a line, as a form, JSON or HTML writes it within base64. */
const ESCAPED_SIGN = /^(?:%(?:2[bf]|3d|0[ad])|\\\/|\\u00(?:2[bf]|3d)|&#(?:x2[bf]|x3d|4[37]|61))/i

/** Base64 at each alignment, because what stands before the run may belong to it; hexadecimal at both. */
export function* runs(bytes: Buffer, isEscaped: IsEscaped): Generator<Layer | Gathered> {
  const { length } = bytes
  let gathering: Gathering | undefined
  let from = 0
  // A run of `RUN_MIN` that begins at or after `from` covers this place, or begins after it.
  for (let at = RUN_MIN - 1; at < length; at = from + RUN_MIN - 1) {
    let start = at
    while (start >= from && IN_RUN[bytes[start] as number] === 1) start -= 1
    if (start >= from) {
      from = start + 1
      continue
    }
    const end = endOfRun(bytes, from)
    if (isShort(bytes, from, end)) {
      gathering ??= new Gathering(bytes, isEscaped)
      if (!gathering.hasRoom) {
        yield* gathering.readings()
        gathering = new Gathering(bytes, isEscaped)
      }
      gathering.add(from, end)
    } else yield* decodedRun(bytes, from, end)
    from = end
  }
  if (gathering) yield* gathering.readings()
}

/** A run goes on after the end of a long line. */
function endOfRun(bytes: Buffer, start: number): number {
  let lineStart = start
  let at = start
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (IN_RUN[byte] === 1) continue
    if (at - lineStart < FOLDED_MIN) break
    const [fold] = FOLD.exec(bytes.toString('latin1', at, at + 4)) ?? []
    if (fold === undefined || bytes.toString('latin1', at + fold.length, at + fold.length + 2) === '--') break
    at += fold.length - 1
    lineStart = at + 1
  }
  return at
}

function isShort(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > SHORT) return false
  if (end - start < FOLDED_MIN) return true
  for (let at = start; at < end; at++) if (IN_RUN[bytes[at] as number] === 0) return false
  return true
}

const SHIFTS = 4

const isEscapedSign = (bytes: Buffer, at: number): boolean =>
  ESCAPED_SIGN.test(bytes.toString('latin1', at, at + 6))

function* decodedRun(bytes: Buffer, start: number, end: number): Generator<Layer> {
  const whole = bytes.toString('latin1', start, end).replaceAll(/[\r\n]|\\[nr]/g, '')
  const goesOn = isEscapedSign(bytes, end)
  for (let shift = 0; shift < SHIFTS; shift++) {
    yield { encoding: 'base64', bytes: Buffer.from(whole.slice(shift), 'base64'), start, end, goesOn }
  }
  for (const { 0: hex } of whole.matchAll(/[0-9A-Fa-f]{24,}/g)) {
    for (const shift of [0, 1]) {
      yield { encoding: 'hex', bytes: Buffer.from(hex.slice(shift), 'hex'), start, end }
    }
  }
}

// ── short runs ──────────────────────────────────────────────────────────────────────────────────

/** Bytes of texts and of letters that are gathered before they are looked through. */
const PAGE = 32 * 1024
/** What one short run can add to either. */
const RUN_MOST = 2048
/**
 * Stands between gathered texts, so that what is found in one is found in all of them: no shape goes on over the end of a
 * line where it could end, no run and no escape goes on over two, and what tells text by its surroundings sees no more.
 */
export const BETWEEN = Buffer.alloc(24, '\n')

/** Whether a text that stands alone has an escape in it. */
type IsEscaped = (bytes: Buffer) => boolean

class Gathering {
  readonly #bytes: Buffer
  readonly #isEscaped: IsEscaped
  readonly #texts: Buffer
  readonly #letters: Buffer
  readonly #places: number[] = []
  readonly #alone: Layer[] = []
  #textsEnd = 0
  #lettersEnd = 0

  constructor(bytes: Buffer, isEscaped: IsEscaped) {
    this.#bytes = bytes
    this.#isEscaped = isEscaped
    const size = Math.min(PAGE, 4 * bytes.length) + RUN_MOST
    this.#texts = Buffer.allocUnsafe(size)
    this.#letters = Buffer.allocUnsafe(size)
  }

  get hasRoom(): boolean {
    return Math.max(this.#textsEnd, this.#lettersEnd) + RUN_MOST <= this.#texts.length
  }

  add(start: number, end: number): void {
    const [bytes, texts] = [this.#bytes, this.#texts]
    this.#places.push(start, end)
    for (let shift = 0; shift < SHIFTS; shift++)
      if (mayWeigh(bytes, start + shift, end))
        this.#weigh('base64', decodeBase64(bytes, start + shift, end, texts, this.#textsEnd), start, end)
    for (let from = start; end - from >= HEX_MIN; from++) {
      // Of so many digits one stands here, or none begins before.
      if (IN_HEX[bytes[from + HEX_MIN - 1] as number] === 0) {
        from += HEX_MIN - 1
        continue
      }
      const to = endOfHex(bytes, from, end)
      if (to - from >= HEX_MIN)
        for (let shift = 0; shift < 2; shift++)
          this.#weigh('hex', decodeHex(bytes, from + shift, to, texts, this.#textsEnd), start, end)
      from = to
    }
  }

  *readings(): Generator<Layer | Gathered> {
    const [bytes, places] = [this.#bytes, this.#places]
    yield* this.#alone
    yield {
      texts: this.#texts.subarray(0, this.#textsEnd),
      letters: this.#letters.subarray(0, this.#lettersEnd),
      *each() {
        for (let at = 0; at < places.length; at += 2)
          yield* decodedRun(bytes, places[at] as number, places[at + 1] as number)
      },
    }
  }

  /** What has been written behind the texts, up to `written`, is kept where it can hold anything. */
  #weigh(encoding: string, written: number, start: number, end: number): void {
    const texts = this.#texts
    const begin = this.#textsEnd
    let weight = weightOf(texts, begin, written, PACKED_PAIR | ESCAPE)
    // Two bytes look like the beginning of either by chance, mostly.
    if (weight === ALONE && !this.#standsAlone(texts.subarray(begin, written)))
      weight = weightOf(texts, begin, written, 0)
    switch (weight) {
      case TEXT:
        this.#textsEnd = written + BETWEEN.copy(texts, written)
        break
      case LETTERS:
        texts.copy(this.#letters, this.#lettersEnd, begin, written)
        this.#lettersEnd += written - begin
        break
      case ALONE: {
        const goesOn = encoding === 'base64' && isEscapedSign(this.#bytes, end)
        this.#alone.push({ encoding, bytes: Buffer.from(texts.subarray(begin, written)), start, end, goesOn })
      }
    }
  }

  #standsAlone(part: Buffer): boolean {
    return packed(part).next().done !== true || this.#isEscaped(part)
  }
}

const SEXTETS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(
    String.fromCharCode(byte),
  )
  return byte === 0x2d ? 62 : byte === 0x5f ? 63 : Math.max(0, at)
})
const NIBBLES = Uint8Array.from({ length: 256 }, (_, byte) =>
  Math.max(0, '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase())),
)

/** Three bytes, the first one highest. */
const fourAt = (from: Buffer, place: number): number =>
  ((SEXTETS[from[place] as number] as number) << 18) |
  ((SEXTETS[from[place + 1] ?? 0] as number) << 12) |
  ((SEXTETS[from[place + 2] ?? 0] as number) << 6) |
  (SEXTETS[from[place + 3] ?? 0] as number)

/** The end of what was written; the rest of a group is read as far as it goes. */
function decodeBase64(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  const last = at + Math.max(0, ((end - start) * 3) >> 2)
  for (let place = start; place < end; place += 4) {
    const four = fourAt(from, place)
    to[at] = four >> 16
    to[at + 1] = four >> 8
    to[at + 2] = four
    at += 3
  }
  return last
}

function decodeHex(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  for (let place = start; place + 1 < end; place += 2)
    to[at++] =
      ((NIBBLES[from[place] as number] as number) << 4) | (NIBBLES[from[place + 1] as number] as number)
  return at
}

function endOfHex(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && IN_HEX[bytes[at] as number] === 1) at++
  return at
}

// ── what a few decoded bytes can hold ───────────────────────────────────────────────────────────

const NOTHING = 0
/** Enough letters and digits, however scattered, for a known secret. */
const LETTERS = 1
/** Enough text in a row for a shape or another layer, or what stands before a password in a URL. */
const TEXT = 2
/** Packed content may begin in it, which has an end only where it stands alone; or an escape, among letters enough. */
const ALONE = 3

/** Bytes in a row that could be text in UTF-8: no shape is shorter, and look-alikes stand in as many. */
export const TEXT_MIN = 12

/** By two bytes in a row. */
const BROKEN = 1
const ESCAPE = 2
const URL = 4
const PACKED_PAIR = 8
/** The second byte is one of a known secret. */
const LETTER_BIT = 4
/** What a byte is in UTF-8. */
const [ASCII, REST, LEAD, NEVER] = [0, 1, 2, 3]
const UTF8 = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 ? ASCII : byte < 0xc0 ? REST : byte < 0xc2 || byte > 0xf4 ? NEVER : LEAD,
)
/** Escapes of `decode.ts`, also of two bytes each. */
const ESCAPES = [
  ['%', '0123456789abcdefABCDEF\0'],
  ['\\', 'ux/0123nrt\0'],
  ['&', '#alqgn\0'],
  ['=', '234567\r\n\0'],
  ['\0', '%\\&='],
] as const
const ALNUM = matching(/[A-Za-z0-9]/)
const PAIRS = pairs()

const NEWLINE = 10

/** `alone`: the flags for which it may have to stand alone. */
function weightOf(bytes: Buffer, begin: number, end: number, alone: number): number {
  let previous = NEWLINE
  let flags = 0
  let row = 0
  let reached = 0
  let letters = 0
  for (let at = begin; at < end; at++) {
    const byte = bytes[at] as number
    const pair = PAIRS[(previous << 8) | byte] as number
    flags |= pair
    row = (row & ((pair & BROKEN) - 1)) + 1
    reached |= TEXT_MIN - 1 - row
    letters += pair >> LETTER_BIT
    previous = byte
  }
  if (flags & alone & PACKED_PAIR || (flags & alone & ESCAPE && letters >= WINDOW)) return ALONE
  if (flags & URL || reached < 0) return TEXT
  return letters >= WINDOW ? LETTERS : NOTHING
}

/**
 * Of base64, before it is decoded: whether it could weigh anything, by what `weightOf` goes by; few runs of ordinary
 * text do. The rest of a group counts as well. Without branches, for by chance nothing can be foretold.
 */
function mayWeigh(bytes: Buffer, start: number, end: number): boolean {
  let previous = NEWLINE
  let flags = 0
  let row = 0
  let reached = 0
  let letters = 0
  for (let place = start; place < end; place += 4) {
    const four = fourAt(bytes, place)
    for (let bits = 16; bits >= 0; bits -= 8) {
      const byte = (four >> bits) & 255
      const pair = PAIRS[(previous << 8) | byte] as number
      flags |= pair
      row = (row & ((pair & BROKEN) - 1)) + 1
      reached |= TEXT_MIN - 1 - row
      letters += pair >> LETTER_BIT
      previous = byte
    }
  }
  return (flags & (PACKED_PAIR | URL)) !== 0 || reached < 0 || letters >= WINDOW
}

function pairs(): Uint8Array {
  const table = new Uint8Array(1 << 16)
  for (let pair = 0; pair < table.length; pair++) {
    const one = UTF8[pair >> 8] as number
    const two = UTF8[pair & 255] as number
    const fits = two === REST ? one === LEAD || one === REST : one !== LEAD
    table[pair] =
      (fits && one !== NEVER && two !== NEVER ? 0 : BROKEN) |
      (beginsPacked(pair) ? PACKED_PAIR : 0) |
      ((ALNUM[pair & 255] as number) << LETTER_BIT)
  }
  const mark = (first: string, second: string, flag: number): void => {
    const pair = (first.charCodeAt(0) << 8) | second.charCodeAt(0)
    table[pair] = (table[pair] as number) | flag
  }
  for (const [first, seconds] of ESCAPES) for (const second of seconds) mark(first, second, ESCAPE)
  mark(':', '/', URL)
  return table
}
