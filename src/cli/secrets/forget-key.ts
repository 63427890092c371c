/**
 * `keys forget ID`: the way out where a key can never be confirmed as revoked, because its repository is gone or the
 * forge is. Only the pair here is taken away, and never that of a key which a forge lists.
 */
import { randomUUID } from 'node:crypto'
import { RefusedError, UsageError } from '../../model/errors.ts'
import { samePlace } from '../../model/key-row.ts'
import type { KeyRow } from '../../model/key-row.ts'
import { safeText } from '../../model/text.ts'
import type { Lease } from '../../ports/driver.ts'
import type { KeysLook } from '../../reconcile/snapshot-git.ts'
import { openDatabase } from '../../state/database.ts'
import { openDeployKeys } from '../../state/deploy-keys.ts'
import { openJournal } from '../../state/journal.ts'
import type { Io } from '../io.ts'
import type { Stack } from '../stack/stack.ts'
import { VERSION } from '../version.ts'

/** The key of this id, which no forge is known to list. */
export function forgettable(look: KeysLook | undefined, id: string): KeyRow {
  const row = look?.rows.find((one) => one.id === id)
  if (!look || !row)
    throw new UsageError(`the state folder holds no deploy key with the id \`${id}\``, {
      code: 'unknown-key',
      hint: 'bot-bottle keys',
    })
  const answer = look.forges.find((forge) => samePlace(forge, row))?.answer
  if (answer && 'keys' in answer && answer.keys.some(({ fingerprint }) => fingerprint === row.fingerprint))
    throw new RefusedError(`${row.address} is listed at ${placeOf(row)}: it opens the repository`, {
      code: 'key-listed',
      hint: `bot-bottle keys revoke ${id}`,
    })
  return row
}

export function forgetQuestion(row: KeyRow): string {
  return (
    `Forget ${row.address} (${row.fingerprint}) without a word of ${placeOf(row)}? ` +
    'If the forge has it still, whoever has its private half can use it until somebody removes it there.'
  )
}

/** In the journal it is a removal that was skipped, with the fingerprint to look for at the forge. */
export function forgetKey(
  stack: Stack,
  { engineId }: Lease,
  { id, address, fingerprint }: KeyRow,
  io: Pick<Io, 'now'>,
): void {
  const now = (): string => new Date(io.now()).toISOString()
  const place = { home: stack.home, engineId, stack: stack.name }
  const database = openDatabase({ ...place, program: VERSION, now })
  try {
    const journal = openJournal(database)
    const row = journal.begin(randomUUID(), { address, verb: 'remove', driver: stack.driverName }, now())
    openDeployKeys(place).forget(id)
    journal.end(row, { outcome: 'skipped', objectId: fingerprint, errorCode: 'key-forgotten' }, now())
  } finally {
    database.close()
  }
}

function placeOf({ api, repository }: KeyRow): string {
  return `${safeText(api)} (${safeText(repository)})`
}
