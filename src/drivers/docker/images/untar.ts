/** Reads the first entries of a tar that the engine or our helper wrote: headers, and small files whole. */
import type { Readable } from 'node:stream'

export interface ReadEntry {
  readonly path: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly content: Buffer
}

/** Entries of an archive of at most `max` bytes. */
export async function untar(stream: Readable, max: number): Promise<readonly ReadEntry[]> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    const bytes = chunk as Buffer
    size += bytes.length
    if (size > max) throw new Error(`archive is larger than ${max} bytes`)
    chunks.push(bytes)
  }
  return entries(Buffer.concat(chunks))
}

function entries(bytes: Buffer): readonly ReadEntry[] {
  const found: ReadEntry[] = []
  let at = 0
  while (at + 512 <= bytes.length && bytes[at] !== 0) {
    const block = bytes.subarray(at, at + 512)
    const size = number(block, 124, 12)
    const type = String.fromCharCode(block[156] ?? 0)
    // Extension headers of pax and gnu come before the entry they belong to.
    if (!'xgLK'.includes(type)) {
      const path = text(block, 0, 100)
      found.push({
        path,
        uid: number(block, 108, 8),
        gid: number(block, 116, 8),
        mode: number(block, 100, 8),
        content: bytes.subarray(at + 512, at + 512 + size),
      })
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return found
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}

function number(block: Buffer, start: number, length: number): number {
  return Number.parseInt(text(block, start, length).trim() || '0', 8)
}
