/**
 * The entries of a tar stream that a bottle sends. The stream is hostile: a name that leaves the folder, a size or a
 * number of entries beyond the limits, a header that makes no sense or an early end is an error.
 */
import type { Readable } from 'node:stream'
import { RefusedError } from '../../model/errors.ts'
import { paxRecords } from '../../model/pax.ts'

const BLOCK = 512
const BYTES_MAX = 4 * 1024 ** 3
const ENTRIES_MAX = 500_000
const PAX_MAX = 1024 * 1024

export interface Entry {
  /** Below the folder that was asked for; empty: that folder, or the lone file. */
  readonly inside: string
  readonly type: string
  readonly size: number
  readonly mode: number
  readonly link: string
  /** Its bytes, in parts; what is not taken is passed over. */
  content(): AsyncGenerator<Buffer>
}

/** `heard` gets every byte as it comes. */
export async function* entriesOf(
  stream: Readable,
  shape: 'file' | 'folder',
  heard?: (chunk: Buffer) => Promise<unknown>,
): AsyncGenerator<Entry> {
  const read = reader(stream, heard)
  let pax: ReadonlyMap<string, string> = new Map()
  let entries = 0
  let total = 0
  for (;;) {
    const block = await read(BLOCK)
    if (block.every((byte) => byte === 0)) break
    const header = decode(block, pax)
    if (header.type === 'x' || header.type === 'g') {
      if (header.size > PAX_MAX) throw refused('a header is too large')
      const content = (await read(padded(header.size))).subarray(0, header.size)
      if (header.type === 'x') pax = recordsIn(content)
      continue
    }
    pax = new Map()
    entries += 1
    total += header.size
    if (entries > ENTRIES_MAX || total > BYTES_MAX) throw refused('it is larger than 4 GiB or 500000 files')
    if (shape === 'file' && (entries > 1 || header.type !== '0'))
      throw refused('it is not the one file that was asked for')
    const inside = shape === 'file' ? '' : safeName(header.name)
    let left = header.size
    yield {
      ...header,
      inside,
      async *content() {
        while (left > 0) {
          const chunk = await read(Math.min(left, 64 * 1024))
          left -= chunk.length
          yield chunk
        }
      },
    }
    for (let rest = left + padded(header.size) - header.size; rest > 0; rest -= 64 * 1024)
      await read(Math.min(rest, 64 * 1024))
  }
  stream.resume()
}

function safeName(name: string): string {
  const clean = name.replace(/\/+$/, '').replace(/^(\.\/)+/, '')
  if (clean === '.' || clean === '') return ''
  if (
    clean.startsWith('/') ||
    clean.includes('\0') ||
    clean.split('/').some((part) => part === '..' || part === '')
  )
    throw refused('a name leaves the folder')
  return clean
}

export function refused(reason: string): RefusedError {
  return new RefusedError(`nothing was copied of what the bottle sent: ${reason}`, {
    code: 'copy-refused',
  })
}

function decode(
  block: Buffer,
  pax: ReadonlyMap<string, string>,
): Omit<Entry, 'inside' | 'content'> & { readonly name: string } {
  const text = (from: number, length: number): string =>
    block
      .subarray(from, from + length)
      .toString('utf8')
      .replace(/\0.*$/s, '')
  const number = (from: number, length: number): number =>
    Number.parseInt(text(from, length).trim() || '0', 8)
  const prefix = text(345, 155)
  const short = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`
  const size = Number(pax.get('size') ?? number(124, 12))
  if (!Number.isSafeInteger(size) || size < 0) throw refused('a size makes no sense')
  const type = text(156, 1)
  return {
    name: pax.get('path') ?? short,
    type: type === '' ? '0' : type,
    size: type === '2' || type === '5' ? 0 : size,
    mode: number(100, 8),
    link: pax.get('linkpath') ?? text(157, 100),
  }
}

function recordsIn(header: Buffer): ReadonlyMap<string, string> {
  const records = paxRecords(header)
  if (!records) throw refused('a header makes no sense')
  return records
}

type Read = (length: number) => Promise<Buffer>

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

/** Exactly as many bytes as asked for; a stream that ends early is an error. */
function reader(stream: Readable, heard?: (chunk: Buffer) => Promise<unknown>): Read {
  const chunks: AsyncIterator<unknown> = stream.iterator({ destroyOnReturn: false })
  let held: Buffer = Buffer.alloc(0)
  return async (length) => {
    const parts = [held]
    let have = held.length
    while (have < length) {
      const { done, value } = await chunks.next()
      if (done === true) throw refused('it ended in the middle')
      const chunk = Buffer.isBuffer(value) ? value : Buffer.from(String(value))
      await heard?.(chunk)
      parts.push(chunk)
      have += chunk.length
    }
    const all = Buffer.concat(parts)
    held = all.subarray(length)
    return all.subarray(0, length)
  }
}
