/**
 * Reads a secret from a file: opened once without following a link, judged by what was opened, its content passed on
 * (containment.md, SPP-11). Nothing that others can read, replace or block on is taken.
 */
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '../model/errors.ts'

/** Bytes; a longer file is no credential. */
const LONGEST = 64 * 1024

export async function readSecretFile(path: string): Promise<string> {
  const file = await opened(path)
  try {
    await judge(path, file)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LONGEST + 1), 0, LONGEST + 1, 0)
    if (bytesRead > LONGEST)
      throw refused(path, 'is longer than 64 KiB', 'name a file that holds the value alone')
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await file.close()
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK a FIFO would hold the program until somebody writes.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw refused(path, 'is not there', 'create it with mode 0600')
      case 'ELOOP':
        throw refused(path, 'is a symbolic link', 'name the file itself')
      case 'EACCES':
        throw refused(path, 'cannot be read', `chown it to yourself and chmod 600 ${path}`)
      default:
        throw refused(path, 'cannot be opened', 'name a regular file of yours')
    }
  }
}

async function judge(path: string, file: FileHandle): Promise<void> {
  const found = await file.stat()
  const uid = process.getuid?.()
  if (!found.isFile()) throw refused(path, 'is not a regular file', 'name a regular file of yours')
  if (uid !== undefined && found.uid !== uid)
    throw refused(path, `belongs to uid ${found.uid}, not to you (uid ${uid})`, 'use a file of your own')
  if ((found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    throw refused(path, `is open to others (mode ${mode})`, `chmod 600 ${path}`)
  }
  const folder = await stat(dirname(path))
  if ((folder.mode & 0o002) !== 0)
    throw refused(path, 'lies in a folder that anybody can write to', 'move it to a folder of yours')
  if (uid !== undefined && folder.uid !== uid && folder.uid !== 0)
    throw refused(path, `lies in a folder of uid ${folder.uid}`, 'move it to a folder of yours')
}

function refused(path: string, what: string, hint: string): UsageError {
  return new UsageError(`secret file ${path} ${what}`, { code: 'secret-file-refused', hint })
}
