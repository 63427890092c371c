/**
 * Whose a deploy key at a forge is, and what follows (contract.md, Several machines). Pure: from what is declared, what
 * this installation holds and what the forge listed of one repository. A list that could not be had gives no decision;
 * nothing is gone, and nothing is nobody's, by not being seen.
 */
import type { Address } from '../model/address.ts'
import { isOfEngine, parseKeyTitle } from '../model/deploy-key.ts'
import type { KeyMark } from '../model/deploy-key.ts'
import { samePlace } from '../model/key-row.ts'
import type { KeyPlace, KeyRow, WantedKey } from '../model/key-row.ts'
import type { DeployKey } from '../ports/forge.ts'

/** Why a key of ours is to go. */
export type Revocation =
  /** Retired before, and still there. */
  | 'retired'
  /** No remote declares it. */
  | 'undeclared'
  /** Declared with another access, or changed at the forge. */
  | 'access'
  /** Another pair of the same remote is in force. */
  | 'superseded'
  /** Our title, and no pair of it in the state folder. */
  | 'unknown-pair'

/** Not ours to touch. */
export type Shown =
  /** This installation, another stack or engine. */
  | 'elsewhere'
  /** Another installation. */
  | 'foreign'
  /** No key of this program. */
  | 'unmarked'

export interface KeysAt {
  readonly installation: string
  readonly stack: string
  readonly engineId: string
  /** Of this repository, by address. */
  readonly wanted: readonly WantedKey[]
  /** Of this repository. */
  readonly rows: readonly KeyRow[]
  /** All that the forge lists of it. */
  readonly listed: readonly DeployKey[]
  /** Keys that were made before are due for rotation: ISO 8601 by address. */
  readonly rotate?: ReadonlyMap<Address, string>
}

export interface KeyDecision {
  /**
   * Declared, held and listed as it should be. A row without `ended` (its answer was lost) is ended with the key's id.
   * `due`: its successor is under `make`.
   */
  readonly keep: readonly { readonly row: KeyRow; readonly key: DeployKey; readonly due: boolean }[]
  /** Declared and not there. `resume`: its pair is made, and the forge does not list it. */
  readonly make: readonly { readonly wanted: WantedKey; readonly resume?: KeyRow }[]
  /** Ours and nobody's. After what is made is in force: `superseded` ones serve until then. */
  readonly revoke: readonly { readonly key: DeployKey; readonly why: Revocation; readonly row?: KeyRow }[]
  /** Rows whose key the forge does not have, and which serve nothing. */
  readonly forget: readonly KeyRow[]
  readonly shown: readonly { readonly key: DeployKey; readonly is: Shown; readonly mark?: KeyMark }[]
}

export function decideKeys(at: KeysAt): KeyDecision {
  const { wanted, rows, listed } = at
  const wantedBy = new Map(wanted.map((one) => [one.address, one]))
  const keyOf = new Map(rows.map((row) => [row.id, listed.find((key) => holds(row, key))]))
  const inForce = new Map<Address, KeyRow>()
  for (const row of [...rows].sort(byAge)) {
    const [one, key] = [wantedBy.get(row.address), keyOf.get(row.id)]
    if (one && key && row.retiredAt === undefined && serves(row, key, one)) inForce.set(row.address, row)
  }
  const isInForce = (row: KeyRow) => inForce.get(row.address)?.id === row.id
  const isDue = ({ address, begunAt }: KeyRow) => begunAt < (at.rotate?.get(address) ?? '')

  const judged = listed.map((key) =>
    judge(
      at,
      key,
      rows.find((row) => holds(row, key)),
    ),
  )
  const make = wanted.flatMap((one) => {
    const present = inForce.get(one.address)
    if (present !== undefined && !isDue(present)) return []
    const resume = rows.filter((row) => isBegun(row, one) && keyOf.get(row.id) === undefined).sort(byAge)
    const last = resume.findLast((row) => !isDue(row))
    return [{ wanted: one, ...(last && { resume: last }) }]
  })
  const resumed = new Set(make.map(({ resume }) => resume?.id))
  return {
    keep: judged.flatMap(({ key, row }) => (row && isInForce(row) ? [{ row, key, due: isDue(row) }] : [])),
    make,
    revoke: judged.flatMap(({ key, row, shown }) =>
      shown !== undefined || (row && isInForce(row))
        ? []
        : [{ key, why: whyGone(key, row, wantedBy), ...(row && { row }) }],
    ),
    forget: rows.filter((row) => keyOf.get(row.id) === undefined && !resumed.has(row.id)),
    shown: judged.flatMap(({ key, shown }) => (shown ? [{ key, ...shown }] : [])),
  }
}

/** What is to be asked and decided for itself: one repository, as the manifest reaches it, else as the last key of it did. */
export interface KeysOfPlace {
  readonly reach: WantedKey
  readonly wanted: readonly WantedKey[]
  readonly rows: readonly KeyRow[]
}

export function keysByPlace(wanted: readonly WantedKey[], rows: readonly KeyRow[]): readonly KeysOfPlace[] {
  const reaches = [...wanted, ...[...rows].sort(byAge).reverse()]
  const isFirst = (place: KeyPlace, index: number) =>
    reaches.findIndex((other) => samePlace(other, place)) === index
  return reaches.filter(isFirst).map((reach) => ({
    reach,
    wanted: wanted.filter((one) => samePlace(one, reach)),
    rows: rows.filter((row) => samePlace(row, reach)),
  }))
}

/** By fingerprint: a title can be changed at the forge, a pair cannot. */
function holds(row: KeyRow, key: DeployKey): boolean {
  return key.fingerprint === row.fingerprint
}

function serves(row: KeyRow, key: DeployKey, wanted: WantedKey): boolean {
  return row.readOnly === wanted.readOnly && key.readOnly === wanted.readOnly
}

function isBegun(row: KeyRow, wanted: WantedKey): boolean {
  const fits = row.address === wanted.address && row.readOnly === wanted.readOnly
  return fits && row.ended === undefined && row.retiredAt === undefined
}

/** The oldest first; of the same moment by id, so that every run decides alike. */
function byAge(a: KeyRow, b: KeyRow): number {
  const [left, right] = [`${a.begunAt} ${a.id}`, `${b.begunAt} ${b.id}`]
  return left < right ? -1 : left > right ? 1 : 0
}

interface Judged {
  readonly key: DeployKey
  readonly row?: KeyRow
  /** Absent: ours. */
  readonly shown?: { readonly is: Shown; readonly mark?: KeyMark }
}

function judge({ installation, stack, engineId }: KeysAt, key: DeployKey, row: KeyRow | undefined): Judged {
  if (row !== undefined) return { key, row }
  const mark = parseKeyTitle(key.title)
  if (mark === undefined) return { key, shown: { is: 'unmarked' } }
  if (mark.installation !== installation) return { key, shown: { is: 'foreign', mark } }
  const isOurs = mark.stack === stack && isOfEngine(mark.id, engineId)
  return isOurs ? { key } : { key, shown: { is: 'elsewhere', mark } }
}

function whyGone(
  key: DeployKey,
  row: KeyRow | undefined,
  wantedBy: ReadonlyMap<Address, WantedKey>,
): Revocation {
  if (row === undefined) return 'unknown-pair'
  if (row.retiredAt !== undefined) return 'retired'
  const wanted = wantedBy.get(row.address)
  if (wanted === undefined) return 'undeclared'
  return serves(row, key, wanted) ? 'superseded' : 'access'
}
