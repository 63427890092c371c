/** Which row of the state folder stands for a key now, and which can be gone on with. Pure. */
import type { KeyRow, WantedKey } from '../../model/key-row.ts'
import { samePlace } from '../../model/key-row.ts'

/** The newest that a forge has, else the newest that was begun. */
export function currentRow(rows: readonly KeyRow[], address: string): KeyRow | undefined {
  const usable = ofAddress(rows, address)
  return usable.findLast(({ ended }) => ended !== undefined) ?? usable.at(-1)
}

/** Begun and not ended, for exactly this: its pair is used, so that a lost answer makes no second key. */
export function resumable(rows: readonly KeyRow[], wanted: WantedKey): KeyRow | undefined {
  return ofAddress(rows, wanted.address).findLast(
    (row) => row.ended === undefined && samePlace(row, wanted) && row.readOnly === wanted.readOnly,
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
