/**
 * Hands the git gate of one bottle what it is to serve. A configuration is whole: every remote, and every identity that
 * opens one, and what to recognise in pushes. Private halves pass through here in memory and are kept nowhere.
 */
import { equal } from '../model/json.ts'
import type { GateConfig, GateRemote } from '../model/gate.ts'
import type { UplinkTarget } from '../model/policy.ts'
import type { Resource } from '../model/resource.ts'
import type { Secret } from '../model/secret.ts'
import type { Actuator } from '../ports/driver.ts'
import type { Materials } from '../ports/materials.ts'
import { narrowedRemote, remoteTarget, servedAs } from '../resources/remote/narrow.ts'
import type { RemoteSpec } from '../resources/remote/spec.ts'
import type { DeployKeys } from '../state/deploy-keys.ts'
import { currentRow } from '../resources/key/rows.ts'
import type { Views } from './view.ts'

/** One remote as it is to be served. */
export interface WantedRemote {
  readonly remote: GateRemote
  readonly target: UplinkTarget
  readonly identity: string
  readonly identityRef?: RemoteSpec['identityRef']
}

export interface GateDeps {
  readonly actuator: Actuator
  readonly views: Views
  readonly materials: Materials
  readonly keys: DeployKeys
  readonly signal: AbortSignal
  readonly retry: <T>(effect: () => Promise<T>) => Promise<T>
  readonly revealed: (secret: Secret) => void
}

export function wantedRemotes(desired: readonly Resource[], bottle: string): readonly WantedRemote[] {
  return desired.flatMap((resource) => {
    if (resource.kind !== 'remote' || resource.bottle !== bottle) return []
    const spec = resource.spec as RemoteSpec
    const { identity, identityRef } = spec
    const remote = servedAs(nameOfRemote(resource.address), spec)
    return [{ remote, target: remoteTarget(spec), identity, ...(identityRef && { identityRef }) }]
  })
}

/** What was served and stays allowed: removed remotes are gone, changed ones serve what both do, new ones are not there yet. */
export function closingRemotes(
  inForce: readonly GateRemote[],
  wanted: readonly WantedRemote[],
): readonly WantedRemote[] {
  return inForce.flatMap((present) => {
    const next = wanted.find(({ remote }) => remote.name === present.name)
    const both = next && narrowedRemote(present, next.remote)
    return both ? [{ ...next, remote: both }] : []
  })
}

/** What is to be served now: of those that are left as they are, what closes. */
export function servedNow(
  inForce: readonly GateRemote[],
  wanted: readonly WantedRemote[],
  left: ReadonlySet<string>,
): readonly WantedRemote[] {
  const kept = closingRemotes(inForce, wanted)
  return wanted.flatMap((one) => {
    const { name } = one.remote
    return left.has(name) ? kept.filter(({ remote }) => remote.name === name) : [one]
  })
}

export function nameOfRemote(at: string): string {
  return at.split('/')[2] ?? ''
}

export function sameRemotes(a: readonly GateRemote[], b: readonly GateRemote[]): boolean {
  return equal([...a].sort(byName), [...b].sort(byName))
}

/** Nothing where the bundle has no gate, and none is wanted. */
export async function serve(
  bottle: string,
  wanted: readonly WantedRemote[],
  token: string | undefined,
  deps: GateDeps,
): Promise<void> {
  const view = await deps.views.of(bottle)
  if (view.remotes === undefined && wanted.length === 0) return
  await view.turn(async () => configure(bottle, wanted, token, deps))
}

/** The identity of one remote that is served now; everything else stays as it is enforced. */
export async function swapIdentity(
  bottle: string,
  name: string,
  wanted: readonly WantedRemote[],
  deps: GateDeps,
): Promise<void> {
  const view = await deps.views.of(bottle)
  await view.turn(async () => {
    const present = view.remotes ?? []
    if (!present.some((remote) => remote.name === name)) return
    const kept = present.flatMap((remote) => {
      const next = wanted.find((one) => one.remote.name === remote.name)
      return next ? [{ ...next, remote }] : []
    })
    await configure(bottle, kept, undefined, deps)
  })
}

async function configure(
  bottle: string,
  wanted: readonly WantedRemote[],
  token: string | undefined,
  deps: GateDeps,
): Promise<void> {
  const view = await deps.views.of(bottle)
  const remotes = wanted.map(({ remote }) => remote).sort(byName)
  const identities: Record<string, string> = {}
  for (const one of wanted) {
    const secret = await identityOf(one, deps)
    if (!secret) continue
    deps.revealed(secret)
    identities[one.remote.name] = secret.reveal()
  }
  const known = deps.materials.known?.(bottle)
  await deps.retry(async () => {
    // Each attempt has its own generation: the answer to the one before may have been lost on the way.
    view.gateGeneration += 1
    const config: GateConfig = {
      generation: view.gateGeneration,
      bottle,
      remotes,
      identities,
      ...(known && { known }),
      ...(token !== undefined && { uplinkToken: token }),
    }
    await deps.actuator.controlBundle(bottle, { op: 'configure', daemon: 'git-gate', config }, deps.signal)
  })
  view.remotes = remotes
}

/** `undefined`: a deploy key that is not made; the gate refuses its remote by name. */
async function identityOf(
  { identity, identityRef }: WantedRemote,
  { materials, keys }: GateDeps,
): Promise<Secret | undefined> {
  if (identityRef) return materials.identity?.(identityRef)
  const row = currentRow(keys.rows().rows, identity)
  return row?.ended ? keys.privateKey(row.id) : undefined
}

function byName(a: GateRemote, b: GateRemote): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
