/** Whose a deploy key that a forge lists is (contract.md, Several machines). Pure. */
import type { Address } from '../model/address.ts'
import { isOfEngine, parseKeyTitle } from '../model/deploy-key.ts'
import type { KeyMark } from '../model/deploy-key.ts'
import { samePlace } from '../model/key-row.ts'
import type { KeyPlace, KeyRow } from '../model/key-row.ts'
import type { DeployKey } from '../ports/forge.ts'

export interface KeyOwner {
  readonly installation: string
  readonly stack: string
  readonly engineId: string
  readonly rows: readonly KeyRow[]
}

/**
 * `elsewhere`: of this installation, another stack or engine. `foreign`: of another installation. `unmarked`: no key of
 * this program. None of the three is ever touched by a plan.
 */
export type Whose =
  /** `row` absent: our title, and no pair of it in the state folder. */
  | { readonly is: 'ours'; readonly address: Address; readonly row?: KeyRow }
  | { readonly is: 'elsewhere' | 'foreign'; readonly mark: KeyMark }
  | { readonly is: 'unmarked' }

/** By its pair, which nobody can change at the forge; else by its title. */
export function whoseKey(place: KeyPlace, key: DeployKey, owner: KeyOwner): Whose {
  const row = owner.rows.find((one) => samePlace(one, place) && one.fingerprint === key.fingerprint)
  if (row) return { is: 'ours', address: row.address, row }
  const mark = parseKeyTitle(key.title)
  if (mark === undefined) return { is: 'unmarked' }
  if (mark.installation !== owner.installation) return { is: 'foreign', mark }
  const isOurs = mark.stack === owner.stack && isOfEngine(mark.id, owner.engineId)
  return isOurs ? { is: 'ours', address: mark.address } : { is: 'elsewhere', mark }
}
