/** What was applied last, per address, as this installation knows it. Hints beside the stack record, never the truth about the world. */
import type { DatabaseSync } from 'node:sqlite'
import type { Address } from '../model/address.ts'
import { canonical } from '../model/json.ts'
import type { Json } from '../model/json.ts'
import { durable } from './database.ts'

export interface Applied {
  readonly address: Address
  readonly digest: string
  readonly digestVersion: number
  /** The desired value. Never a secret. */
  readonly value: Json
  readonly objectId?: string
}

export interface Records {
  put(applied: Applied, at: string): void
  remove(address: Address): void
  all(): readonly Applied[]
}

export function openRecords(database: DatabaseSync): Records {
  return {
    put: (applied, at) =>
      durable(`record what was applied to ${applied.address}`, () => {
        database
          .prepare(
            `INSERT INTO applied (address, digest, digest_version, value, object_id, at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (address) DO UPDATE SET digest = excluded.digest, digest_version = excluded.digest_version,
               value = excluded.value, object_id = excluded.object_id, at = excluded.at`,
          )
          .run(
            applied.address,
            applied.digest,
            applied.digestVersion,
            canonical(applied.value),
            applied.objectId ?? null,
            at,
          )
      }),
    remove: (address) =>
      durable(`forget ${address}`, () => {
        database.prepare('DELETE FROM applied WHERE address = ?').run(address)
      }),
    all: () =>
      durable('read what was applied', () =>
        database
          .prepare('SELECT * FROM applied ORDER BY address')
          .all()
          .flatMap((row) => decoded(row)),
      ),
  }
}

/** The one parse point of an applied row; one that cannot be understood is left out. */
function decoded(row: Readonly<Record<string, unknown>>): Applied[] {
  try {
    const objectId = row['object_id']
    return [
      {
        address: String(row['address']) as Address,
        digest: String(row['digest']),
        digestVersion: Number(row['digest_version']),
        value: JSON.parse(String(row['value'])) as Json,
        ...(typeof objectId === 'string' && { objectId }),
      },
    ]
  } catch {
    return []
  }
}
