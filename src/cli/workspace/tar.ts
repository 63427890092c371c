/** Packing entries as a tar stream (pax) for the static helper's `put`. Links go as links; devices and sockets are left out. */
import { closeSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { found, type Found } from '../../manifest/folder.ts'

const BLOCK = 512
/** Bytes handed on at once: a read of many small files costs more than what is in them. */
const CHUNK = 1024 * 1024

export interface Packing {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link'
  readonly mode: number
  /** Seconds. */
  readonly mtime: number
  /** Bytes as they were seen; what is sent is as large as the file is then. */
  readonly size: number
  readonly target?: string
  /** Of a file: what is in it, or a descriptor that is closed when its last byte was read. */
  readonly content?: Buffer | (() => { readonly descriptor: number; readonly size: number })
}

/** Files are opened one by one as the stream is read, `seen` is told of each entry before it goes. */
export function pack(entries: Iterable<Packing>, seen: (bytes: number) => void = () => {}): Readable {
  return Readable.from(archive(entries, seen), { objectMode: false })
}

/** `name`: a single file under that name; absent: what the folder holds, names relative to it. */
export function packInto(path: string, name?: string): Readable {
  return pack(name === undefined ? everythingIn(path) : one(path, name))
}

export function packingOf(entry: Found, name = entry.path): Packing | undefined {
  const { kind, mode, mtime, target } = entry
  if (kind === 'other') return undefined
  return {
    name,
    kind,
    mode,
    mtime,
    size: kind === 'file' ? entry.size : 0,
    ...(target !== undefined && { target }),
    ...(kind === 'file' && { content: () => entry.open() }),
  }
}

function* everythingIn(path: string): Generator<Packing> {
  for (const entry of found(path)) {
    const packing = packingOf(entry)
    if (packing) yield packing
  }
}

function* one(path: string, name: string): Generator<Packing> {
  const about = lstatSync(path)
  const mtime = Math.floor(about.mtimeMs / 1000)
  if (about.isSymbolicLink())
    yield { name, kind: 'link', mode: 0o777, mtime, size: 0, target: readlinkSync(path) }
  if (!about.isFile()) return
  const content = () => ({ descriptor: openSync(path, 'r'), size: about.size })
  yield { name, kind: 'file', mode: about.mode & 0o777, mtime, size: about.size, content }
}

function* archive(entries: Iterable<Packing>, seen: (bytes: number) => void): Generator<Buffer> {
  let chunk = Buffer.allocUnsafe(CHUNK)
  let at = 0
  const flush = function* (): Generator<Buffer> {
    if (at > 0) yield chunk.subarray(0, at)
    chunk = Buffer.allocUnsafe(CHUNK)
    at = 0
  }
  const add = function* (bytes: Buffer): Generator<Buffer> {
    for (let from = 0; from < bytes.length;) {
      if (at === CHUNK) yield* flush()
      const count = bytes.copy(chunk, at, from)
      from += count
      at += count
    }
  }
  for (const entry of entries) {
    const { content } = entry
    if (content === undefined || Buffer.isBuffer(content)) {
      const size = content?.length ?? 0
      seen(size)
      yield* add(Buffer.concat([...header(entry, size), content ?? NOTHING, padding(size)]))
      continue
    }
    const { descriptor, size } = content()
    try {
      seen(size)
      yield* add(Buffer.concat([...header(entry, size)]))
      // Exactly `size` bytes, whatever happens to the file meanwhile; a file that shrank is padded.
      for (let left = size; left > 0;) {
        if (at === CHUNK) yield* flush()
        const room = Math.min(left, CHUNK - at)
        const count = readSync(descriptor, chunk, at, room, null)
        if (count === 0) chunk.fill(0, at, at + room)
        at += count || room
        left -= count || room
      }
      yield* add(padding(size))
    } finally {
      closeSync(descriptor)
    }
  }
  yield* add(Buffer.alloc(2 * BLOCK))
  yield* flush()
}

const NOTHING = Buffer.alloc(0)

function padding(size: number): Buffer {
  const rest = size % BLOCK
  return rest === 0 ? NOTHING : Buffer.alloc(BLOCK - rest)
}

const TYPES = { file: '0', link: '2', folder: '5' } as const

interface Header {
  readonly name: string
  readonly mode: number
  readonly mtime: number
  readonly size: number
  readonly type: '0' | '2' | '5' | 'x'
  readonly link?: string
}

function* header(entry: Packing, size: number): Generator<Buffer> {
  const { target: link = '', mode } = entry
  const name = entry.kind === 'folder' ? `${entry.name}/` : entry.name
  const mtime = Math.max(0, entry.mtime)
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
    yield Buffer.concat([bytes, padding(bytes.length)])
  }
  yield block({ name, mode, mtime, size, type: TYPES[entry.kind], link })
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
  let sum = 0
  for (const byte of bytes) sum += byte
  octal(sum, 148, 7)
  bytes.write(' ', 155)
  return bytes
}
