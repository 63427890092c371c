/** Unpacks the archive of an npm package: regular files below its one folder, nothing else, streamed to disk. */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { DriverError } from '../../../model/errors.ts'
import { safeText } from '../../../model/text.ts'

export interface UnpackedFile {
  /** Within the package. */
  readonly path: string
  readonly file: string
  readonly mode: number
}

const BLOCK = 512
/** Bytes of an extended header; a path has no more. */
const HEADER_MAX = 64 * 1024

/** `packed`: the bytes of a `.tgz` whose checksum is known to be right. */
export async function unpack(
  packed: Readable,
  folder: string,
  name: string,
): Promise<readonly UnpackedFile[]> {
  const gunzip = createGunzip()
  const fed = pipeline(packed, gunzip)
  // Reported by whoever reads the other end.
  fed.catch(() => undefined)
  const read = blocks(gunzip)
  const found: UnpackedFile[] = []
  let named: string | undefined
  for (;;) {
    const header = await take(read, BLOCK)
    if (header.length < BLOCK || header.every((byte) => byte === 0)) break
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8)
    const type = text(header, 156, 1)
    if (type === 'x' || type === 'g') {
      if (size > HEADER_MAX) throw odd(name, 'a header is too large')
      const record = (await take(read, padded(size))).subarray(0, size).toString('utf8')
      if (type === 'x') named = /^\d+ path=([^\n]*)$/m.exec(record)?.[1]
      continue
    }
    const prefix = text(header, 345, 155)
    const path = within(named ?? (prefix === '' ? '' : `${prefix}/`) + text(header, 0, 100), name)
    named = undefined
    if (type === '0' || type === '') {
      const file = join(folder, path)
      await mkdir(dirname(file), { recursive: true })
      await pipeline(Readable.from(part(read, size)), createWriteStream(file))
      found.push({
        path,
        file,
        mode: Number.parseInt(text(header, 100, 8).trim() || '0', 8) & 0o111 ? 0o755 : 0o644,
      })
      await take(read, padded(size) - size)
    } else if (type === '5') await take(read, padded(size))
    else throw odd(name, `an entry of type ${type}`)
  }
  return found
}

/** Without the folder that every entry lies in. */
function within(path: string, name: string): string {
  const parts = path
    .split('/')
    .slice(1)
    .filter((part) => part !== '' && part !== '.')
  if (path.startsWith('/') || path.includes('\0') || parts.includes('..')) throw odd(name, `the path ${path}`)
  return parts.join('/')
}

function odd(name: string, what: string): DriverError {
  return new DriverError(`the archive of ${safeText(name)} has what no package has: ${safeText(what)}`, {
    code: 'program-archive',
  })
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}

/** At most so many bytes of the stream; empty at its end. */
type Read = (max: number) => Promise<Buffer>

function blocks(stream: Readable): Read {
  const chunks = stream[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  return async (max) => {
    if (rest.length === 0) {
      const next = await chunks.next()
      if (next.done === true) return rest
      rest = next.value as Buffer
    }
    const taken = rest.subarray(0, max)
    rest = rest.subarray(taken.length)
    return taken
  }
}

async function take(read: Read, size: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of part(read, size)) parts.push(chunk)
  return Buffer.concat(parts)
}

async function* part(read: Read, size: number): AsyncGenerator<Buffer> {
  for (let left = size; left > 0;) {
    const chunk = await read(left)
    if (chunk.length === 0) return
    left -= chunk.length
    yield chunk
  }
}
