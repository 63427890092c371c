/**
 * Packed content at any place of bytes: gzip, zlib, zstd, members of zip archives. What begins like one and is none stays
 * what it is; what was read before a fault is looked at; what cannot be read on is said. Attempts that come to nothing
 * have a bound of their own, so that bytes full of beginnings cost no more than their length allows.
 */
import { zstdDecompressSync } from 'node:zlib'
import { UNPACKED_MAX } from './content.ts'
import { inflate } from './inflate.ts'
import type { Inflated } from './inflate.ts'
import type { Opaque, Reading } from './reading.ts'
import { PACKED } from './marks.ts'
import type { Marks } from './marks.ts'
import { byPair, TWO_BYTES, viewOf } from './view.ts'

/** Shorter outputs hold nothing that is looked for. */
const LEAST = 10
/** Bytes that read without a fault: by chance nothing gets so far. */
const TRUSTED = 64
/** Bytes of attempts that came to nothing, for each byte given. */
const FAILED_FACTOR = 2
const FAILED_MIN = 256 * 1024
/** What an attempt costs at least, in bytes; one with zstd is a call of a library. */
const ATTEMPT = 64
const ZSTD_ATTEMPT = 4096

type Kind = 'gzip' | 'zlib' | 'zstd' | 'zip'
const KINDS: readonly (Kind | undefined)[] = [undefined, 'gzip', 'zlib', 'zstd', 'zip']

/** By the first two bytes: 0, or the index of a kind. */
const BEGINNINGS: Uint8Array = beginnings()

/** By two bytes, the first one lowest: whether packed content begins with them. */
export const BEGINNING = byPair(new Uint8Array(TWO_BYTES), (first, second) =>
  beginsPacked((first << 8) | second) ? 1 : 0,
)

export function* packed(bytes: Buffer, marks: Marks): Generator<Reading> {
  let left = Math.max(FAILED_MIN, bytes.length * FAILED_FACTOR)
  const view = viewOf(bytes)
  for (let at = nextBeginning(view, marks, 0); at !== -1; at = nextBeginning(view, marks, at + 1)) {
    const kind = KINDS[BEGINNINGS[bytes.readUInt16BE(at)] as number]
    const attempt = kind && ATTEMPTS[kind](bytes, at)
    if (kind === undefined || attempt === undefined) continue
    yield* attempt.readings
    left -= attempt.cost
    if (left < 0) return yield { encoding: kind, opaque: 'nested', start: at, end: bytes.length }
  }
}

/** Whether packed content can begin with these two bytes, the first one highest. */
export function beginsPacked(pair: number): boolean {
  return BEGINNINGS[pair] !== 0
}

/** The first place from `from` on where two bytes are such as packed content begins with; -1: none. */
function nextBeginning(view: DataView, marks: Marks, from: number): number {
  const last = view.byteLength - 1
  for (let at = marks.next(PACKED, from); at < last; at = marks.next(PACKED, at))
    for (const end = Math.min(marks.endOf(at), last); at < end; at++)
      if (BEGINNING[view.getUint16(at, true)] !== 0) return at
  return -1
}

interface Attempt {
  readonly readings: readonly Reading[]
  readonly cost: number
}

/** Undefined: no bytes were read. */
const ATTEMPTS: Readonly<Record<Kind, (bytes: Buffer, at: number) => Attempt | undefined>> = {
  gzip: (bytes, at) => {
    if (!isGzip(bytes, at)) return undefined
    const from = gzipContent(bytes, at)
    const { readings, cost } = inflated('gzip', bytes, at, from, true)
    return { readings, cost: cost + from - at }
  },
  // Two bytes alone: at the beginning they are meant so.
  zlib: (bytes, at) =>
    isPixels(bytes, at) ? pixels(bytes, at) : inflated('zlib', bytes, at, at + 2, at === 0),
  zstd: (bytes, at) => (begins(bytes, at, ZSTD) ? unzstd(bytes, at) : undefined),
  zip: (bytes, at) => zipMember(bytes, at),
}

/** `strict`: what cannot be read on is said. */
function inflated(encoding: string, bytes: Buffer, start: number, from: number, strict: boolean): Attempt {
  const { bytes: text, end } = inflate(bytes, from, UNPACKED_MAX)
  const readings: Reading[] = []
  const isTrusted = end === 'done' || text.length >= TRUSTED
  if (isTrusted && text.length >= LEAST)
    readings.push({ encoding, bytes: text, start, end: bytes.length, packed: true })
  const why = opaque(end, text.length)
  if (why !== undefined && (strict || why === 'too-large'))
    readings.push({ encoding, opaque: why, start, end: bytes.length })
  return { readings, cost: isTrusted ? 0 : ATTEMPT + text.length }
}

