/**
 * What is known of remotes and deploy keys: what each gate serves, what forges list, what the state folder holds. Pure.
 * A forge that was not asked (its token cannot be had silently) leaves the state folder's word; one that was asked and
 * did not answer makes its keys unknown.
 */
import { address } from '../model/address.ts'
import type { Address } from '../model/address.ts'
import type { GateStatus } from '../model/gate.ts'
import type { Json } from '../model/json.ts'
import { samePlace } from '../model/key-row.ts'
import type { KeyPlace, KeyRow } from '../model/key-row.ts'
import { routeKey } from '../model/policy.ts'
import type { UplinkTarget } from '../model/policy.ts'
import type { DriverName, Observed } from '../model/resource.ts'
import type { SecretRef } from '../model/secret.ts'
import type { Unknown } from '../model/snapshot.ts'
import type { DeployKey } from '../ports/forge.ts'
import { currentRow } from '../resources/key/rows.ts'
import type { KeyAtForge } from '../resources/key/spec.ts'
import { whoseKey } from './whose-key.ts'
import type { KeyOwner } from './whose-key.ts'

/** One repository at one forge, and what was heard of it. */
export interface ForgeLook extends KeyPlace {
  /** Keys that it is asked for. */
  readonly addresses: readonly Address[]
  readonly tokenRef: SecretRef
  readonly allowPrivate: boolean
  /** Absent: it was not asked. */
  readonly answer?: { readonly keys: readonly DeployKey[] } | { readonly unknown: string }
  /** Why it was not asked, and the way out. */
  readonly unasked?: { readonly why: string; readonly wayOut: string }
}

export interface KeysLook extends KeyOwner {
  readonly forges: readonly ForgeLook[]
}

export interface KeysSeen {
  readonly objects: readonly Observed[]
  readonly unknown: readonly Unknown[]
}

export function seenKeys(look: KeysLook, driver: DriverName): KeysSeen {
  const live = look.forges.flatMap((forge) => ownKeysAt(forge, look))
  const addresses = new Set([...look.rows, ...live].map(({ address: at }) => at))
  const unknown = look.forges.flatMap(({ addresses: asked, answer }) =>
    answer && 'unknown' in answer
      ? asked.map((at): Unknown => ({ kinds: ['key'], at, reason: answer.unknown }))
      : [],
  )
  return { objects: [...addresses].sort().map((at) => observedKey(at, look, live, driver)), unknown }
}

interface OwnKey {
  readonly address: Address
  readonly forge: ForgeLook
  readonly key: DeployKey
}

function ownKeysAt(forge: ForgeLook, look: KeysLook): readonly OwnKey[] {
  const { answer } = forge
  if (!answer || 'unknown' in answer) return []
  return answer.keys.flatMap((key) => {
    const whose = whoseKey(forge, key, look)
    return whose.is === 'ours' ? [{ address: whose.address, forge, key }] : []
  })
}

function observedKey(
  at: Address,
  { rows, forges }: KeysLook,
  live: readonly OwnKey[],
  driver: DriverName,
): Observed {
  const own = live.filter((one) => one.address === at)
  const ofAddress = rows.filter((row) => row.address === at)
  const row = currentRow(rows, at)
  const listedOf = (one: KeyRow) =>
    own.find(({ forge, key }) => samePlace(forge, one) && key.fingerprint === one.fingerprint)
  const listed = row && listedOf(row)
  const withoutRow = own.filter(({ forge, key }) => !ofAddress.some((one) => isOf(one, forge, key)))
  const rest = [
    ...ofAddress.filter((one) => one !== row).map((one) => atForge(one, listedOf(one)?.key, forges)),
    ...withoutRow.map(({ forge, key }) => listedAtForge(forge, key)),
  ]
  const current = row ? atForge(row, listed?.key, forges) : undefined
  const present = current ?? rest[0]
  return {
    address: at,
    kind: 'key',
    driver,
    id: present?.fingerprint ?? present?.forgeId ?? at,
    ownership: 'ours',
    fields: {
      ...(present && { provider: present.provider, api: present.api, repository: present.repository }),
      ...(row && { readOnly: listed?.key.readOnly ?? row.readOnly, createdAt: row.begunAt }),
      pair: row ? 'kept' : 'lost',
      listed: row ? listing(row, listed, forges) : 'present',
      // Without a pair there is nothing that stays: all of them are replaced together.
      leftovers: plain(row ? rest : []),
      all: plain([...(current ? [current] : []), ...rest]),
    },
    health: 'ok',
    ...(row && { createdAt: row.begunAt }),
  }
}

function listing(row: KeyRow, listed: OwnKey | undefined, forges: readonly ForgeLook[]): Json {
  if (row.ended === undefined) return 'unconfirmed'
  const asked = forges.find((forge) => samePlace(forge, row))?.answer
  return listed === undefined && asked && 'keys' in asked ? 'missing' : 'present'
}

function isOf(row: KeyRow, forge: KeyPlace, key: DeployKey): boolean {
  return samePlace(row, forge) && row.fingerprint === key.fingerprint
}

/** The way to a forge may be another by now than when the key was made. */
function atForge(row: KeyRow, listed: DeployKey | undefined, forges: readonly ForgeLook[]): KeyAtForge {
  const { provider, api, repository, fingerprint, id, ended } = row
  const { tokenRef, allowPrivate } = forges.find((forge) => samePlace(forge, row)) ?? row
  const forgeId = listed?.forgeId ?? ended?.forgeId
  return {
    provider,
    api,
    repository,
    fingerprint,
    row: id,
    tokenRef,
    allowPrivate,
    ...(forgeId !== undefined && { forgeId }),
  }
}

function listedAtForge(
  { provider, api, repository, tokenRef, allowPrivate }: ForgeLook,
  { forgeId, fingerprint }: DeployKey,
): KeyAtForge {
  const found = { provider, api, repository, tokenRef, allowPrivate, forgeId }
  return { ...found, ...(fingerprint !== undefined && { fingerprint }) }
}

function plain(keys: readonly KeyAtForge[]): Json {
  return keys as unknown as Json
}

/** What the gate does not restrict is an observation: left out, it would count as applied (lessons.md, 1). */
const UNRESTRICTED = { requireIdentity: null, maxPack: null, maxFile: null } as const

/** `identities`: HMAC of each identity that can be had here, under the nonce of the driver's question, by address of the remote. */
export function seenRemotes(
  driver: DriverName,
  bottle: string,
  gate: GateStatus,
  targets: readonly UplinkTarget[],
  identities: Readonly<Record<string, string>>,
): readonly Observed[] {
  return gate.remotes.map(({ name, ...served }): Observed => {
    const at = address.remote(bottle, name)
    const target = targets.find((one) => routeKey(one) === routeKey(served.url))
    const [held, wanted] = [gate.identities[name], identities[at]]
    return {
      address: at,
      kind: 'remote',
      driver,
      id: `${bottle} ${name}`,
      ownership: 'ours',
      fields: {
        ...UNRESTRICTED,
        ...(served as unknown as Record<string, Json>),
        allowPrivate: target?.allowPrivate ?? false,
        uplink: target ? 'declared' : 'missing',
        credential: credentialOf(held, wanted, gate.unverified?.[name]),
      },
      health: 'ok',
    }
  })
}

function credentialOf(held: string | undefined, wanted: string | undefined, trouble: string | undefined) {
  if (held === undefined) return 'missing'
  if (wanted !== undefined && wanted !== held) return 'changed'
  return trouble === undefined ? 'present' : 'unverified'
}
