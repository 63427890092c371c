/**
 * What lies below a folder of the host, as it is now: every step goes through a descriptor of the folder before it and
 * follows no link, so that a swap while it is read never leads out (containment.md, rule 36). Linux opens below
 * `/proc/self/fd`; elsewhere a path stands for the descriptor, and only its last part is safe from a swap.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs'
import type { Dirent, Stats } from 'node:fs'
import { DriverError } from '../model/errors.ts'

export const LEVELS_MAX = 255

export interface Found {
  /** Below the folder, with `/`. */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly mode: number
  readonly size: number
  /** Seconds. */
  readonly mtime: number
  /** Of a link. */
  readonly target?: string
  /** A descriptor of this file and its size; only until the next entry is asked for. */
  open(): { readonly descriptor: number; readonly size: number }
}

export interface OpenFolder {
  /** Of the folder that is listed; `''` is the first. */
  readonly path: string
  /** A small file in it, or `undefined` where there is none. */
  read(name: string, most: number): Buffer | undefined
  /** Its device and number: the same folder by whatever path. */
  readonly identity: string
}

/** Says of a folder which of its names count. */
export type Enter = (folder: OpenFolder) => (name: string, isFolder: boolean) => boolean

const everything: Enter = () => () => true

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** Not waiting: what was a file may be a pipe by now. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Names in order; a folder before what lies in it. Throws `DriverError` where something cannot be read. */
export function* found(root: string, enter: Enter = everything): Generator<Found> {
  const descriptor = opened(root, root, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    yield* below({ descriptor, place: placeOf(descriptor, root), shown: root, path: '', level: 0 }, enter)
  } finally {
    closeSync(descriptor)
  }
}

interface At {
  readonly descriptor: number
  /** What to put before `/name`. */
  readonly place: string
  /** For messages. */
  readonly shown: string
  readonly path: string
  readonly level: number
}

function* below(at: At, enter: Enter): Generator<Found> {
  if (at.level > LEVELS_MAX) throw unreadable(at.shown, `lies more than ${LEVELS_MAX} levels down`)
  const counts = enter({
    path: at.path,
    identity: identityOf(fstatSync(at.descriptor)),
    read: (name, most) => contentOf(at, name, most),
  })
  for (const entry of namesIn(at)) {
    if (!counts(entry.name, entry.isDirectory())) continue
    const path = at.path === '' ? entry.name : `${at.path}/${entry.name}`
    const [place, shown] = [`${at.place}/${entry.name}`, `${at.shown}/${entry.name}`]
    const about = lstatSync(place, { throwIfNoEntry: false })
    if (about === undefined) {
      // What is no text cannot be named, and therefore not be looked at.
      if (path.includes('\uFFFD')) yield nameless(path, shown)
      continue
    }
    yield describe(about, { path, place, shown })
    if (!about.isDirectory()) continue
    const descriptor = opened(place, shown, FOLDER)
    try {
      yield* below({ descriptor, place: placeOf(descriptor, place), shown, path, level: at.level + 1 }, enter)
    } finally {
      closeSync(descriptor)
    }
  }
}

function namesIn({ place, shown }: At): readonly Dirent[] {
  try {
    return readdirSync(`${place}/.`, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    throw unreadable(shown, `cannot be read (${codeOf(cause)})`, cause)
  }
}

function describe(
  about: Stats,
  { path, place, shown }: { readonly path: string; readonly place: string; readonly shown: string },
): Found {
  const { mode, size } = about
  const common = { path, mode: mode & 0o777, size, mtime: Math.floor(about.mtimeMs / 1000) }
  const open = (): ReturnType<Found['open']> => openFile(place, shown)
  if (about.isSymbolicLink()) return { ...common, kind: 'link', target: readlinkSync(place), open }
  if (about.isDirectory()) return { ...common, kind: 'folder', open }
  return { ...common, kind: about.isFile() ? 'file' : 'other', open }
}

function nameless(path: string, shown: string): Found {
  const open = (): never => {
    throw unreadable(shown, 'has a name that is no text')
  }
  return { path, kind: 'other', mode: 0, size: 0, mtime: 0, open }
}

/** Closed again by whoever asked, unless it throws. */
function openFile(place: string, shown: string): ReturnType<Found['open']> {
  const descriptor = opened(place, shown, FILE)
  const about = fstatSync(descriptor)
  if (about.isFile()) return { descriptor, size: about.size }
  closeSync(descriptor)
  throw unreadable(shown, 'is no file any more')
}

function contentOf({ place, shown }: At, name: string, most: number): Buffer | undefined {
  const about = lstatSync(`${place}/${name}`, { throwIfNoEntry: false })
  if (!about?.isFile()) return undefined
  const { descriptor, size } = openFile(`${place}/${name}`, `${shown}/${name}`)
  try {
    if (size > most) throw unreadable(`${shown}/${name}`, `is larger than ${most} bytes`)
    return readWhole(descriptor, size)
  } finally {
    closeSync(descriptor)
  }
}

/** At most `size` bytes from here on. */
export function readWhole(descriptor: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let at = 0
  while (at < size) {
    const count = readSync(descriptor, bytes, at, size - at, null)
    if (count === 0) break
    at += count
  }
  return bytes.subarray(0, at)
}

function opened(place: string, shown: string, flags: number): number {
  try {
    return openSync(place, flags)
  } catch (cause) {
    const code = codeOf(cause)
    const swapped = code === 'ELOOP' || code === 'ENOTDIR'
    throw unreadable(shown, swapped ? 'was changed while it was read' : `cannot be read (${code})`, cause)
  }
}

function placeOf(descriptor: number, path: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : path
}

export function identityOf({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`
}

function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException).code ?? 'unknown error'
}

function unreadable(shown: string, why: string, cause?: unknown): DriverError {
  return new DriverError(`${shown} ${why}`, { code: 'folder-unreadable', cause })
}
