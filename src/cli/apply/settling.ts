/**
 * A run that was killed leaves rows in the journal without an end. Where the next one finds nothing to do, the world has
 * been looked at since, and they are ended as a run that acts ends them; a journal that has none is not written.
 */
import { existsSync } from 'node:fs'
import type { Lease } from '../../ports/driver.ts'
import { databasePath, openDatabase } from '../../state/database.ts'
import { openJournal } from '../../state/journal.ts'
import type { Io } from '../io.ts'
import type { Stack } from '../stack/stack.ts'
import { VERSION } from '../version.ts'

export function settleInterrupted(stack: Stack, { engineId }: Lease, io: Pick<Io, 'now'>): void {
  const now = (): string => new Date(io.now()).toISOString()
  const options = { home: stack.home, engineId, stack: stack.name, program: VERSION, now }
  if (!existsSync(databasePath(options))) return
  const database = openDatabase(options)
  try {
    const journal = openJournal(database)
    if (journal.pending().length > 0) journal.settle(now())
  } finally {
    database.close()
  }
}
