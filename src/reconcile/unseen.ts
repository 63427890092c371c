/**
 * Routes and remotes that are no longer declared and of which nobody can tell whether egress or the gate still has them. Unknown is never
 * missing: each is listed. What the uplink can close without egress is closed there. Pure.
 */
import { address, kindOf, parseAddress } from '../model/address.ts'
import type { Address } from '../model/address.ts'
import type { RecordedObject } from '../model/record.ts'
import type { Resource } from '../model/resource.ts'
import { presenceOf } from '../model/snapshot.ts'
import type { World } from '../model/snapshot.ts'
import type { Intention } from './compare.ts'

export interface UnseenOptions {
  readonly prune: boolean
  /** Absent: the whole stack. */
  readonly bottles: ReadonlySet<string> | undefined
  /** Whether the bottle is handed its whole policy by this plan: what is not declared ends with that. */
  readonly isHanded: (bottle: string) => boolean
}

export function unseenRemovals(
  resources: readonly Resource[],
  world: World,
  { prune, bottles, isHanded }: UnseenOptions,
): Intention[] {
  if (!prune || world.record.status !== 'present') return []
  const declared = new Map(resources.map((resource) => [resource.address as string, resource]))
  return Object.entries(world.record.record.objects)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([text, recorded]) => {
      const at = parseAddress(text)
      if (
        (at?.parts.kind !== 'route' && at?.parts.kind !== 'remote') ||
        declared.has(text) ||
        world.claims.has(text)
      )
        return []
      const { bottle, name } = at.parts
      const bundle = declared.get(address.bundle(bottle))
      if (!bundle || (bottles && !bottles.has(bottle)) || isHanded(bottle)) return []
      const why = whyUntold(bundle, at.address, world)
      return why === undefined ? [] : [unseen(at.address, bundle, targetOf(name, recorded), why, world)]
    })
}

/** Why nobody can tell what egress of this bottle has; `undefined` where the route is positively absent. */
function whyUntold(bundle: Resource, at: Address, world: World): string | undefined {
  const { driver, bottle } = bundle
  const place = { address: at, kind: kindOf(at), driver, ...(bottle !== undefined && { bottle }) } as const
  const presence = presenceOf(world, place)
  if (presence.is === 'unknown') return presence.reason
  const own = presenceOf(world, bundle)
  if (own.is === 'unknown') return own.reason
  if (own.is === 'absent') return undefined
  const ours = own.claims.every((claim) => claim.ownership === 'ours')
  return ours ? undefined : `the name of ${bundle.address} is taken`
}

interface Target {
  readonly host: string
  readonly port: number
}

function targetOf(name: string, { applied }: RecordedObject): Target {
  const spec = Object(applied) as { readonly url?: unknown }
  // Of a remote, host and port are those of its URL.
  const { host, port } = Object(spec.url ?? spec) as { readonly host?: unknown; readonly port?: unknown }
  const [bare = name, said] = name.split(/:(?=\d+$)/)
  return {
    host: typeof host === 'string' ? host : bare,
    port: typeof port === 'number' ? port : Number(said ?? 443),
  }
}

function unseen(
  at: Address,
  { driver, bottle = '' }: Resource,
  { host, port }: Target,
  why: string,
  world: World,
): Intention {
  const common = { address: at, kind: kindOf(at), driver, bottle, differences: [], notes: [] } as const
  const { admitted } = world
  const enforcer = kindOf(at) === 'route' ? 'egress' : 'the gate'
  const dialled = admitted?.[bottle]?.some((target) => target.host === host && target.port === port) === true
  if (dialled) {
    const reason = `no longer declared; cannot tell whether ${enforcer} has it (${why}): the uplink stops dialling it`
    return { ...common, verb: 'remove', only: 'closing', reason, cause: 'edit', impact: 'live' }
  }
  const uplink = admitted ? ', and the uplink does not dial it' : ''
  const reason = `no longer declared; cannot tell whether ${enforcer} has it (${why})${uplink}`
  return { ...common, verb: 'blocked', reason, cause: 'unknown', impact: 'record' }
}
