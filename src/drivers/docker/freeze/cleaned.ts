/**
 * The file system of a halted agent container, on its way into an image: without what provisioning put there, with the
 * system's own files as the image had them, and with the bottle's marks blanked wherever its agent wrote them.
 */
import { Readable } from 'node:stream'
import type { FrozenLeftOut } from '../../../ports/driver.ts'
import { SYSTEM } from '../guest-git.ts'
import { archiveEntries, paddingOf, resized, type ArchiveEntry } from './archive.ts'
import { blanked, holdsMark, marksOf, type Marks } from './blank.ts'
import { fateOf, PATHS_OF_GIT, STORE_MAX, withoutRoots } from './own-files.ts'
import type { FrozenMark } from '../../../ports/driver.ts'

/** Of a file of git's that is ours or kept from the image, bytes. */
const GIT_MAX = 1024 * 1024
/** Paths that are named; the rest is counted. */
const NAMED_MAX = 20

export interface Cleaned {
  readonly archive: Readable
  /** Whole once the archive has ended. */
  leftOut(): FrozenLeftOut
}

export function cleaned(exported: Readable, marks: readonly FrozenMark[]): Cleaned {
  const tally = { ownFiles: 0, roots: 0, blanked: [] as string[], blankedMore: 0, marked: 0 }
  return {
    archive: Readable.from(entriesKept(exported, marksOf(marks), tally), { objectMode: false }),
    leftOut: () => ({ ...tally }),
  }
}

interface Tally {
  ownFiles: number
  roots: number
  blanked: string[]
  blankedMore: number
  marked: number
}

async function* entriesKept(exported: Readable, marks: Marks, tally: Tally): AsyncGenerator<Buffer> {
  const gone = new Set<string>()
  const git: { system?: ArchiveEntry; text?: string; image?: string } = {}
  for await (const entry of archiveEntries(exported)) {
    const fate = fateOf(entry.path)
    const leaves = fate === 'own' || fate === 'left-out'
    // A name of it in another place is it.
    if (leaves || (entry.type === '1' && gone.has(entry.link))) {
      gone.add(entry.path)
      if (fate === 'own' && entry.type === '0') tally.ownFiles += 1
      if (entry.path === PATHS_OF_GIT.image && entry.size <= GIT_MAX) git.image = await textOf(entry)
    } else if (holdsMark(entry.headers, marks)) {
      gone.add(entry.path)
      tally.marked += 1
    } else if (fate === 'git' && entry.type === '0' && entry.size <= GIT_MAX) {
      // What the image said there may come behind it.
      gone.add(entry.path)
      git.system = entry
      git.text = await textOf(entry)
    } else if (fate === 'store' && entry.type === '0' && entry.size <= STORE_MAX) {
      yield* ofStore(entry, marks, tally, gone)
    } else {
      yield* whole(entry, entry.content(), marks, tally)
    }
  }
  if (git.system && git.text === SYSTEM) yield* rewritten(git.system, git.image ?? '')
  else if (git.system) yield* whole(git.system, once(git.text ?? ''), marks, tally)
  yield Buffer.alloc(1024)
}

/** One that was ours alone is not there. */
async function* ofStore(
  entry: ArchiveEntry,
  marks: Marks,
  tally: Tally,
  gone: Set<string>,
): AsyncGenerator<Buffer> {
  const bytes = await bytesOf(entry)
  const { text, roots } = withoutRoots(bytes.toString('latin1'))
  if (roots === 0) {
    yield* whole(entry, once(bytes), marks, tally)
    return
  }
  tally.roots += roots
  if (text.trim() === '') gone.add(entry.path)
  else yield* rewritten(entry, text)
}

/** Of a file that is empty now because its image had none, nothing. */
async function* rewritten(entry: ArchiveEntry, text: string): AsyncGenerator<Buffer> {
  if (text === '') return
  const bytes = Buffer.from(text, 'latin1')
  yield resized(entry.headers, bytes.length)
  yield bytes
  yield Buffer.alloc(paddingOf(bytes.length))
}

async function* whole(
  entry: ArchiveEntry,
  content: AsyncIterable<Buffer>,
  marks: Marks,
  tally: Tally,
): AsyncGenerator<Buffer> {
  yield entry.headers
  let held = false
  yield* blanked(content, marks, () => void (held = true))
  yield Buffer.alloc(paddingOf(entry.size))
  if (held && tally.blanked.length < NAMED_MAX) tally.blanked.push(`/${entry.path}`)
  else if (held) tally.blankedMore += 1
}

async function* once(content: Buffer | string): AsyncGenerator<Buffer> {
  yield Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1')
}

async function bytesOf(entry: ArchiveEntry): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of entry.content()) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

async function textOf(entry: ArchiveEntry): Promise<string> {
  return (await bytesOf(entry)).toString('latin1')
}
