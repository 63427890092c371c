/**
 * A deploy key from pair to forge and back: intent durable before the forge hears of it, each step repeatable, so that a
 * run that was cut off anywhere is finished by the next (lessons.md, 24).
 */
import { parseKeyTitle } from '../model/deploy-key.ts'
import type { KeyRow, WantedKey } from '../model/key-row.ts'
import type { DeployKey, Forge } from '../ports/forge.ts'
import type { DeployKeys } from '../state/deploy-keys.ts'
import { iso } from './clock.ts'
import type { Clock } from './clock.ts'

export interface KeyEffects {
  readonly keys: DeployKeys
  readonly forge: Forge
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** begin → create → end. `resume`: a row that began before, whose key the forge did not list. */
export async function makeKey(
  { keys, forge, clock, signal }: KeyEffects,
  wanted: WantedKey,
  resume?: KeyRow,
): Promise<KeyRow> {
  signal.throwIfAborted()
  const row = resume ?? keys.begin(wanted, iso(clock))
  const { forgeId } = await forge.create(row.repository, row, signal)
  return keys.end(row.id, forgeId, iso(clock))
}

/** retire → revoke → forget. `row`: the pair, where this installation holds it; a file of it that is not whole goes too. */
export async function revokeKey(
  { keys, forge, clock, signal }: KeyEffects,
  repository: string,
  key: DeployKey,
  row?: KeyRow,
): Promise<void> {
  signal.throwIfAborted()
  if (row) keys.retire(row.id, iso(clock))
  await forge.revoke(repository, key, signal)
  if (row) keys.forget(row.id)
  const titled = parseKeyTitle(key.title)?.id
  if (titled !== undefined && keys.rows().damaged.includes(titled)) keys.forget(titled)
}
