/** What a run does about the deploy keys of one repository: decide once from what is there, make, then revoke. */
import { makeKey, revokeKey, type KeyEffects } from '../../../src/execute/deploy-keys.ts'
import { iso } from '../../../src/execute/clock.ts'
import type { Address } from '../../../src/model/address.ts'
import type { WantedKey } from '../../../src/model/key-row.ts'
import { decideKeys, type KeyDecision } from '../../../src/reconcile/deploy-keys.ts'

export interface KeyWorld extends KeyEffects {
  readonly installation: string
  readonly stack: string
  readonly engineId: string
  readonly repository: string
  readonly rotate?: ReadonlyMap<Address, string>
}

export async function decideFor(world: KeyWorld, wanted: readonly WantedKey[]): Promise<KeyDecision> {
  const { keys, forge, repository, signal } = world
  return decideKeys({
    ...world,
    wanted,
    rows: keys.rows().rows,
    listed: await forge.list(repository, signal),
  })
}

export async function applyKeys(world: KeyWorld, wanted: readonly WantedKey[]): Promise<KeyDecision> {
  const { keys, clock, repository } = world
  const decision = await decideFor(world, wanted)
  for (const { row, key } of decision.keep) if (!row.ended) keys.end(row.id, key.forgeId, iso(clock))
  for (const { wanted: one, resume } of decision.make) await makeKey(world, one, resume)
  for (const { key, row } of decision.revoke) await revokeKey(world, repository, key, row)
  for (const row of decision.forget) keys.forget(row.id)
  return decision
}
