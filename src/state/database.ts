/**
 * Opens the state database of one stack: durable (WAL, synchronous=FULL: a committed row survives a power cut),
 * brought to this program's schema, and never touched when a newer program wrote it.
 */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BottleError, EXIT, RefusedError } from '../model/errors.ts'
import { stackFolder } from './home.ts'
import type { Home } from './home.ts'
import { MIGRATIONS } from './migrations.ts'
import type { Migration } from './migrations.ts'
import { sqliteReason } from './protected.ts'

export interface DatabaseOptions {
  readonly home: Home
  readonly engineId: string
  readonly stack: string
  /** Version of this program, for the row of a migration and for messages. */
  readonly program: string
  /** ISO 8601. */
  readonly now: () => string
  /** Default: this program's. */
  readonly migrations?: readonly Migration[]
}

export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const path = databasePath(options)
  return durable(`open ${path}`, () => {
    const database = new DatabaseSync(path, { timeout: 5_000 })
    try {
      chmodSync(path, 0o600)
      const found = versionOf(database)
      const known = Math.max(...(options.migrations ?? MIGRATIONS).map((migration) => migration.version))
      if (found > known) throw newer(path, found, known, options.program)
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
      for (const migration of options.migrations ?? MIGRATIONS)
        if (migration.version > found) migrate(database, migration, options)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

export function databasePath({
  home,
  engineId,
  stack,
}: Pick<DatabaseOptions, 'home' | 'engineId' | 'stack'>): string {
  return join(stackFolder(home, engineId, stack), 'state.sqlite')
}

/** Runs one use of the database; what SQLite refuses (full, read-only, damaged) becomes a typed error. */
export function durable<T>(operation: string, use: () => T): T {
  try {
    return use()
  } catch (error) {
    if (error instanceof BottleError) throw error
    throw new BottleError(EXIT.failed, `cannot ${operation}: ${reasonOf(error)}`, {
      code: 'journal-unwritable',
      hint: 'nothing is started that cannot be recorded: free space in the state folder, or choose another with --state-dir',
      cause: error,
    })
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { readonly errcode?: number }).errcode
  const known = code === undefined ? undefined : sqliteReason(code)
  return known ?? (error instanceof Error ? error.message : String(error))
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
}

/** One transaction: schema, its row and the version go in together or not at all. */
function migrate(database: DatabaseSync, migration: Migration, { program, now }: DatabaseOptions): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    if (versionOf(database) < migration.version) {
      const began = now()
      database.exec(migration.sql)
      database
        .prepare('INSERT INTO migrations (version, program, began_at, ended_at) VALUES (?, ?, ?, ?)')
        .run(migration.version, program, began, now())
      database.exec(`PRAGMA user_version = ${migration.version}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function newer(path: string, found: number, known: number, program: string): RefusedError {
  return new RefusedError(
    `${path} has schema version ${found}; bot-bottle ${program} knows versions up to ${known}`,
    { code: 'state-newer', hint: 'use the newer bot-bottle that wrote it, or another --state-dir' },
  )
}
