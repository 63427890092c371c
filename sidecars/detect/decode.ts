/**
 * Encodings undone: every text that another text may carry, one layer at a time. Whatever was split or spelled
 * differently by one layer of encoding alone is found without decoding (`fingerprint.ts`); this is for layers above it.
 */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/** What was read out of `start` to `end` of the text around it. */
export interface Layer {
  readonly encoding: string
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** It is packed in a way that this program cannot look into. */
export interface Opaque {
  readonly opaque: 'encrypted' | 'damaged' | 'too-large'
  readonly encoding: string
}

export type Reading = Layer | Opaque

/** Shorter runs of base64 or hexadecimal hold nothing that is looked for. */
const RUN_MIN = 24
/** What one packed layer may grow to, bytes. */
export const UNPACKED_MAX = 4 * 1024 * 1024

export function* readings(bytes: Buffer): Generator<Reading> {
  yield* unpacked(bytes)
  yield* runs(bytes)
  if (looksWide(bytes)) yield { encoding: 'utf-16', bytes: narrowed(bytes), start: 0, end: bytes.length }
  if (!looksLikeText(bytes)) return
  for (const [encoding, mark, decode] of ESCAPES) {
    if (bytes.indexOf(mark) === -1) continue
    const decoded = decode(bytes)
    if (decoded.length !== bytes.length) yield { encoding, bytes: decoded, start: 0, end: bytes.length }
  }
}

// ── runs of an alphabet ─────────────────────────────────────────────────────────────────────────

const IN_RUN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte)) ? 1 : 0,
)
const CR = 13
const LF = 10
/** Lines of this length may go on after their end (RFC 2045, 6.8, and PEM). */
const FOLDED_MIN = 60

/** Base64 at each alignment, because what stands before the run may belong to it; hexadecimal at both. */
function* runs(bytes: Buffer): Generator<Layer> {
  const { length } = bytes
  let at = 0
  while (at < length) {
    if (IN_RUN[bytes[at] as number] === 0) {
      at += 1
      continue
    }
    const start = at
    let lineStart = at
    for (; at < length; at++) {
      const byte = bytes[at] as number
      if (IN_RUN[byte] === 1) continue
      if ((byte !== CR && byte !== LF) || at - lineStart < FOLDED_MIN) break
      if (byte === CR && bytes[at + 1] === LF) at += 1
      lineStart = at + 1
    }
    if (at - start >= RUN_MIN) yield* decodedRun(bytes.toString('latin1', start, at), start, at)
  }
}

function* decodedRun(run: string, start: number, end: number): Generator<Layer> {
  const whole = run.replaceAll(/[\r\n]/g, '')
  for (const shift of [0, 1, 2, 3]) {
    yield { encoding: 'base64', bytes: Buffer.from(whole.slice(shift), 'base64'), start, end }
  }
  for (const { 0: hex } of whole.matchAll(/[0-9A-Fa-f]{24,}/g)) {
    for (const shift of [0, 1]) {
      yield { encoding: 'hex', bytes: Buffer.from(hex.slice(shift), 'hex'), start, end }
    }
  }
}

// ── escapes within a text ───────────────────────────────────────────────────────────────────────

const replaced =
  (pattern: RegExp, character: (found: readonly (string | undefined)[]) => string) =>
  (bytes: Buffer): Buffer =>
    Buffer.from(
      bytes.toString('latin1').replace(pattern, (...found: string[]) => character(found)),
      'latin1',
    )

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}
const codePoint = (code: number): string =>
  Number.isFinite(code) && code <= 0x10ffff ? Buffer.from(String.fromCodePoint(code)).toString('latin1') : '?'

