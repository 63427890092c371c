/**
 * The files of one skill, from the first folder that has it. A bottle gets regular files from below that folder and
 * nothing else (containment.md, SPP-05): links, pipes, devices and names that cannot be shown are left out and named.
 */
import { closeSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { ensureError } from '../model/errors.ts'
import type { Place } from '../model/diagnostic.ts'
import { safeText } from '../model/text.ts'
import { found, readWhole } from './folder.ts'
import type { Found } from './folder.ts'
import { anyOf, quoted, type Report } from './report.ts'

/** Regular files only. */
export interface Skill {
  readonly name: string
  readonly files: readonly SkillFile[]
}

export interface SkillFile {
  /** Below the folder of the skill, with `/`. */
  readonly path: string
  readonly mode: number
  readonly content: Buffer
}

export interface SkillFolder {
  readonly path: string
  /** As it is shown. */
  readonly shown: string
}

const BYTES_MAX = 16 * 1024 * 1024
const FILES_MAX = 2000
/** Entries named in one diagnostic. */
const NAMED = 5

/** What a bottle cannot be given on this host. */
export interface Unready {
  readonly code: 'unknown-skill' | 'bad-skill'
  readonly place: Place
  readonly message: string
  readonly hint: string
}

export type ReadSkill =
  /** `named`: what was read, for whoever waits for a change. */
  { readonly skill: Skill; readonly named: readonly string[] } | { readonly unready: Unready }

export function readSkill(
  name: string,
  place: Place,
  folders: readonly SkillFolder[],
  report: Report,
): ReadSkill {
  const [first, second] = folders.filter(({ path }) => isFolder(join(path, name)))
  if (!first) {
    const hint = `a skill is a folder of that name, and no link, in ${anyOf(folders.map(({ shown }) => shown))}`
    return {
      unready: { code: 'unknown-skill', place, message: `there is no skill ${quoted(name)} here`, hint },
    }
  }
  if (second)
    report.warning(
      'skill-found-twice',
      place,
      `the skill ${quoted(name)} is taken from ${first.shown}; ${second.shown} has one of that name as well`,
    )
  const root = join(first.path, name)
  const bad = (why: string): ReadSkill => ({
    unready: {
      code: 'bad-skill',
      place,
      message: `the skill ${quoted(name)} ${why}`,
      hint: `it lies in ${root}`,
    },
  })
  try {
    const { files, named, leftOut } = filesIn(root)
    if (leftOut.length > 0)
      report.warning(
        'skill-left-out',
        place,
        `of the skill ${quoted(name)} is left out what is no regular file: ${namesOf(leftOut)}`,
      )
    return files.length > 0 ? { skill: { name, files }, named: [root, ...named] } : bad('has no file')
  } catch (thrown) {
    return bad(`cannot be taken: ${ensureError(thrown).message}`)
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

interface Read {
  readonly files: SkillFile[]
  readonly named: string[]
  readonly leftOut: string[]
}

function filesIn(root: string): Read {
  const read: Read = { files: [], named: [], leftOut: [] }
  let [bytes, entries] = [0, 0]
  for (const entry of found(root)) {
    entries += 1
    if (entries > FILES_MAX) throw new RangeError(`more than ${FILES_MAX} files`)
    const shown = safeText(entry.path, 10_000)
    if (entry.kind === 'folder' && shown === entry.path) read.named.push(join(root, entry.path))
    if (entry.kind === 'folder') continue
    if (entry.kind !== 'file' || shown !== entry.path) {
      read.leftOut.push(entry.path)
      continue
    }
    const file = fileOf(entry, BYTES_MAX - bytes)
    bytes += file.content.length
    read.files.push(file)
    read.named.push(join(root, entry.path))
  }
  return read
}

/** Its owner may always write it: the next version takes its place. */
function fileOf(entry: Found, room: number): SkillFile {
  const { descriptor, size } = entry.open()
  try {
    if (size > room) throw new RangeError('larger than 16 MiB')
    return { path: entry.path, mode: (entry.mode & 0o755) | 0o600, content: readWhole(descriptor, size) }
  } finally {
    closeSync(descriptor)
  }
}

function namesOf(paths: readonly string[]): string {
  const shown = paths.slice(0, NAMED).map((path) => safeText(path, 100))
  return [...shown, ...(paths.length > NAMED ? [`${paths.length - NAMED} more`] : [])].join(', ')
}
