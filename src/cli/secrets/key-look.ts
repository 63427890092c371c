/**
 * What forges and the state folder say of deploy keys. Forges are asked as far as their tokens can be had silently; one
 * that was asked and does not answer is unknown, one that could not be asked leaves the state folder's word.
 */
import { isAddressOf } from '../../model/address.ts'
import type { Address } from '../../model/address.ts'
import { ensureError } from '../../model/errors.ts'
import type { BottleError } from '../../model/errors.ts'
import { canonical } from '../../model/json.ts'
import { samePlace } from '../../model/key-row.ts'
import type { KeyPlace, KeyRow } from '../../model/key-row.ts'
import type { StackRecord } from '../../model/record.ts'
import { describeSecretRef, Secret } from '../../model/secret.ts'
import type { SecretRef } from '../../model/secret.ts'
import { publicLineOf } from '../../model/ssh-private.ts'
import type { Resource } from '../../model/resource.ts'
import { resolveQuietly, secretResolver } from '../../execute/secrets.ts'
import type { QuietAnswers } from '../../execute/secrets.ts'
import type { Forge } from '../../ports/forge.ts'
import type { ForgeLook, KeysLook } from '../../reconcile/snapshot-git.ts'
import { currentRow } from '../../resources/key/rows.ts'
import type { KeySpec } from '../../resources/key/spec.ts'
import type { RemoteSpec } from '../../resources/remote/spec.ts'
import { openDeployKeys } from '../../state/deploy-keys.ts'
import { dialectsWith, openForgeNamed } from '../stack/forges.ts'
import type { Dialects } from '../stack/forges.ts'
import type { Io } from '../io.ts'
import type { Stack } from '../stack/stack.ts'

export interface KeyQuestion {
  readonly stack: Stack
  readonly engineId: string
  readonly resources: readonly Resource[]
  readonly record: StackRecord | undefined
  readonly io: Pick<Io, 'env'>
}

interface Place extends KeyPlace {
  readonly address: Address
  readonly tokenRef: SecretRef
  readonly allowPrivate: boolean
  readonly trust: readonly string[]
}

/** `undefined`: no key is declared, held or on record. */
export async function lookAtKeys(question: KeyQuestion): Promise<KeysLook | undefined> {
  const { stack, engineId, io } = question
  const { rows } = openDeployKeys({ home: stack.home, engineId, stack: stack.name }).rows()
  const places = placesOf(question, rows)
  if (places.length === 0) return undefined
  const each = places.filter((one, at) => places.findIndex((other) => samePlace(one, other)) === at)
  const { found, refused } = await tokensOf(each, io)
  const dialects = dialectsWith(stack.home.dir)
  const forges = await Promise.all(
    each.map(async (place): Promise<ForgeLook> => {
      const { provider, api, repository, tokenRef, allowPrivate } = place
      const addresses = places.filter((one) => samePlace(one, place)).map(({ address }) => address)
      const token = found.get(canonical(tokenRef))
      const about = { provider, api, repository, tokenRef, allowPrivate, addresses: [...new Set(addresses)] }
      if (token) return { ...about, answer: await askForge(place, token, dialects) }
      return { ...about, unasked: unaskedFor(tokenRef, refused.get(canonical(tokenRef))) }
    }),
  )
  return { stack: stack.name, installation: stack.home.installation, engineId, rows, forges }
}

/** What the manifest says comes first: the way to a forge may be another than when a key was made. */
function placesOf({ resources, record, stack }: KeyQuestion, rows: readonly KeyRow[]): readonly Place[] {
  const trust = stack.loaded?.trust ?? []
  const declared = resources.flatMap(({ kind, address, spec }) =>
    kind === 'key' ? [{ ...(spec as KeySpec), address, trust }] : [],
  )
  const recorded = Object.entries(record?.objects ?? {}).flatMap(([text, { applied }]) => {
    const address = isAddressOf('key', text)
    const spec: unknown = applied
    return address && isKeySpec(spec) ? [{ ...spec, address, trust }] : []
  })
  return [...declared, ...recorded, ...rows]
}

/** A record that another version wrote may hold less. */
function isKeySpec(applied: unknown): applied is KeySpec {
  const { provider, api, repository, tokenRef, allowPrivate } = Object(applied) as Partial<KeySpec>
  const texts = [provider, api, repository].every((text) => typeof text === 'string')
  return texts && typeof tokenRef === 'object' && typeof allowPrivate === 'boolean'
}

async function tokensOf(places: readonly Place[], { env }: Pick<Io, 'env'>): Promise<QuietAnswers> {
  const refs = places.map(({ tokenRef }) => [canonical(tokenRef), tokenRef] as const)
  return resolveQuietly(Object.fromEntries(refs), env)
}

/** `refused`: absent where looking may neither run nor ask anything. */
function unaskedFor(ref: SecretRef, refused: BottleError | undefined): NonNullable<ForgeLook['unasked']> {
  if (refused) return { why: refused.message, wayOut: refused.hint ?? 'mend it and run the command again' }
  const wayOut = ref.from === 'command' ? '`apply` runs it' : '`apply` asks for it'
  return { why: `its token comes from ${describeSecretRef(ref)}`, wayOut }
}

/** The forge of a key, its token resolved with everything it takes. */
export async function openForgeAt(
  { provider, api, tokenRef, allowPrivate, trust }: Omit<Place, 'address' | 'repository'>,
  { env }: Pick<Io, 'env'>,
  dialects: Dialects,
): Promise<Forge> {
  const token = await secretResolver({ env }).credential(tokenRef)
  const tokenName = describeSecretRef(tokenRef)
  return openForgeNamed(provider, { api, token, tokenName, allowPrivate, trust }, dialects)
}

async function askForge(
  place: Place,
  token: Secret,
  dialects: Dialects,
): Promise<NonNullable<ForgeLook['answer']>> {
  const { provider, api, repository, tokenRef, allowPrivate, trust } = place
  const tokenName = describeSecretRef(tokenRef)
  try {
    const forge = await openForgeNamed(provider, { api, token, tokenName, allowPrivate, trust }, dialects)
    return { keys: await forge.list(repository, new AbortController().signal) }
  } catch (thrown) {
    const { message, hint } = ensureError(thrown)
    return { unknown: hint === undefined ? message : `${message}; ${hint}` }
  }
}

/** HMAC of the public line of what opens each remote, as far as it can be had here, by address of the remote. */
export async function identityDigests(
  { stack, engineId, resources, io }: KeyQuestion,
  nonce: string,
): Promise<Readonly<Record<string, string>>> {
  const remotes = resources.filter(({ kind }) => kind === 'remote')
  if (remotes.length === 0) return {}
  const keys = openDeployKeys({ home: stack.home, engineId, stack: stack.name })
  const { rows } = keys.rows()
  const resolver = secretResolver({ env: io.env })
  const found = remotes.map(async ({ address, spec }) => {
    const { identity, identityRef } = spec as RemoteSpec
    const row = currentRow(rows, identity)
    const opens = identityRef
      ? await resolver.variable(identityRef).then(
          (secret) => publicLineOf(secret.reveal()),
          () => undefined,
        )
      : row?.ended && row.publicKey
    return opens === undefined ? [] : [[address, new Secret(opens).digest(nonce)] as const]
  })
  return Object.fromEntries((await Promise.all(found)).flat())
}