const ESCAPES: readonly (readonly [string, string, (bytes: Buffer) => Buffer])[] = [
  [
    'percent',
    '%',
    replaced(/%([0-9A-Fa-f]{2})/g, ([, hex]) => String.fromCharCode(Number.parseInt(hex ?? '', 16))),
  ],
  [
    'escape',
    '\\',
    replaced(
      /\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([0-7]{3})|(["\\/]))/g,
      ([, unit, point, byte, octal, plain]) =>
        plain ??
        codePoint(Number.parseInt(unit ?? point ?? byte ?? octal ?? '', octal === undefined ? 16 : 8)),
    ),
  ],
  [
    'html',
    '&',
    replaced(
      /&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));?/g,
      ([whole, decimal, hex, name]) =>
        name === undefined
          ? codePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
          : (NAMED[name] ?? whole ?? ''),
    ),
  ],
  [
    'quoted-printable',
    '=',
    replaced(/=(?:([0-9A-F]{2})|\r?\n)/g, ([, hex]) =>
      hex === undefined ? '' : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  ],
]

const SAMPLE = 1024

/** Few control bytes: escapes are written in text. */
function looksLikeText(bytes: Buffer): boolean {
  const sample = Math.min(bytes.length, SAMPLE)
  let controls = 0
  for (let at = 0; at < sample; at++) {
    const byte = bytes[at] as number
    if (byte < 32 && byte !== 9 && byte !== LF && byte !== CR) controls += 1
  }
  return controls * 16 <= sample
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

// ── packed ──────────────────────────────────────────────────────────────────────────────────────

interface Packing {
  readonly encoding: string
  readonly magic: Buffer
  readonly unpack: (bytes: Buffer) => Buffer
}

const limits = { maxOutputLength: UNPACKED_MAX }
const PACKINGS: readonly Packing[] = [
  { encoding: 'gzip', magic: Buffer.from([0x1f, 0x8b, 0x08]), unpack: (bytes) => gunzipSync(bytes, limits) },
  {
    encoding: 'zstd',
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    unpack: (bytes) => zstdDecompressSync(bytes, limits),
  },
  ...[0x01, 0x5e, 0x9c, 0xda].map((level) => ({
    encoding: 'zlib',
    magic: Buffer.from([0x78, level]),
    unpack: (bytes: Buffer) => inflateSync(bytes, limits),
  })),
]

/** What begins like a packed text and is none stays a text. */
function* unpacked(bytes: Buffer): Generator<Reading> {
  if (bytes.length >= 30 && bytes.readUInt32LE(0) === ZIP_MEMBER) yield* zipMembers(bytes)
  for (const { encoding, magic, unpack } of PACKINGS) {
    if (!bytes.subarray(0, magic.length).equals(magic)) continue
    const read = reading(encoding, bytes, () => unpack(bytes))
    if ('bytes' in read || read.opaque === 'too-large') yield read
  }
}

/** The body of a message by its Content-Encoding, the last applied first. */
export function decodeContent(encoding: string, bytes: Buffer): Reading {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return reading(encoding, bytes, () => gunzipSync(bytes, limits))
    case 'deflate':
      return reading(encoding, bytes, () =>
        ((bytes[0] ?? 0) & 15) === 8 ? inflateSync(bytes, limits) : inflateRawSync(bytes, limits),
      )
    case 'br':
      return reading(encoding, bytes, () => brotliDecompressSync(bytes, limits))
    case 'zstd':
      return reading(encoding, bytes, () => zstdDecompressSync(bytes, limits))
    default:
      return { opaque: 'damaged', encoding }
  }
}

function reading(encoding: string, bytes: Buffer, unpack: () => Buffer): Reading {
  try {
    return { encoding, bytes: unpack(), start: 0, end: bytes.length }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return { encoding, opaque: code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'damaged' }
  }
}

const ZIP_MEMBER = 0x04034b50
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 1
const SIZE_FOLLOWS = 8

/** Local file headers in order (APPNOTE 6.3.10, 4.3.7). A member whose size follows it ends the walk: it runs to the next header. */
function* zipMembers(bytes: Buffer): Generator<Reading> {
  let at = 0
  while (at + 30 <= bytes.length && bytes.readUInt32LE(at) === ZIP_MEMBER) {
    const flags = bytes.readUInt16LE(at + 6)
    const method = bytes.readUInt16LE(at + 8)
    const begin = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
    const known = (flags & SIZE_FOLLOWS) === 0
    const next = known
      ? begin + bytes.readUInt32LE(at + 18)
      : bytes.indexOf('PK\u0003\u0004', begin, 'latin1')
    const end = next === -1 ? bytes.length : Math.min(next, bytes.length)
    const packed = bytes.subarray(begin, end)
    if ((flags & ENCRYPTED) !== 0) yield { encoding: 'zip', opaque: 'encrypted' }
    else if (method === DEFLATED) yield reading('zip', packed, () => inflateRawSync(packed, limits))
    else if (method !== STORED) yield { encoding: 'zip', opaque: 'damaged' }
    if (end <= at) return
    at = end
  }
}
