/**
 * Deploy keys at their forges. The pair is durable before the forge hears of it, a key is retired before it is revoked
 * and forgotten only when the forge lists it no more (containment.md, rule 38). Every function ends, repeated after a
 * crash or a lost answer, in the same world.
 */
import type { Address } from '../model/address.ts'
import { parseKeyTitle } from '../model/deploy-key.ts'
import { ForgeError } from '../model/forge-error.ts'
import type { KeyRow, WantedKey } from '../model/key-row.ts'
import type { Action } from '../model/plan.ts'
import type { SecretRef } from '../model/secret.ts'
import type { Effect } from '../ports/driver.ts'
import type { Forge } from '../ports/forge.ts'
import { currentRow, resumable } from '../resources/key/rows.ts'
import type { KeyAtForge, KeySpec } from '../resources/key/spec.ts'
import { iso } from './clock.ts'
import { nameOfRemote, swapIdentity, wantedRemotes } from './gate.ts'
import { verifyNext } from './verify.ts'
import type { VerifyDeps } from './verify.ts'
import type { Plan } from '../model/plan.ts'

/** How a forge is reached; the reference of the token is resolved on the way. */
export interface ForgeAt {
  readonly provider: string
  readonly api: string
  readonly tokenRef: SecretRef
  readonly allowPrivate: boolean
  /** PEM. */
  readonly trust: readonly string[]
}

export type OpenForge = (at: ForgeAt) => Promise<Forge>

export interface KeyDeps extends VerifyDeps {
  readonly plan: Plan
  readonly forges: OpenForge
  /** PEM of further upstream authorities. */
  readonly trust: readonly string[]
}

export async function carryOutKey(action: Action, deps: KeyDeps): Promise<Effect> {
  const { verb, desired, observed } = action
  const seen = (observed?.fields ?? {}) as unknown as {
    readonly all?: readonly KeyAtForge[]
    readonly leftovers?: readonly KeyAtForge[]
  }
  const { all = [], leftovers = [] } = seen
  if (verb === 'remove') {
    await revokeAll(all, deps)
    return { did: `revoked at ${hostsOf(all)}` }
  }
  const spec = desired?.spec as KeySpec
  const isUnconfirmed = action.differences.some(({ path }) => path === 'listed')
  if (verb === 'update' && !isUnconfirmed) {
    const row = currentRow(deps.keys.rows().rows, action.address)
    if (row?.ended) await verified(action, row, deps)
    await swapped(action, deps)
    await revokeAll(leftovers, deps)
    return { did: `revoked at ${hostsOf(leftovers)}` }
  }
  if (verb === 'remove-then-create') await revokeAll(all, deps)
  const row = await make(action.address, spec, deps)
  const others = verb === 'create-then-remove' ? all : leftovers
  const old = verb === 'remove-then-create' ? [] : others.filter((one) => one.row !== row.id)
  await verified(action, row, deps)
  // From here on the new one is the key, whatever a clock says.
  for (const one of old) retire(one, deps)
  await swapped(action, deps)
  await revokeAll(old, deps)
  const words = verb === 'create' || isUnconfirmed ? 'made' : 'made anew'
  return { did: `${words} at ${hostOf(spec.api)}`, objectId: row.fingerprint }
}

async function make(at: Address, spec: KeySpec, deps: KeyDeps): Promise<KeyRow> {
  const { keys, clock, signal, trust } = deps
  const { provider, api, repository, readOnly, tokenRef, allowPrivate } = spec
  const wanted: WantedKey = {
    address: at,
    provider,
    api,
    repository,
    readOnly,
    tokenRef,
    allowPrivate,
    trust,
  }
  const forge = await deps.forges(wanted)
  const row = resumable(keys.rows().rows, wanted) ?? keys.begin(wanted, iso(clock))
  const { title, publicKey } = row
  try {
    const made = await deps.retry(() => forge.create(repository, { title, publicKey, readOnly }, signal))
    return keys.end(row.id, made.forgeId, iso(clock))
  } catch (error) {
    // The forge has this pair elsewhere and will never take it here: the next try has another.
    if (error instanceof ForgeError && error.code === 'forge-key-in-use') keys.forget(row.id)
    throw error
  }
}

/** All of them are tried; the first that could not be revoked is the failure. */
async function revokeAll(gone: readonly KeyAtForge[], deps: KeyDeps): Promise<void> {
  const failures: unknown[] = []
  for (const one of gone) {
    try {
      await revoke(one, deps)
    } catch (error) {
      failures.push(withWayOut(error, one))
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** A repository that is gone says nothing of its keys, now or ever: only a person can end that. */
function withWayOut(error: unknown, { row }: KeyAtForge): unknown {
  if (!(error instanceof ForgeError) || error.code !== 'forge-repository' || row === undefined) return error
  const { code, fate, message, hint } = error
  const wayOut = `${hint}; was the repository deleted: \`bot-bottle keys forget ${row}\``
  return new ForgeError(message, { code, fate, hint: wayOut, cause: error })
}

function retire(
  { row }: { readonly row?: string | undefined },
  { keys, clock }: KeyDeps,
): KeyRow | undefined {
  const kept = keys.rows().rows.find(({ id }) => id === row)
  return kept && keys.retire(kept.id, iso(clock))
}

async function revoke(
  { provider, api, repository, tokenRef, allowPrivate, row, forgeId, fingerprint }: KeyAtForge,
  deps: KeyDeps,
): Promise<void> {
  const { keys, forges, trust: declared, signal, retry } = deps
  const kept = retire({ row }, deps)
  const trust = [...new Set([...declared, ...(kept?.trust ?? [])])]
  const forge = await forges({ provider, api, tokenRef, allowPrivate, trust })
  await retry(async () => {
    // A key without a fingerprint is known by nothing but what the forge calls it.
    const found = fingerprint === undefined ? undefined : await forge.find(repository, fingerprint, signal)
    // A file of it that is not whole serves nothing, and is known by the title of its key alone.
    const titled = found && parseKeyTitle(found.title)?.id
    if (titled !== undefined && keys.rows().damaged.includes(titled)) keys.forget(titled)
    const key = found ?? (fingerprint === undefined && forgeId !== undefined ? { forgeId } : undefined)
    if (key) await forge.revoke(repository, key, signal)
  })
  if (kept) keys.forget(kept.id)
}

/**
 * A gate that serves the remote tries the key before anything is taken from the one before it; where none does, the
 * configuration that opens the remote is followed by the same question.
 */
async function verified({ address: at, bottle = '' }: Action, row: KeyRow, deps: KeyDeps): Promise<void> {
  if (row.verifiedAt !== undefined) return
  const { remotes = [] } = await deps.views.of(bottle)
  const isServed = remotes.some(({ name }) => name === nameOfRemote(at))
  const wanted = wantedRemotes(deps.plan.desired, bottle).find(({ identity }) => identity === at)
  const identity = deps.keys.privateKey(row.id)
  if (!isServed || !wanted || !identity) return
  await verifyNext(bottle, wanted, identity, deps)
  deps.keys.verified(row.id, iso(deps.clock))
}

/** A gate that serves the remote goes on with the present key before the one before it goes. */
async function swapped({ address: at, bottle = '' }: Action, deps: KeyDeps): Promise<void> {
  await swapIdentity(bottle, nameOfRemote(at), wantedRemotes(deps.plan.desired, bottle), deps)
}

function hostsOf(keys: readonly KeyAtForge[]): string {
  return [...new Set(keys.map(({ api }) => hostOf(api)))].sort().join(', ')
}

function hostOf(api: string): string {
  return URL.canParse(api) ? new URL(api).host : api
}
