/** What `apply` does, as a function on snapshots: the model the real executor and drivers have to match. */
import { address } from '../../../src/model/address.ts'
import type { Action, Plan } from '../../../src/model/plan.ts'
import type { Observed } from '../../../src/model/resource.ts'
import type { Snapshot } from '../../../src/model/snapshot.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { liveObject, worldOf } from './stacks.ts'

export function applied(plan: Plan, desired: Desired, world: Snapshot): Snapshot {
  const objects = plan.actions.reduce((before, action) => step(before, action, desired), world.objects)
  return { ...world, objects, record: worldOf(desired).record }
}

function step(objects: readonly Observed[], action: Action, desired: Desired): readonly Observed[] {
  const others = objects.filter((object) => object.address !== action.address)
  switch (action.verb) {
    case 'blocked':
      return objects
    case 'remove':
      return without(others, action)
    case 'adopt':
    case 'update':
    case 'create':
    case 'create-then-remove':
    case 'remove-then-create':
      return effects([...others, liveObject(action.desired!)], action, desired)
  }
}

/** Routes and remotes end with their bundle, what is in the agent container with the container. */
function without(objects: readonly Observed[], action: Action): readonly Observed[] {
  if (action.kind === 'bundle')
    return objects.filter((object) => !(isServed(object) && belongs(object, action)))
  if (action.kind === 'bottle')
    return objects.filter((object) => !(object.kind === 'guest' && belongs(object, action)))
  return objects
}

/** A new container loses what lived in it; a bundle or uplink is handed the routes and remotes that have no action of their own. */
function effects(objects: readonly Observed[], action: Action, desired: Desired): readonly Observed[] {
  const remade = action.verb !== 'update' && action.verb !== 'adopt'
  if (action.kind === 'bottle' && remade) {
    const kept = without(objects, action)
    if (action.impact !== 'recreate-holder' && action.verb !== 'create') return kept
    return kept.map((object) =>
      object.address === address.bundle(action.bottle!)
        ? { ...object, fields: { ...object.fields, namespace: 'another holder' } }
        : object,
    )
  }
  // Every new uplink, and every change of a bundle, ends in handing over the whole policy.
  const handed = (route: { readonly kind: string; readonly bottle?: string }) =>
    isServed(route) &&
    (action.kind === 'uplink' || (action.kind === 'bundle' && route.bottle === action.bottle))
  const routes = desired.resources.filter(handed)
  const addresses = new Set<string>(routes.map((each) => each.address))
  const ended = (object: Observed) =>
    addresses.has(object.address) || (action.kind === 'bundle' && isServed(object) && belongs(object, action))
  return [...objects.filter((object) => !ended(object)), ...routes.map((each) => liveObject(each))]
}

function isServed({ kind }: { readonly kind: string }): boolean {
  return kind === 'route' || kind === 'remote'
}

function belongs(object: Observed, action: Action): boolean {
  return object.address.split('/')[1] === action.bottle
}
