/**
 * Encodings undone: every text that another text may carry, one layer at a time. Whatever was split or spelled
 * differently by one layer of encoding alone is found without decoding (`fingerprint.ts`); this is for layers above it.
 */
import { ESCAPES, undone } from './escapes.ts'
import type { Escape } from './escapes.ts'
import { folded } from './folding.ts'
import { packed } from './packed.ts'
import type { Gathered, Layer, Reading } from './reading.ts'
import { runs } from './runs.ts'

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
const SPACE = 32
const PLUS = 43

// ── escapes within a text ───────────────────────────────────────────────────────────────────────

/** Bytes around an escape that are read with it: longer than any shape or ordinary known form. */
const AROUND = 1536

/** Only the parts of a text that hold an escape: the others are read as they are. */
function* unescaped(bytes: Buffer, escape: Escape, isText: boolean): Generator<Layer> {
  const { encoding, mark, telling: tells } = escape
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
    const text = bytes.subarray(start, end)
    // Where chance makes escapes, what is packed is whole only without them.
    const goesOn = end < bytes.length || !isText
    const decoded = undone(text, escape)
    // What only looked like escapes is a text that is looked through already.
    if (decoded.length === text.length) continue
    yield { encoding, bytes: decoded, start, end, goesOn }
    // A form writes a space so; a space between letters of a known secret makes no difference.
    if (encoding === 'percent' && text.includes(PLUS)) {
      const spaced = Buffer.from(text.map((byte) => (byte === PLUS ? SPACE : byte)))
      yield { encoding: 'form', bytes: undone(spaced, escape), start, end, goesOn }
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
