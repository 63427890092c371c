/**
 * Unpacking what a bottle sends. It is judged as a whole before the first file is made: no entry is written through a
 * link, only files, folders and links that stay inside are made, modes lose everything but rwx.
 */
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, open, rename, rm, symlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { Readable } from 'node:stream'
import { entriesOf, refused } from './tar-entries.ts'
import type { Entry } from './tar-entries.ts'

export interface Unpacked {
  /** Links that lead out of the folder: not made. */
  readonly leftOut: readonly string[]
}

/** A lone file lands as `parent/name`, whatever the stream calls it; a tree becomes the folder `parent/name`. */
export async function unpackFrom(
  stream: Readable,
  shape: 'file' | 'folder',
  parent: string,
  name: string,
): Promise<Unpacked> {
  if (shape === 'folder') return unpackFolder(stream, parent, name)
  const aside = join(parent, asideName())
  try {
    for await (const entry of entriesOf(stream, shape)) await writeFile(entry, aside)
    await rename(aside, join(parent, name))
  } finally {
    await rm(aside, { force: true })
  }
  return { leftOut: [] }
}

/** The stream is kept in a file without a name until its end has been judged. */
async function unpackFolder(stream: Readable, parent: string, name: string): Promise<Unpacked> {
  const path = join(parent, asideName())
  const kept = await open(path, 'wx+', 0o600)
  try {
    await rm(path)
    await judge(
      entriesOf(stream, 'folder', (chunk) => kept.writeFile(chunk)),
      parent,
      name,
    )
    return await unpackKept(kept, parent, name)
  } finally {
    await kept.close()
  }
}

const asideName = (): string => `.bot-bottle-cp-${randomBytes(6).toString('hex')}`

/** Refuses what could not be written whole: every folder on the way is a real one, here and in the stream. */
async function judge(entries: AsyncIterable<Entry>, parent: string, name: string): Promise<void> {
  const places = new Map<string, 'folder' | 'other'>()
  const placeOf = async (path: string): Promise<'folder' | 'other' | undefined> => {
    const sent = places.get(path)
    if (sent) return sent
    const about = await lstat(path).catch(() => undefined)
    return about && (about.isDirectory() ? 'folder' : 'other')
  }
  const folder = async (path: string): Promise<void> => {
    if (path === parent || places.get(path) === 'folder') return
    await folder(dirname(path))
    if ((await placeOf(path)) === 'other') throw refused(`${path} is not a folder`)
    places.set(path, 'folder')
  }
  await folder(join(parent, name))
  for await (const { inside, type, link } of entries) {
    if (inside === '') continue
    const target = join(parent, name, inside)
    if (type === '5') await folder(target)
    else if (type === '0' || (type === '2' && staysInside(inside, link))) {
      await folder(dirname(target))
      if ((await placeOf(target)) === 'folder') throw refused(`${target} is a folder`)
      places.set(target, 'other')
    }
  }
}

async function unpackKept(kept: FileHandle, parent: string, name: string): Promise<Unpacked> {
  const leftOut: string[] = []
  await realFolders(parent, join(parent, name))
  const stream = kept.createReadStream({ start: 0 })
  try {
    for await (const entry of entriesOf(stream, 'folder')) {
      const target = join(parent, name, entry.inside)
      if (entry.inside === '') continue
      if (entry.type === '2' && !staysInside(entry.inside, entry.link)) leftOut.push(entry.inside)
      else await make(entry, target, parent)
    }
  } finally {
    stream.destroy()
  }
  return { leftOut }
}

async function make(entry: Entry, target: string, parent: string): Promise<void> {
  await realFolders(parent, entry.type === '5' ? target : dirname(target))
  if (entry.type === '2') {
    await rm(target, { force: true })
    await symlink(entry.link, target)
  } else if (entry.type === '0') await writeFile(entry, target)
}

function staysInside(inside: string, link: string): boolean {
  return !link.startsWith('/') && !normalize(join(dirname(inside), link)).startsWith('..')
}

async function writeFile(entry: Entry, target: string): Promise<void> {
  await rm(target, { force: true })
  // `wx` never follows a link that appeared meanwhile.
  const file = await open(target, 'wx', entry.mode & 0o777)
  try {
    for await (const chunk of entry.content()) await file.writeFile(chunk)
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
