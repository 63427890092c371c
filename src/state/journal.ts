/**
 * The journal: what this installation set out to do and how it ended. No effect starts before its begin row is
 * durable; none counts as done before its end row is. A row that never ended is a note, not a wall: observation
 * decides what the world is (anchors A.3, A.10). No secret is in here.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Address } from '../model/address.ts'
import type { Outcome } from '../model/event.ts'
import type { Verb } from '../model/plan.ts'
import type { DriverName } from '../model/resource.ts'
import { durable } from './database.ts'

export interface Operation {
  readonly address: Address
  readonly verb: Verb
  readonly driver: DriverName
  /** Digest of the desired value; absent for a removal. */
  readonly digest?: string
}

export interface OperationEnd {
  readonly outcome: Outcome
  readonly objectId?: string
  readonly errorCode?: string
}

/** A row of the journal as it can be read: fields of rows that an older or newer program wrote may be missing. */
export interface JournalRow {
  readonly id: number
  readonly run: string
  readonly address: string
  readonly verb: string
  readonly digest?: string
  readonly beganAt: string
  readonly endedAt?: string
  readonly outcome?: string
}

export interface Journal {
  /** Returns when the row is durable. */
  begin(run: string, operation: Operation, at: string): number
  /** Returns when the row is durable. */
  end(id: number, end: OperationEnd, at: string): void
  /** Rows without an end, oldest first. */
  pending(): readonly JournalRow[]
  rows(): readonly JournalRow[]
  /** Ends what an interrupted run left open: the world was looked at since, so it is no longer pending. */
  settle(at: string): void
}

export function openJournal(database: DatabaseSync): Journal {
  return {
    begin: (run, operation, at) =>
      durable(`record the start of ${operation.verb} ${operation.address}`, () => {
        const row = database
          .prepare(
            'INSERT INTO operations (run, address, verb, driver, digest, began_at) VALUES (?, ?, ?, ?, ?, ?)',
          )
          .run(run, operation.address, operation.verb, operation.driver, operation.digest ?? null, at)
        return Number(row.lastInsertRowid)
      }),
    end: (id, end, at) =>
      durable(`record the end of operation ${id}`, () => {
        database
          .prepare(
            'UPDATE operations SET ended_at = ?, outcome = ?, object_id = ?, error_code = ? WHERE id = ?',
          )
          .run(at, end.outcome, end.objectId ?? null, end.errorCode ?? null, id)
      }),
    pending: () => read(database, 'WHERE ended_at IS NULL'),
    rows: () => read(database, ''),
    settle: (at) =>
      durable('close what an interrupted run left open', () => {
        database
          .prepare("UPDATE operations SET ended_at = ?, outcome = 'interrupted' WHERE ended_at IS NULL")
          .run(at)
      }),
  }
}

function read(database: DatabaseSync, where: string): JournalRow[] {
  return durable('read the journal', () =>
    database
      .prepare(`SELECT * FROM operations ${where} ORDER BY id`)
      .all()
      .map((row) => decoded(row)),
  )
}

/** The one parse point of a journal row; lenient, because a row that cannot be understood must not stop an apply. */
function decoded(row: Readonly<Record<string, unknown>>): JournalRow {
  const optional = (key: string) => (typeof row[key] === 'string' ? row[key] : undefined)
  const [digest, endedAt, outcome] = [optional('digest'), optional('ended_at'), optional('outcome')]
  return {
    id: Number(row['id']),
    run: optional('run') ?? '',
    address: optional('address') ?? '',
    verb: optional('verb') ?? '',
    beganAt: optional('began_at') ?? '',
    ...(digest !== undefined && { digest }),
    ...(endedAt !== undefined && { endedAt }),
    ...(outcome !== undefined && { outcome }),
  }
}
