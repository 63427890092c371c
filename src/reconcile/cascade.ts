/**
 * What one intention does to others. A new bundle or uplink is handed everything that was in effect (no lines of
 * their own for it); a new holder takes the bundle along; a new agent container is provisioned again. Pure.
 */
import { address } from '../model/address.ts'
import { digestOf } from '../model/json.ts'
import type { Resource } from '../model/resource.ts'
import { presenceOf } from '../model/snapshot.ts'
import type { World } from '../model/snapshot.ts'
import { renewalWords, takesOver, usableNext } from '../resources/ca/renewal.ts'
import { definitionOf } from '../resources/kinds.ts'
import { recordOf } from './compare.ts'
import type { Intention } from './compare.ts'

export type Intentions = ReadonlyMap<string, Intention>

const REMAKES: readonly Intention['verb'][] = ['create', 'create-then-remove', 'remove-then-create']

export function cascade(intentions: Intentions, resources: readonly Resource[], world: World): Intentions {
  const result = new Map(intentions)
  const followers = Map.groupBy(resources, (resource) => resource.kind)
  // A route follows what its bundle has become, so bundles are settled first.
  for (const [kind, follow] of [
    ['ca', followRestart],
    ['bundle', followHolder],
    ['route', followBundle],
    ['remote', followBundle],
    ['guest', followContainer],
  ] as const) {
    for (const resource of followers.get(kind) ?? []) {
      const next = follow(resource, result.get(resource.address), result, world)
      if (next === 'none') result.delete(resource.address)
      else if (next) result.set(resource.address, next)
    }
  }
  return result
}

type Follow = (
  resource: Resource,
  own: Intention | undefined,
  all: Intentions,
  world: World,
) => Intention | 'none' | undefined

/** A bundle joins one holder for life; its status is unknown while the uplink is made anew, and it is attached again with it. */
const followHolder: Follow = (resource, own, all, world) => {
  const bottle = all.get(address.bottle(resource.bottle ?? ''))
  const remade =
    bottle &&
    REMAKES.includes(bottle.verb) &&
    (bottle.verb === 'create' || bottle.impact === 'recreate-holder')
  if (!remade || own?.verb === 'create' || own?.verb === 'blocked') return undefined
  const observed = world.claims.get(resource.address)?.find((object) => object.ownership === 'ours')
  if (!observed) return undefined
  return {
    ...intentionFor(resource, 'its holder is made anew', 'drift'),
    verb: 'create-then-remove',
    impact: 'recreate-bundle',
    differences: [
      ...(own?.differences ?? []),
      {
        path: 'namespace',
        before: 'another holder',
        after: 'holder',
        cause: 'drift',
        impact: 'recreate-bundle',
      },
    ],
    observed,
  }
}

/** A root that waits beside the old one takes over as soon as the agent restarts anyway. */
const followRestart: Follow = (resource, own, all, world) => {
  const observed = world.claims.get(resource.address)?.find((object) => object.ownership === 'ours')
  if (own || !observed || usableNext(observed.fields, world.now) === undefined) return undefined
  const { bottle = '' } = resource
  const restarts = [address.bottle(bottle), address.guest(bottle)].some((at) => restartsAgent(all.get(at)))
  if (!restarts) return undefined
  const difference = takesOver(String(observed.fields['notAfter']))
  return {
    ...intentionFor(resource, `${renewalWords(difference)}: the agent restarts`, 'drift'),
    impact: difference.impact,
    differences: [difference],
    observed,
  }
}

function restartsAgent(intention: Intention | undefined): boolean {
  if (!intention || intention.verb === 'blocked') return false
  return (
    intention.impact === 'restart-agent' || (intention.kind === 'bottle' && REMAKES.includes(intention.verb))
  )
}

/**
 * Routes and remotes that were in effect are handed to the new bundle or uplink with it; only what changed as well is an action of
 * its own. What a bundle that stays was seen to enforce otherwise is named, route by route.
 */
const followBundle: Follow = (resource, own, all, world) => {
  if (!own) return undefined
  const carrier = [all.get(address.bundle(resource.bottle ?? '')), all.get(address.uplink())].find(
    pushesPolicy,
  )
  if (!carrier) return undefined
  const record = recordOf(world, resource)
  const unseen = REMAKES.includes(carrier.verb) || own.verb === 'blocked'
  if (unseen && record && record.digest === digestOf(resource.spec)) return 'none'
  if (own.verb !== 'blocked') return undefined
  return {
    ...intentionFor(resource, `handed to the new ${carrier.kind}`, 'unknown'),
    verb: 'create',
    impact: 'live',
  }
}

/** Every change of a bundle but one of its record ends in handing it the whole policy. */
export function pushesPolicy(intention: Intention | undefined): intention is Intention {
  return (
    intention !== undefined &&
    intention.verb !== 'blocked' &&
    intention.verb !== 'remove' &&
    intention.impact !== 'record'
  )
}

/** What was written into an agent container goes with it; what the record cannot tell is written again. */
const followContainer: Follow = (resource, own, all, world) => {
  const bottle = all.get(address.bottle(resource.bottle ?? ''))
  if (bottle && REMAKES.includes(bottle.verb)) {
    return {
      ...intentionFor(
        resource,
        own?.verb === 'create' ? own.reason : 'agent container is new',
        own?.cause ?? bottle.cause,
      ),
      verb: 'create',
      impact: 'live',
    }
  }
  const root = all.get(address.ca(resource.bottle ?? ''))
  if (root && root.verb !== 'blocked' && !own) {
    const beside = besideTheOld(resource, root, world)
    if (beside) return beside
    return {
      ...intentionFor(resource, 'root certificate is made anew', root.cause),
      verb: 'update',
      impact: 'restart-agent',
      differences: [{ path: 'root', after: 'pending', cause: root.cause, impact: 'restart-agent' }],
    }
  }
  const uplink = all.get(address.uplink())
  if (own?.verb === 'blocked' && pushesPolicy(uplink) && presenceOf(world, resource).is === 'unknown') {
    return {
      ...intentionFor(resource, 'record is not readable until the uplink is back', 'unknown'),
      verb: 'create',
      impact: 'live',
    }
  }
  return undefined
}

/** While old and new root are both trusted no program notices. */
function besideTheOld(resource: Resource, root: Intention, world: World): Intention | undefined {
  const observed = world.claims.get(resource.address)?.find((object) => object.ownership === 'ours')
  const { impact, cause } = root
  if (!observed || root.verb !== 'update' || (impact !== 'next-start' && impact !== 'live')) return undefined
  const [path, reason] =
    impact === 'live'
      ? ['root', 'the new root certificate takes over']
      : ['nextRoot', 'the new root certificate is put beside the old one']
  return {
    ...intentionFor(resource, reason, cause),
    impact,
    differences: [{ path, after: 'pending', cause, impact }],
    observed,
  }
}

function intentionFor(resource: Resource, reason: string, cause: Intention['cause']): Intention {
  const { address: at, kind, driver, bottle } = resource
  return {
    verb: 'update',
    address: at,
    kind,
    driver,
    ...(bottle !== undefined && { bottle }),
    desired: resource,
    reason,
    cause,
    impact: definitionOf(kind)?.creation ?? 'live',
    differences: [],
    notes: [],
  }
}
