/** Which row of the state folder stands for a key now, and which can be gone on with. Pure. */
import type { KeyRow, WantedKey } from '../../model/key-row.ts'
import { samePlace } from '../../model/key-row.ts'

/** The newest that was seen to open its upstream, else the newest that a forge has, else the newest that was begun. */
export function currentRow(rows: readonly KeyRow[], address: string): KeyRow | undefined {
  const usable = ofAddress(rows, address)
  const made = usable.filter(({ ended }) => ended !== undefined)
  return made.findLast(({ verifiedAt }) => verifiedAt !== undefined) ?? made.at(-1) ?? usable.at(-1)
}

/**
 * Begun for exactly this, and not ended or not in force because nobody has seen it open the upstream: its pair is used,
 * so that a lost answer makes no second key.
 */
export function resumable(rows: readonly KeyRow[], wanted: WantedKey): KeyRow | undefined {
  const current = currentRow(rows, wanted.address)
  return ofAddress(rows, wanted.address).findLast(
    (row) =>
      (row.ended === undefined || (row.verifiedAt === undefined && row !== current)) &&
      samePlace(row, wanted) &&
      row.readOnly === wanted.readOnly,
  )
}

function ofAddress(rows: readonly KeyRow[], address: string): readonly KeyRow[] {
  return rows.filter((row) => row.address === address && row.retiredAt === undefined).sort(byAge)
}

/** The oldest first; of the same moment by id, so that every run decides alike. */
function byAge(a: KeyRow, b: KeyRow): number {
  const [left, right] = [`${a.begunAt} ${a.id}`, `${b.begunAt} ${b.id}`]
  return left < right ? -1 : left > right ? 1 : 0
}
