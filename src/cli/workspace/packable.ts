/**
 * What of a tree here the helper in the bottle would refuse on its way in (`put`), found before the first byte is sent:
 * then nothing is copied, instead of whatever comes before it.
 */
import { access, constants, lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError } from '../../model/errors.ts'

/** What the helper takes at once. */
export const BYTES_MAX = 4 * 1024 ** 3
export const ENTRIES_MAX = 500_000
const LEVELS_MAX = 255

interface Seen {
  entries: number
  bytes: number
}

/** `name`: as with `packInto`. */
export async function requirePackable(path: string, name?: string): Promise<void> {
  const seen: Seen = { entries: 0, bytes: 0 }
  if (name === undefined) await folder(path, '', seen)
  else await entry(path, name, seen)
}

async function folder(path: string, prefix: string, seen: Seen): Promise<void> {
  for (const child of (await readdir(path)).sort()) await entry(join(path, child), `${prefix}${child}`, seen)
}

async function entry(path: string, name: string, seen: Seen): Promise<void> {
  const about = await lstat(path)
  seen.entries += 1
  if (seen.entries > ENTRIES_MAX) throw refused(path, `is one of more than ${ENTRIES_MAX} files`)
  if (name.split('/').length > LEVELS_MAX) throw refused(path, `lies more than ${LEVELS_MAX} levels down`)
  if (about.isSymbolicLink()) {
    const target = await readlink(path)
    if (!staysInside(name, target)) throw refused(path, `is a link out of what is copied, to ${target}`)
  } else if (about.isDirectory()) {
    await readable(path)
    await folder(path, `${name}/`, seen)
  } else if (about.isFile()) {
    await readable(path)
    seen.bytes += about.size
    if (seen.bytes > BYTES_MAX) throw refused(path, 'is more than 4 GiB with what comes before it')
  }
}

async function readable(path: string): Promise<void> {
  await access(path, constants.R_OK).catch(() => {
    throw refused(path, 'cannot be read')
  })
}

/** The letters only, as the helper judges them (`linkStaysInside`). */
export function staysInside(name: string, target: string): boolean {
  if (target === '' || target.startsWith('/')) return false
  let depth = name.split('/').length - 1
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1
    else if (part !== '' && part !== '.') depth += 1
    if (depth < 0) return false
  }
  return true
}

function refused(path: string, why: string): DriverError {
  return new DriverError(`nothing was copied: ${path} ${why}`, { code: 'copy-refused' })
}
