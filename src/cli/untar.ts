/**
 * Unpacking what a bottle sends. The stream is hostile: names stay below the target, no entry is written through a
 * link, only files, folders and links that stay inside are made, modes lose everything but rwx, sizes are capped.
 */
import { chmod, lstat, mkdir, open, rm, symlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { Readable } from 'node:stream'
import { RefusedError } from '../model/errors.ts'

const BLOCK = 512
const BYTES_MAX = 4 * 1024 ** 3
const ENTRIES_MAX = 500_000
const PAX_MAX = 1024 * 1024

interface Entry {
  readonly name: string
  readonly type: string
  readonly size: number
  readonly mode: number
  readonly link: string
}

/** A lone file lands as `parent/name`, whatever the stream calls it; a tree becomes the folder `parent/name`. */
export async function unpackFrom(
  stream: Readable,
  shape: 'file' | 'folder',
  parent: string,
  name: string,
): Promise<void> {
  if (shape === 'folder') await realFolders(parent, join(parent, name))
  const read = reader(stream)
  let pax: ReadonlyMap<string, string> = new Map()
  let entries = 0
  let total = 0
  for (;;) {
    const block = await read(BLOCK)
    if (block.every((byte) => byte === 0)) break
    const entry = decode(block, pax)
    if (entry.type === 'x' || entry.type === 'g') {
      if (entry.size > PAX_MAX) throw refused('a header is too large')
      const text = (await read(padded(entry.size))).subarray(0, entry.size).toString('utf8')
      if (entry.type === 'x') pax = paxRecords(text)
      continue
    }
    pax = new Map()
    entries += 1
    total += entry.size
    if (entries > ENTRIES_MAX || total > BYTES_MAX) throw refused('it is larger than 4 GiB or 500000 files')
    if (shape === 'file' && (entries > 1 || entry.type !== '0'))
      throw refused('it is not the one file that was asked for')
    const inside = shape === 'file' ? '' : safeName(entry.name)
    if (shape === 'folder' && inside === '') continue
    await write(entry, inside, inside === '' ? join(parent, name) : join(parent, name, inside), parent, read)
  }
  stream.resume()
}

async function write(
  entry: Entry,
  inside: string,
  target: string,
  parent: string,
  read: Read,
): Promise<void> {
  await realFolders(parent, dirname(target))
  if (entry.type === '5') {
    const existing = await lstat(target).catch(() => undefined)
    if (existing?.isSymbolicLink()) throw refused(`${entry.name} would replace a link`)
    await mkdir(target, { recursive: true })
    return
  }
  if (entry.type === '2') {
    const stays =
      !entry.link.startsWith('/') && !normalize(join(dirname(inside), entry.link)).startsWith('..')
    if (!stays) return
    await rm(target, { force: true })
    await symlink(entry.link, target)
    return
  }
  if (entry.type !== '0') {
    await drain(read, padded(entry.size))
    return
  }
  await rm(target, { force: true })
  // `wx` never follows a link that appeared meanwhile.
  const file = await open(target, 'wx', entry.mode & 0o777)
  try {
    for (let left = entry.size; left > 0;) {
      const chunk = await read(Math.min(left, 64 * 1024))
      await file.write(chunk)
      left -= chunk.length
    }
    await drain(read, padded(entry.size) - entry.size)
  } finally {
    await file.close()
  }
  await chmod(target, entry.mode & 0o777)
}

/** Every folder between `parent` and `folder` is a real one; missing ones are made. */
async function realFolders(parent: string, folder: string): Promise<void> {
  if (folder === parent || !folder.startsWith(`${parent}/`)) return
  await realFolders(parent, dirname(folder))
  const about = await lstat(folder).catch(() => undefined)
  if (about === undefined) await mkdir(folder)
  else if (!about.isDirectory()) throw refused(`${folder} is not a folder`)
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

function refused(reason: string): RefusedError {
  return new RefusedError(`what the bottle sent was not unpacked further: ${reason}`, {
    code: 'copy-refused',
  })
}

function decode(block: Buffer, pax: ReadonlyMap<string, string>): Entry {
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

function paxRecords(text: string): ReadonlyMap<string, string> {
  const records = new Map<string, string>()
  for (let bytes = Buffer.from(text); bytes.length > 0;) {
    const length = Number.parseInt(bytes.toString('latin1', 0, 12), 10)
    if (!(length > 0) || length > bytes.length) throw refused('a header makes no sense')
    const [, key = '', value = ''] = /^\d+ ([^=]+)=(.*)\n$/s.exec(bytes.toString('utf8', 0, length)) ?? []
    records.set(key, value)
    bytes = bytes.subarray(length)
  }
  return records
}

type Read = (length: number) => Promise<Buffer>

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

async function drain(read: Read, length: number): Promise<void> {
  for (let left = length; left > 0; left -= 64 * 1024) await read(Math.min(left, 64 * 1024))
}

/** Exactly as many bytes as asked for; a stream that ends early is an error. */
function reader(stream: Readable): Read {
  const chunks: AsyncIterator<unknown> = stream.iterator({ destroyOnReturn: false })
  let held: Buffer = Buffer.alloc(0)
  return async (length) => {
    const parts = [held]
    let have = held.length
    while (have < length) {
      const { done, value } = await chunks.next()
      if (done === true) throw refused('it ended in the middle')
      const chunk = Buffer.isBuffer(value) ? value : Buffer.from(String(value))
      parts.push(chunk)
      have += chunk.length
    }
    const all = Buffer.concat(parts)
    held = all.subarray(length)
    return all.subarray(0, length)
  }
}
