/**
 * Runs of the alphabets of base64 and hexadecimal, decoded. Ordinary text is full of short ones that carry nothing (names,
 * paths, identifiers), so these are gathered: decoded side by side, weighed, and looked through together.
 */
import { decodeBase64, decodeHex } from './bases.ts'
import { packed } from './packed.ts'
import type { Gathered, Layer } from './reading.ts'
import { byPair, matching, TWO_BYTES, viewOf } from './view.ts'
import { ALONE, ESCAPE, LETTERS, mayWeigh, PACKED_PAIR, TEXT, weightOf } from './weight.ts'

/** Shorter runs of base64 or hexadecimal hold nothing that is looked for. */
const RUN_MIN = 22
/** Longer runs are decoded one by one. */
const SHORT = 256

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
  let gathering: Gathering | undefined
  let end = 0
  const view = viewOf(bytes)
  for (let from = nextRun(bytes, view, 0); from !== -1; from = nextRun(bytes, view, end)) {
    end = endOfRun(bytes, from)
    if (isShort(bytes, from, end)) {
      gathering ??= new Gathering(bytes, isEscaped)
      if (!gathering.hasRoom) {
        yield* gathering.readings()
        gathering = new Gathering(bytes, isEscaped)
      }
      gathering.add(from, end)
    } else yield* decodedRun(bytes, from, end)
  }
  if (gathering) yield* gathering.readings()
}

const RUN_PAIRS = byPair(
  new Uint8Array(TWO_BYTES),
  (first, second) => (IN_RUN[first] ?? 0) & (IN_RUN[second] ?? 0),
)
/** Bytes that are looked at first: a run that begins less than so many before their end has them all. */
const PROBE = 8

/** Where the first run of at least `RUN_MIN` begins, at or after `from`; -1: there is none. */
function nextRun(bytes: Buffer, view: DataView, from: number): number {
  const last = bytes.length - RUN_MIN
  for (let at = from; at <= last;) {
    const probe = at + RUN_MIN - PROBE
    const one = view.getInt32(probe, true)
    const two = view.getInt32(probe + 4, true)
    const isRun =
      (RUN_PAIRS[one & 0xffff] as number) &
      (RUN_PAIRS[one >>> 16] as number) &
      (RUN_PAIRS[two & 0xffff] as number) &
      (RUN_PAIRS[two >>> 16] as number)
    if (isRun === 0) {
      at = probe + 1
      continue
    }
    let start = probe
    while (start > at && IN_RUN[bytes[start - 1] as number] === 1) start -= 1
    let end = probe + PROBE
    while (end - start < RUN_MIN && end < bytes.length && IN_RUN[bytes[end] as number] === 1) end += 1
    if (end - start >= RUN_MIN) return start
    at = end + 1
  }
  return -1
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

/** Of gatherings that are over: one for each layer at most, since texts within texts are looked through first. */
const spare: (readonly [Buffer, Buffer])[] = []
const page = (): Buffer => Buffer.allocUnsafeSlow(PAGE + RUN_MOST)

class Gathering {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #isEscaped: IsEscaped
  readonly #pages = spare.pop() ?? ([page(), page()] as const)
  readonly #texts = this.#pages[0]
  readonly #letters = this.#pages[1]
  readonly #places: number[] = []
  readonly #alone: Layer[] = []
  #textsEnd = 0
  #lettersEnd = 0

  constructor(bytes: Buffer, isEscaped: IsEscaped) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#isEscaped = isEscaped
  }

  get hasRoom(): boolean {
    return Math.max(this.#textsEnd, this.#lettersEnd) + RUN_MOST <= this.#texts.length
  }

  add(start: number, end: number): void {
    const bytes = this.#bytes
    const view = this.#view
    const texts = this.#texts
    this.#places.push(start, end)
    for (let shift = 0; shift < SHIFTS; shift++)
      if (mayWeigh(view, start + shift, end))
        this.#weigh('base64', decodeBase64(view, start + shift, end, texts, this.#textsEnd), start, end)
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

  /** The last that is asked of it: what is read is good until the next is asked for. */
  *readings(): Generator<Layer | Gathered> {
    const bytes = this.#bytes
    const places = this.#places
    yield* this.#alone
    yield {
      texts: this.#texts.subarray(0, this.#textsEnd),
      letters: this.#letters.subarray(0, this.#lettersEnd),
      *each() {
        for (let at = 0; at < places.length; at += 2)
          yield* decodedRun(bytes, places[at] as number, places[at + 1] as number)
      },
    }
    spare.push(this.#pages)
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

function endOfHex(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && IN_HEX[bytes[at] as number] === 1) at++
  return at
}