function opaque(end: Inflated['end'], length: number): Opaque['opaque'] | undefined {
  if (end === 'too-large') return end
  return end === 'cut' && length >= TRUSTED ? end : undefined
}

// ── gzip ────────────────────────────────────────────────────────────────────────────────────────

const HEADER_CHECKSUM = 2
const EXTRA = 4
const NAME = 8
const COMMENT = 16
const RESERVED = 0xe0

const isGzip = (bytes: Buffer, at: number): boolean =>
  bytes[at + 2] === 8 && ((bytes[at + 3] ?? RESERVED) & RESERVED) === 0

/** Where the content begins (RFC 1952, 2.3). */
function gzipContent(bytes: Buffer, start: number): number {
  const flags = bytes[start + 3] ?? 0
  let at = start + 10
  if ((flags & EXTRA) !== 0) at += 2 + (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 256
  for (const text of [NAME, COMMENT]) {
    if ((flags & text) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end === -1) return bytes.length
    at = end + 1
  }
  return (flags & HEADER_CHECKSUM) === 0 ? at : at + 2
}

// ── zstd ────────────────────────────────────────────────────────────────────────────────────────

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

function unzstd(bytes: Buffer, start: number): Attempt {
  const encoding = 'zstd'
  try {
    const text = zstdDecompressSync(bytes.subarray(start), { maxOutputLength: UNPACKED_MAX })
    return { readings: [{ encoding, bytes: text, start, end: bytes.length, packed: true }], cost: 0 }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    const why = code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : code === 'Z_BUF_ERROR' ? 'cut' : undefined
    return {
      readings: why === undefined ? [] : [{ encoding, opaque: why, start, end: bytes.length }],
      cost: ZSTD_ATTEMPT,
    }
  }
}

// ── zip ─────────────────────────────────────────────────────────────────────────────────────────

const ZIP_MEMBER = Buffer.from('PK\u0003\u0004')
const STORED = 0
const DEFLATED = 8
/** Methods of APPNOTE 6.3.10, 4.4.5 that are written; 99: encrypted. */
const METHODS: ReadonlySet<number> = new Set([STORED, DEFLATED, 1, 6, 9, 12, 14, 93, 95, 98, 99])
const ENCRYPTED = 1

/** One local file header and what it holds. What is stored stands there to be read. */
function zipMember(bytes: Buffer, start: number): Attempt | undefined {
  if (!begins(bytes, start, ZIP_MEMBER) || start + 30 > bytes.length) return undefined
  const flags = bytes.readUInt16LE(start + 6)
  const method = bytes.readUInt16LE(start + 8)
  const name = bytes.readUInt16LE(start + 26)
  const from = start + 30 + name + bytes.readUInt16LE(start + 28)
  if (!METHODS.has(method) || name === 0 || from > bytes.length) return undefined
  const why = (flags & ENCRYPTED) === 0 ? 'damaged' : 'encrypted'
  if (why === 'damaged' && method === STORED) return undefined
  if (why === 'damaged' && method === DEFLATED) return inflated('zip', bytes, start, from, true)
  return { readings: [{ encoding: 'zip', opaque: why, start, end: bytes.length }], cost: 0 }
}

// ── pictures ────────────────────────────────────────────────────────────────────────────────────

const CHUNK = Buffer.from('IDAT')
const PIXELS = 4096

const isPixels = (bytes: Buffer, at: number): boolean =>
  at >= CHUNK.length && begins(bytes, at - CHUNK.length, CHUNK)

/** A picture is many times larger than its file, and nothing in it is text but what is no picture. */
function pixels(bytes: Buffer, start: number): Attempt {
  const { bytes: text } = inflate(bytes, start + 2, PIXELS)
  return { readings: [{ encoding: 'zlib', bytes: text, start, end: bytes.length, packed: true }], cost: 0 }
}

/** Byte by byte: a call for four of them costs more than they do. */
function begins(bytes: Buffer, at: number, magic: Buffer): boolean {
  if (at + magic.length > bytes.length) return false
  for (let place = 0; place < magic.length; place++) if (bytes[at + place] !== magic[place]) return false
  return true
}

function beginnings(): Uint8Array {
  const table = new Uint8Array(1 << 16)
  const enter = (first: number, second: number, kind: Kind): void => {
    table[(first << 8) | second] = KINDS.indexOf(kind)
  }
  // RFC 1950, 2.2: deflate in a window of up to 32 KiB, no dictionary, and the two bytes a multiple of 31.
  for (let window = 0; window < 8; window++)
    for (let second = 0; second < 256; second++) {
      const first = (window << 4) | 8
      if (((first << 8) | second) % 31 === 0 && (second & 0x20) === 0) enter(first, second, 'zlib')
    }
  enter(0x1f, 0x8b, 'gzip')
  enter(0x28, 0xb5, 'zstd')
  enter(0x50, 0x4b, 'zip')
  return table
}
