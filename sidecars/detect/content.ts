/** Undoes the codings of a body (RFC 9110, 8.4). A body that is not what it says cannot be looked into. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Layer, Opaque } from './reading.ts'

/** What one packed layer may grow to, bytes. */
export const UNPACKED_MAX = 4 * 1024 * 1024
const limits = { maxOutputLength: UNPACKED_MAX }

/** The body of a message by its Content-Encoding. */
export function decodeContent(encoding: string, bytes: Buffer): Layer | Opaque {
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
      return { opaque: 'damaged', encoding, start: 0, end: bytes.length }
  }
}

/** A body by all its codings, in the order they were applied: the last is undone first. */
export function decodeAll(codings: readonly string[], body: Buffer): { readonly bytes: Buffer } | Opaque {
  let bytes = body
  for (const coding of codings.toReversed()) {
    const read = decodeContent(coding, bytes)
    if ('opaque' in read) return read
    bytes = read.bytes
  }
  return { bytes }
}

function reading(encoding: string, bytes: Buffer, unpack: () => Buffer): Layer | Opaque {
  try {
    return { encoding, bytes: unpack(), start: 0, end: bytes.length }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { encoding, opaque: WHY[code] ?? 'damaged', start: 0, end: bytes.length }
  }
}

const WHY: Readonly<Record<string, Opaque['opaque']>> = {
  ERR_BUFFER_TOO_LARGE: 'too-large',
  Z_BUF_ERROR: 'cut',
  ZSTD_error_srcSize_wrong: 'cut',
}
