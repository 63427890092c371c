/** Undoes the codings of a body (RFC 9110, 8.4). A body that is not what it says cannot be looked into. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Layer, Opaque } from './reading.ts'

/** What one packed layer may grow to, bytes. */
export const UNPACKED_MAX = 4 * 1024 * 1024
const limits = { maxOutputLength: UNPACKED_MAX, info: true }

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

export interface Decoded {
  readonly bytes: Buffer
  /** What that was packed in, the body first: names and comments of the packing stand there as they are. */
  readonly packed: readonly Buffer[]
}

/** A body by all its codings, in the order they were applied: the last is undone first. */
export function decodeAll(codings: readonly string[], body: Buffer): Decoded | Opaque {
  const packed: Buffer[] = []
  let bytes = body
  for (const coding of codings.toReversed()) {
    const read = decodeContent(coding, bytes)
    if ('opaque' in read) return read
    packed.push(bytes)
    bytes = read.bytes
  }
  return { bytes, packed }
}

function reading(encoding: string, bytes: Buffer, unpack: () => unknown): Layer | Opaque {
  const place = { encoding, start: 0, end: bytes.length }
  try {
    const { unpacked, consumed } = unpackedOf(unpack())
    // Some servers read on behind the end, as another frame or as it stands; zeros fill up a block.
    if (bytes.subarray(consumed).some((byte) => byte !== 0)) return { ...place, opaque: 'damaged' }
    return { ...place, bytes: unpacked }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { ...place, opaque: WHY[code] ?? 'damaged' }
  }
}

/** As node:zlib answers with `info`. */
function unpackedOf(answer: unknown): { readonly unpacked: Buffer; readonly consumed: number } {
  if (typeof answer === 'object' && answer !== null && 'buffer' in answer && 'engine' in answer) {
    const { buffer, engine } = answer
    if (
      Buffer.isBuffer(buffer) &&
      typeof engine === 'object' &&
      engine !== null &&
      'bytesWritten' in engine
    ) {
      const { bytesWritten } = engine
      if (typeof bytesWritten === 'number') return { unpacked: buffer, consumed: bytesWritten }
    }
  }
  throw new Error('node:zlib does not say how far it read')
}

const WHY: Readonly<Record<string, Opaque['opaque']>> = {
  ERR_BUFFER_TOO_LARGE: 'too-large',
  Z_BUF_ERROR: 'cut',
  ZSTD_error_srcSize_wrong: 'cut',
}
