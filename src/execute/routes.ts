/**
 * The policies of one bottle while it changes: what is desired, and what may be in force while only the closing
 * part of a change has been made. Pure.
 */
import { address } from '../model/address.ts'
import { placeText } from '../model/diagnostic.ts'
import { equal } from '../model/json.ts'
import type { Action } from '../model/plan.ts'
import { routeKey } from '../model/policy.ts'
import type { EgressPolicy, RoutePolicy, UplinkTarget } from '../model/policy.ts'
import type { Resource } from '../model/resource.ts'
import type { SecretRef } from '../model/secret.ts'
import type { BundleSpec } from '../resources/bundle/spec.ts'
import { narrowed, uplinkTargets } from '../resources/route/narrow.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import { nameOfRemote, wantedRemotes } from './gate.ts'
import type { WantedRemote } from './gate.ts'

/** What a bottle's egress is to enforce, with where its credentials come from. */
export interface BottlePolicy {
  readonly egress: EgressPolicy
  readonly secrets: ReadonlyMap<string, SecretRef>
  /** What its git gate is to serve. */
  readonly remotes: readonly WantedRemote[]
  /** Names of remotes that the plan leaves as they are: of them only what closes is done. */
  readonly left: ReadonlySet<string>
}

/** What the uplink is to dial for both: one target for each host and port. */
export function targetsFor(
  routes: readonly RoutePolicy[],
  remotes: readonly WantedRemote[],
): readonly UplinkTarget[] {
  const known = new Set(routes.map(routeKey))
  const ofGit = remotes.map(({ target }) => target).filter((target) => !known.has(routeKey(target)))
  return uplinkTargets([...routes, ...new Map(ofGit.map((target) => [routeKey(target), target])).values()])
}

/** `actions`: what a plan does about it; default: all of it. */
export function desiredPolicy(
  desired: readonly Resource[],
  bottle: string,
  actions: readonly Action[] = [],
): BottlePolicy {
  const routes: RoutePolicy[] = []
  const secrets = new Map<string, SecretRef>()
  for (const resource of desired) {
    if (resource.kind !== 'route' || resource.bottle !== bottle) continue
    const { secretRefs = {}, credential: _, uplink: __, ...policy } = resource.spec as RouteSpec
    const place = resource.places['']
    routes.push({ ...policy, ...(place && { from: placeText(place) }) })
    for (const [id, ref] of Object.entries(secretRefs)) secrets.set(id, ref)
  }
  const bundle = desired.find((resource) => resource.address === address.bundle(bottle))
  const log = (bundle?.spec as BundleSpec | undefined)?.egressLog ?? 'blocks'
  return {
    egress: { log, routes: routes.sort(byKey) },
    secrets,
    remotes: wantedRemotes(desired, bottle),
    left: new Set(
      actions.flatMap((action) =>
        action.kind === 'remote' && action.bottle === bottle && action.verb === 'blocked'
          ? [nameOfRemote(action.address)]
          : [],
      ),
    ),
  }
}

/** What was in force and stays allowed: removed routes are gone, changed ones allow only what both allow, new ones are not there yet. */
export function closingPolicy(inForce: readonly RoutePolicy[], wanted: EgressPolicy): EgressPolicy {
  const next = new Map(wanted.routes.map((route) => [routeKey(route), route]))
  const routes = inForce.flatMap((route) => {
    const after = next.get(routeKey(route))
    if (!after) return []
    if (sameRoute(route, after)) return [after]
    const both = narrowed(route, after)
    return both ? [both] : []
  })
  return { log: wanted.log, routes: routes.sort(byKey) }
}

/** Whether two lists enforce the same; who declared a route is not part of it. */
export function sameRoutes(a: readonly RoutePolicy[], b: readonly RoutePolicy[]): boolean {
  return equal([...a].sort(byKey).map(bare), [...b].sort(byKey).map(bare))
}

function sameRoute(a: RoutePolicy, b: RoutePolicy): boolean {
  return equal(bare(a), bare(b))
}

function bare({ from: _, ...route }: RoutePolicy): Omit<RoutePolicy, 'from'> {
  return route
}

function byKey(a: RoutePolicy, b: RoutePolicy): number {
  const [left, right] = [routeKey(a), routeKey(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
