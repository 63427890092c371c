/**
 * The lock of one stack on one engine: an exclusive transaction of SQLite, so the kernel holds it and it dies with
 * the process, also after `kill -9`. `holder.json` beside it only tells people who holds it; nothing decides by it.
 * This module alone makes a `Lease`; without one there is no actuator.
 */
import { rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { BottleError, BusyError, EXIT } from '../model/errors.ts'
import type { Lease } from '../ports/driver.ts'
import { stackFolder } from './home.ts'
import type { Home } from './home.ts'
import { readProtected, unwritable, writeProtected } from './protected.ts'

/** Who holds the lock, as far as it said so. */
export interface Holder {
  readonly pid: number
  readonly command: string
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

export interface AcquireOptions {
  readonly home: Home
  readonly engineId: string
  readonly stack: string
  /** What the holder is doing, for whoever waits: `apply`. */
  readonly command: string
  /** Milliseconds to wait for another holder; 0: not at all. */
  readonly timeoutMs: number
  /** Called once, before the wait begins. */
  readonly onWait?: (holder: Holder | undefined) => void
  readonly signal?: AbortSignal
}

export interface HeldLock {
  readonly lease: Lease
  release(): void
}

/** Milliseconds between two attempts. */
const ATTEMPT_EVERY = 50

export async function acquire(options: AcquireOptions): Promise<HeldLock> {
  const folder = stackFolder(options.home, options.engineId, options.stack)
  const holderFile = join(folder, 'holder.json')
  const until = performance.now() + options.timeoutMs
  let waiting = false
  for (;;) {
    const database = attempt(join(folder, 'lock.sqlite'))
    if (database) return held(database, holderFile, options)
    const holder = readHolder(holderFile)
    if (performance.now() >= until) throw busy(options.stack, holder)
    if (!waiting) options.onWait?.(holder)
    waiting = true
    await sleep(Math.min(ATTEMPT_EVERY, Math.max(1, until - performance.now())), undefined, {
      ...(options.signal && { signal: options.signal }),
    })
  }
}

/** The database whose open transaction is the lock; `undefined` while another process has it. */
function attempt(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    if (isBusy(error)) return undefined
    throw unwritable('lock', path, error)
  }
}

function held(database: DatabaseSync, holderFile: string, options: AcquireOptions): HeldLock {
  let open = true
  const { stack, engineId, command } = options
  const holder: Holder = { pid: process.pid, command, host: hostname(), since: new Date().toISOString() }
  try {
    writeProtected(holderFile, `${JSON.stringify(holder)}\n`)
  } catch (error) {
    database.close()
    throw error
  }
  const lease = {
    stack,
    engineId,
    get held() {
      return open
    },
  } as Lease
  return {
    lease,
    release() {
      if (!open) return
      open = false
      rmSync(holderFile, { force: true })
      database.close()
    },
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED with their extended codes. */
function isBusy(error: unknown): boolean {
  const code = (error as { readonly errcode?: number }).errcode
  return code !== undefined && [5, 6].includes(code & 0xff)
}

/** The one parse point of `holder.json`; what cannot be read is simply not told. */
function readHolder(path: string): Holder | undefined {
  try {
    const found: unknown = JSON.parse(readProtected(path) ?? 'null')
    if (typeof found !== 'object' || found === null) return undefined
    const { pid, command, host, since } = found as Record<string, unknown>
    return typeof pid === 'number' &&
      typeof command === 'string' &&
      typeof host === 'string' &&
      typeof since === 'string'
      ? { pid, command, host, since }
      : undefined
  } catch (error) {
    if (error instanceof BottleError && error.exit === EXIT.refused) throw error
    return undefined
  }
}

function busy(stack: string, holder: Holder | undefined): BusyError {
  const who = holder
    ? `${holder.command} (pid ${holder.pid} on ${holder.host}, since ${holder.since})`
    : 'another process'
  return new BusyError(`stack ${stack} is busy: ${who} holds its lock`, {
    code: 'stack-busy',
    hint: 'wait for it to end, or pass --lock-timeout; the lock ends with the process that holds it',
  })
}
