/** Packing one file or tree as a tar stream (pax) for the static helper's `put`. Links go as links; devices and sockets are left out. */
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

const BLOCK = 512

/** `name`: a single file under that name; absent: what the folder holds, names relative to it. */
export function packInto(path: string, name?: string): Readable {
  return Readable.from(archive(path, name), { objectMode: false })
}

async function* archive(path: string, name: string | undefined): AsyncGenerator<Buffer> {
  yield* name === undefined ? folder(path, '') : entry(path, name)
  yield Buffer.alloc(2 * BLOCK)
}

async function* folder(path: string, prefix: string): AsyncGenerator<Buffer> {
  for (const child of (await readdir(path)).sort()) yield* entry(join(path, child), `${prefix}${child}`)
}

async function* entry(path: string, name: string): AsyncGenerator<Buffer> {
  const about = await lstat(path)
  const base = { mode: about.mode & 0o777, mtime: Math.floor(about.mtimeMs / 1000) }
  if (about.isDirectory()) {
    yield* header({ ...base, name: `${name}/`, type: '5', size: 0 })
    yield* folder(path, `${name}/`)
  } else if (about.isSymbolicLink()) {
    yield* header({ ...base, name, type: '2', size: 0, link: await readlink(path) })
  } else if (about.isFile()) {
    yield* header({ ...base, name, type: '0', size: about.size })
    yield* body(path, about.size)
  }
}

/** Exactly `size` bytes, whatever happens to the file meanwhile; a file that shrank is padded. */
async function* body(path: string, size: number): AsyncGenerator<Buffer> {
  let left = size
  if (size > 0) {
    for await (const chunk of createReadStream(path, { end: size - 1 })) {
      const bytes: Buffer = Buffer.from(chunk)
      left -= bytes.length
      yield bytes
    }
  }
  yield Buffer.alloc(left + ((BLOCK - (size % BLOCK)) % BLOCK))
}

interface Header {
  readonly name: string
  readonly mode: number
  readonly mtime: number
  readonly size: number
  readonly type: '0' | '2' | '5' | 'x'
  readonly link?: string
}

function* header(entryHeader: Header): Generator<Buffer> {
  const { name, link = '', size } = entryHeader
  const long = {
    ...(Buffer.byteLength(name) > 100 && { path: name }),
    ...(Buffer.byteLength(link) > 100 && { linkpath: link }),
    ...(size > 0o77777777777 && { size: String(size) }),
  }
  const records = Object.entries(long)
    .map(([key, value]) => record(key, value))
    .join('')
  if (records !== '') {
    const bytes = Buffer.from(records)
    yield block({ name: 'pax', mode: 0o644, mtime: 0, size: bytes.length, type: 'x' })
    yield Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)])
  }
  yield block(entryHeader)
}

/** `LENGTH key=value\n`, the length counting itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest)
  return `${length}${rest}`
}

function block({ name, mode, mtime, size, type, link = '' }: Header): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, width: number): void =>
    void bytes.write(
      value
        .toString(8)
        .padStart(width - 1, '0')
        .slice(1 - width),
      at,
    )
  bytes.write(name, 0, 100)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(mtime, 136, 12)
  bytes.write('        ', 148)
  bytes.write(type, 156)
  bytes.write(link, 157, 100)
  bytes.write('ustar\u000000', 257, 'latin1')
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  bytes.write(' ', 155)
  return bytes
}
