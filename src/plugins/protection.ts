/**
 * Whether anybody but the user could have written a plug-in (containment.md, rule 35). Its code runs with the user's
 * rights, so everything of it belongs to the user, and so does, or to root, every folder on the way to it; nobody
 * else can write any of them. Below the plug-in's folder no link is followed.
 */
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { join, resolve, sep } from 'node:path'

export interface Unprotected {
  readonly path: string
  readonly reason: string
  readonly hint: string
}

/** Files and folders of one plug-in. */
const ENTRIES_MAX = 20_000
/** As the kernel counts. */
const LINKS_MAX = 40
const STICKY = 0o1000

/** The first folder or link on the way to `path`, itself included, that somebody else could change. Throws what `node:fs` throws. */
export function unprotectedWay(path: string): Unprotected | undefined {
  let pending = stepsOf(path)
  let at: string = sep
  for (let links = 0; links <= LINKS_MAX;) {
    const found = lstatSync(at)
    if (found.isSymbolicLink()) {
      links += 1
      if (foreign(found, [0])) return belongs(at, found)
      pending = [...stepsOf(resolve(at, '..', readlinkSync(at))), ...pending]
      at = sep
      continue
    }
    if (foreign(found, [0])) return belongs(at, found)
    // In a sticky folder only the owner of an entry can move it.
    if (writable(found) && (found.mode & STICKY) === 0) return open(at, found)
    const [next, ...rest] = pending
    if (next === undefined) return undefined
    pending = rest
    at = join(at, next)
  }
  return { path, reason: 'is behind too many links', hint: 'remove links on the way to it' }
}

/** The first of a plug-in's files and folders that is not the user's alone. Throws what `node:fs` throws. */
export function unprotectedTree(folder: string): Unprotected | undefined {
  const pending = [folder]
  let entries = 0
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    entries += 1
    if (entries > ENTRIES_MAX)
      return {
        path: folder,
        reason: `has more than ${ENTRIES_MAX} files`,
        hint: 'a plug-in is its module and what that imports',
      }
    const found = lstatSync(path)
    if (found.isSymbolicLink())
      return { path, reason: 'is a symbolic link', hint: 'copy what it leads to; no link is followed here' }
    if (foreign(found, [])) return belongs(path, found)
    if (writable(found)) return open(path, found)
    if (found.isDirectory()) for (const name of readdirSync(path)) pending.push(join(path, name))
    else if (!found.isFile()) return { path, reason: 'is neither a file nor a folder', hint: `rm ${path}` }
  }
  return undefined
}

const stepsOf = (path: string): readonly string[] => resolve(path).split(sep).slice(1).filter(Boolean)

function foreign({ uid }: Stats, also: readonly number[]): boolean {
  return uid !== process.getuid?.() && !also.includes(uid)
}

const writable = ({ mode }: Stats): boolean => (mode & 0o022) !== 0

const belongs = (path: string, { uid }: Stats): Unprotected => ({
  path,
  reason: `belongs to uid ${uid}, not to you`,
  hint: 'plug-ins run with your rights: copy it as yourself',
})

const open = (path: string, { mode }: Stats): Unprotected => ({
  path,
  reason: `can be written by others (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`,
  hint: `chmod -R go-w ${path}`,
})
