/**
 * The entries of a file system as the engine exports it. Their headers stay as they came, so that owners, times and
 * extended attributes pass through; only what decides about an entry is read. An early end is an error.
 */
import type { Readable } from 'node:stream'
import { DriverError } from '../../../model/errors.ts'
import { paxRecords } from '../../../model/pax.ts'

export const BLOCK = 512
/** Of the headers before one entry, bytes. */
const EXTENSIONS_MAX = 4 * 1024 * 1024
const PART = 1 << 20

export interface ArchiveEntry {
  /** Extension headers, and the entry's own as the last block. */
  readonly headers: Buffer
  /** Without `/` and `./` before it and `/` behind it. */
  readonly path: string
  /** `0` file, `1` hard link, `2` link, `5` folder, as in the header. */
  readonly type: string
  /** Of the content, bytes. */
  readonly size: number
  /** What a link leads to, as `path` is for a hard link. */
  readonly link: string
  /** In parts, once; what is not taken is passed over. */
  content(): AsyncGenerator<Buffer>
}

export async function* archiveEntries(stream: Readable): AsyncGenerator<ArchiveEntry> {
  const source = byteSource(stream)
  for (;;) {
    const entry = await nextHeaders(source)
    if (entry === undefined) break
    let left = entry.size
    yield {
      ...entry,
      async *content() {
        while (left > 0) {
          const part = await source.some(Math.min(left, PART))
          left -= part.length
          yield part
        }
      },
    }
    while (left > 0) left -= (await source.some(Math.min(left, PART))).length
    await source.exactly(paddingOf(entry.size))
  }
  stream.resume()
}

/** From the content's end to that of its last block, bytes. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

/** Headers of the same entry with content of another size. */
export function resized(headers: Buffer, size: number): Buffer {
  const changed = Buffer.from(headers)
  const own = changed.subarray(changed.length - BLOCK)
  own.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  own.write('        ', 148, 'latin1')
  const sum = own.reduce((total, byte) => total + byte, 0)
  own.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return changed
}

async function nextHeaders(source: ByteSource): Promise<Omit<ArchiveEntry, 'content'> | undefined> {
  const blocks: Buffer[] = []
  let said: Extensions = {}
  for (let bytes = 0; ;) {
    const block = Buffer.from(await source.exactly(BLOCK))
    if (blocks.length === 0 && block.every((byte) => byte === 0)) return undefined
    blocks.push(block)
    const type = block.toString('latin1', 156, 157)
    if (!'xgLK'.includes(type) || type === '') return { headers: Buffer.concat(blocks), ...own(block, said) }
    const size = numberIn(block, 124, 12)
    bytes += size + BLOCK
    if (bytes > EXTENSIONS_MAX) throw unreadable('a header is too large')
    const content = Buffer.from(await source.exactly(size + paddingOf(size)))
    blocks.push(content)
    said = { ...said, ...extension(type, content.subarray(0, size)) }
  }
}

interface Extensions {
  readonly path?: string
  readonly link?: string
  readonly size?: number
}

function own(block: Buffer, said: Extensions): Omit<ArchiveEntry, 'content' | 'headers'> {
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? textIn(block, 345, 155) : ''
  const name = textIn(block, 0, 100)
  const type = block.toString('latin1', 156, 157)
  const size = said.size ?? numberIn(block, 124, 12)
  if (!Number.isSafeInteger(size) || size < 0) throw unreadable('a size makes no sense')
  return {
    path: plain(said.path ?? (prefix === '' ? name : `${prefix}/${name}`)),
    type: type === '\0' || type === '7' ? '0' : type,
    size: '1256'.includes(type) ? 0 : size,
    link: type === '1' ? plain(said.link ?? textIn(block, 157, 100)) : (said.link ?? textIn(block, 157, 100)),
  }
}

function extension(type: string, content: Buffer): Extensions {
  const text = content.toString('utf8').replace(/\0+$/, '')
  if (type === 'L') return { path: text }
  if (type === 'K') return { link: text }
  return type === 'x' ? records(content) : {}
}

function records(content: Buffer): Extensions {
  const found = paxRecords(content)
  if (!found) throw unreadable('a header makes no sense')
  const [path, link, size] = [found.get('path'), found.get('linkpath'), found.get('size')]
  return {
    ...(path !== undefined && { path }),
    ...(link !== undefined && { link }),
    ...(size !== undefined && { size: Number(size) }),
  }
}

const plain = (path: string): string => path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')

function textIn(block: Buffer, from: number, length: number): string {
  const field = block.subarray(from, from + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}

/** Octal text, or the base-256 form of what is too large for it. */
function numberIn(block: Buffer, from: number, length: number): number {
  const first = block[from] ?? 0
  if ((first & 0x80) === 0) return Number.parseInt(textIn(block, from, length).trim() || '0', 8)
  return Number(BigInt(`0x${block.toString('hex', from + 4, from + length)}`))
}

interface ByteSource {
  exactly(length: number): Promise<Buffer>
  /** One byte at least, and no more than asked for. */
  some(most: number): Promise<Buffer>
}

function byteSource(stream: Readable): ByteSource {
  const chunks: AsyncIterator<unknown> = stream.iterator({ destroyOnReturn: false })
  let held: Buffer = Buffer.alloc(0)
  const more = async (): Promise<Buffer> => {
    const { done, value } = await chunks.next()
    if (done === true) throw unreadable('it ended in the middle')
    return Buffer.isBuffer(value) ? value : Buffer.from(String(value))
  }
  const taken = (length: number): Buffer => {
    const part = held.subarray(0, length)
    held = held.subarray(length)
    return part
  }
  return {
    async some(most) {
      if (held.length === 0) held = await more()
      return taken(most)
    },
    async exactly(length) {
      if (held.length >= length) return taken(length)
      const parts = [held]
      for (let have = held.length; have < length;) {
        const chunk = await more()
        parts.push(chunk)
        have += chunk.length
      }
      held = Buffer.concat(parts)
      return taken(length)
    },
  }
}

function unreadable(reason: string): DriverError {
  return new DriverError(`the file system that the engine sent cannot be read: ${reason}`, {
    code: 'export-unreadable',
    hint: 'try again; nothing was made of it',
  })
}
