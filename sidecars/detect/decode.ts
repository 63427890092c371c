/**
 * Encodings undone: every text that another text may carry, one layer at a time. Whatever was split or spelled
 * differently by one layer of encoding alone is found without decoding (`fingerprint.ts`); this is for layers above it.
 */
import { ESCAPE_KINDS, ESCAPES, undone } from './escapes.ts'
import type { Escape } from './escapes.ts'
import { folded } from './folding.ts'
import { marksOf } from './marking.ts'
import { ESCAPED } from './marks.ts'
import type { Marks } from './marks.ts'
import { packed } from './packed.ts'
import type { Gathered, Layer, Reading } from './reading.ts'
import { runs } from './runs.ts'
import { viewOf } from './view.ts'

/**
 * `isText`: escapes are read wherever they stand; default: told by how the bytes begin. `texts`: as of `Layer`, where
 * nobody asks at which place.
 */
export function* readings(
  bytes: Buffer,
  isText = looksLikeText(bytes, 0, SAMPLE),
  texts = bytes,
): Generator<Reading | Gathered> {
  const marks = marksOf(bytes)
  yield* packed(bytes, marks)
  yield* runs(texts, standsAlone)
  if (looksWide(texts)) yield { encoding: 'utf-16', bytes: narrowed(texts), start: 0, end: texts.length }
  yield* folded(texts, texts === bytes ? marks : marksOf(texts))
  yield* unescaped(bytes, marks, isText)
}

const CR = 13
const LF = 10
const SPACE = 32
const PLUS = 43

// ── escapes within a text ───────────────────────────────────────────────────────────────────────

/** Bytes around an escape that are read with it: longer than any shape or ordinary known form. */
const AROUND = 1536

/** Only the parts of a text that hold an escape: the others are read as they are. */
function* unescaped(bytes: Buffer, marks: Marks, isText: boolean): Generator<Layer> {
  for (const [kind, spans] of spansOf(bytes, marks, isText).entries()) {
    const escape = ESCAPES[kind]
    if (escape === undefined) continue
    for (const { first, last } of spans) yield* undoneSpan(bytes, escape, first, last, isText)
  }
}

function* undoneSpan(
  bytes: Buffer,
  escape: Escape,
  first: number,
  last: number,
  isText: boolean,
): Generator<Layer> {
  const { encoding } = escape
  const start = Math.max(0, first - AROUND)
  const end = Math.min(bytes.length, last + AROUND)
  const text = bytes.subarray(start, end)
  // Where chance makes escapes, what is packed is whole only without them.
  const goesOn = end < bytes.length || !isText
  const decoded = undone(text, escape)
  // What only looked like escapes is a text that is looked through already.
  if (decoded.length === text.length) return
  yield { encoding, bytes: decoded, start, end, goesOn }
  // A form writes a space so; a space between letters of a known secret makes no difference.
  if (encoding === 'percent' && text.includes(PLUS)) {
    const spaced = Buffer.from(text.map((byte) => (byte === PLUS ? SPACE : byte)))
    yield { encoding: 'form', bytes: undone(spaced, escape), start, end, goesOn }
  }
}

/** From the first escape to the last one, none of which is further than twice `AROUND` from the next. */
interface Span {
  readonly first: number
  last: number
}

/** Where escapes stand, by the index of their kind; one pass for all of them. */
function spansOf(bytes: Buffer, marks: Marks, isText: boolean): readonly (readonly Span[])[] {
  const spans = ESCAPES.map((): Span[] => [])
  const note = (kind: number, at: number): void => {
    // Chance makes escapes in bytes that are no text; what stands around one tells.
    if (!isText && !looksLikeText(bytes, at, at + NEAR)) return
    const found = spans[kind]
    const latest = found?.at(-1)
    if (latest !== undefined && at - latest.last <= 2 * AROUND) latest.last = at
    else found?.push({ first: at, last: at })
  }
  const view = viewOf(bytes)
  const last = bytes.length - 1
  for (let at = marks.next(ESCAPED, 0); at < last; at = marks.next(ESCAPED, at))
    for (const end = Math.min(marks.endOf(at), last); at < end; at++) {
      const kind = ESCAPE_KINDS[view.getUint16(at, true)] as number
      if (kind !== 0 && ESCAPES[kind - 1]?.telling(bytes, at) === true) note(kind - 1, at)
    }
  return spans
}

const standsAlone = (bytes: Buffer): boolean => {
  const marks = marksOf(bytes)
  if (packed(bytes, marks).next().done !== true) return true
  return unescaped(bytes, marks, looksLikeText(bytes, 0, SAMPLE)).next().done !== true
}

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
  const first = bytes.indexOf(0)
  if (first === -1) return false
  let row = 0
  for (let at = first; at < bytes.length; at++) {
    const isOdd = (row & 1) === 1
    if (bytes[at] === 0) row = isOdd ? 1 : row + 1
    else row = isOdd ? row + 1 : 0
    if (row === 16) return true
  }
  return false
}

const narrowed = (bytes: Buffer): Buffer => bytes.filter((byte) => byte !== 0) as Buffer
