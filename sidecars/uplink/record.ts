/**
 * The stack record on disk: written whole beside itself, synced, renamed, the folder synced, and only then
 * acknowledged. A record that cannot be read is unknown, which protects; it is never treated as absent and never
 * overwritten.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CONTROL_LINE_MAX } from '../../src/model/control.ts'
import type { StackRecord } from '../../src/model/record.ts'
import { DecodeError, decodeJson } from '../control/decode.ts'
import { ControlError } from '../control/server.ts'
import { controls } from './controls.ts'
import { decodeRecord } from './requests.ts'

/** What a disk does for us; a test has one that forgets what was not synced. */
export interface Disk {
  read(path: string): string
  write(path: string, text: string): void
  rename(from: string, to: string): void
  /** Of a file or of a folder. */
  sync(path: string): void
  remove(path: string): void
}

export const realDisk: Disk = {
  read: (path) => readFileSync(path, 'utf8'),
  write(path, text) {
    const file = openSync(path, 'wx', 0o600)
    try {
      const bytes = Buffer.from(text)
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written)
    } finally {
      closeSync(file)
    }
  },
  rename: renameSync,
  sync(path) {
    const file = openSync(path, 'r')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  },
  remove: (path) => rmSync(path, { force: true }),
}

export interface RecordStore {
  readonly record: StackRecord | undefined
  /** Why the record is unknown. */
  readonly error: string | undefined
  store(record: StackRecord): void
}

export function openRecord(path: string, stack: string, disk: Disk = realDisk): RecordStore {
  let record: StackRecord | undefined
  let error: string | undefined
  try {
    record = read(path, stack, disk)
  } catch (thrown) {
    error = `${path}: ${thrown instanceof DecodeError ? thrown.message : ((thrown as NodeJS.ErrnoException).code ?? 'unreadable')}`
  }
  return {
    get record() {
      return record
    },
    get error() {
      return error
    },
    store(next) {
      if (error !== undefined)
        throw new ControlError('record-unknown', `the stored record cannot be read, so it is kept: ${error}`)
      if (next.stack !== stack)
        throw new ControlError(
          'record-conflict',
          `the record is of stack ${next.stack}, this uplink is of ${stack}`,
        )
      if (controls.on('record-order') && record !== undefined && next.revision !== record.revision + 1) {
        throw new ControlError(
          'record-conflict',
          `revision ${next.revision} does not follow ${record.revision}`,
        )
      }
      write(path, next, disk)
      record = next
    },
  }
}

function read(path: string, stack: string, disk: Disk): StackRecord | undefined {
  let text: string
  try {
    text = disk.read(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (text.length > CONTROL_LINE_MAX) throw new DecodeError('it is too long')
  const record = decodeRecord(decodeJson(text), 'record')
  if (record.stack !== stack) throw new DecodeError(`it is of stack ${record.stack}`)
  return record
}

/** Any failure leaves the old record in place and is the answer. */
function write(path: string, record: StackRecord, disk: Disk): void {
  const fresh = join(dirname(path), '.record.json.new')
  try {
    disk.remove(fresh)
    disk.write(fresh, `${JSON.stringify(record)}\n`)
    if (controls.on('record-fsync')) disk.sync(fresh)
    disk.rename(fresh, path)
    if (controls.on('record-fsync')) disk.sync(dirname(path))
  } catch (error) {
    throw new ControlError(
      'record-not-stored',
      `the record was not stored: ${(error as NodeJS.ErrnoException).code ?? 'failed'}`,
    )
  }
}
