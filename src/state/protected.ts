/**
 * Files that only their owner may touch: folders 0700, files 0600, no link followed, written whole or not at all
 * (containment.md, rule 36). Refusals name the path and the way out.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { BottleError, EXIT, RefusedError } from '../model/errors.ts'

/** Creates a folder (0700) where none is; refuses one of another owner, a wider one, and anything that is no folder. */
export function ensureFolder(path: string): void {
  try {
    makeFolders(path)
  } catch (error) {
    throw unwritable('create the folder', path, error)
  }
  checkFolder(path)
}

/** Not `recursive`: where the system refuses with ENOENT below a folder that is there (/proc), Node tries for ever. */
function makeFolders(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path || existsSync(parent)) throw error
    makeFolders(parent)
    // Again with the same tolerance: another process may be at it too.
    makeFolders(path)
  }
}

export function checkFolder(path: string): void {
  const found = lstatSync(path)
  if (!found.isDirectory()) {
    throw new RefusedError(`${path} is not a folder`, {
      code: 'state-folder-unsafe',
      hint: `move it away, or choose another folder with --state-dir`,
    })
  }
  const uid = process.getuid?.()
  if (uid !== undefined && found.uid !== uid) {
    throw new RefusedError(`${path} belongs to uid ${found.uid}, not to you (uid ${uid})`, {
      code: 'state-folder-unsafe',
      hint: 'choose another folder with --state-dir or BOT_BOTTLE_HOME',
    })
  }
  const mode = found.mode & 0o777
  if ((mode & 0o077) !== 0) {
    throw new RefusedError(`${path} is open to others (mode ${mode.toString(8).padStart(4, '0')})`, {
      code: 'state-folder-unsafe',
      hint: `chmod 700 ${path}`,
    })
  }
}

/** Content of a file of ours, or `undefined` when there is none. Opened once; owner and mode are those of what was opened. */
export function readProtected(path: string): string | undefined {
  const fd = openExisting(path)
  if (fd === undefined) return undefined
  try {
    const found = fstatSync(fd)
    const uid = process.getuid?.()
    const foreign = uid !== undefined && found.uid !== uid
    if (!found.isFile() || foreign || (found.mode & 0o077) !== 0) {
      throw new RefusedError(`${path} is not a file that only you can read`, {
        code: 'state-file-unsafe',
        hint: foreign ? `it belongs to uid ${found.uid}: move it away` : `chmod 600 ${path}`,
      })
    }
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') {
      throw new RefusedError(`${path} is a symbolic link`, {
        code: 'state-file-unsafe',
        hint: 'remove the link; bot-bottle follows none in its own folder',
      })
    }
    throw unwritable('read', path, error)
  }
}

/** Writes a file (0600) beside its name, makes it durable and moves it there: readers see the old or the new one. */
export function writeProtected(path: string, content: string): void {
  const beside = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    const fd = openSync(beside, 'wx', 0o600)
    try {
      writeFileSync(fd, content)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(beside, path)
    syncFolder(dirname(path))
  } catch (error) {
    rmSync(beside, { force: true })
    throw unwritable('write', path, error)
  }
}

/** Content of a file of ours that is made where there is none and never again. `link` fails when the name is taken: of two first runs one wins, and nobody reads half a file. */
export function keptOnce(path: string, made: () => string): string {
  const found = readProtected(path)
  if (found !== undefined) return found
  const beside = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    const fd = openSync(beside, 'wx', 0o600)
    try {
      writeFileSync(fd, made())
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    linkSync(beside, path)
    syncFolder(dirname(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable('write', path, error)
  } finally {
    rmSync(beside, { force: true })
  }
  return readProtected(path) ?? ''
}

/** Makes a rename or a removal in the folder durable. */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EDQUOT: 'the quota is used up',
}

/** In words; SQLite says every error in a number of its own. */
function reasonOf(error: unknown): string {
  const { code, errcode } = error as { readonly code?: string; readonly errcode?: number }
  if (errcode !== undefined) return sqliteReason(errcode) ?? String(code)
  return REASONS[code ?? ''] ?? code ?? String(error)
}

const SQLITE: Readonly<Record<number, string>> = {
  5: 'the database is in use by another process',
  8: 'the database is read-only',
  10: 'the disk does not answer as it should; it may be full',
  11: 'the database is damaged',
  13: 'the disk is full',
  14: 'the file cannot be opened',
  26: 'the file is not a database',
}

export function sqliteReason(errcode: number): string | undefined {
  return SQLITE[errcode & 0xff]
}

export function unwritable(operation: string, path: string, error: unknown): BottleError {
  const reason = reasonOf(error)
  return new BottleError(EXIT.failed, `cannot ${operation} ${path}: ${reason}`, {
    code: 'state-unwritable',
    hint: 'check free space and permissions of the state folder, or choose another with --state-dir',
    cause: error,
  })
}
