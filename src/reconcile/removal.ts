/**
 * Which live objects are planned for removal: ours, of this stack, no longer declared. Explicit membership decides,
 * never a name; what is unknown, protected or somebody else's stays. Pure.
 */
import { address } from '../model/address.ts'
import type { Observed, Resource } from '../model/resource.ts'
import type { World } from '../model/snapshot.ts'
import { definitionOf } from '../resources/kinds.ts'
import { recordOf } from './compare.ts'
import type { Intention } from './compare.ts'

export interface RemovalOptions {
  readonly prune: boolean
  /** Absent: the whole stack. */
  readonly bottles: ReadonlySet<string> | undefined
  /** `destroy --force`: removes although the record cannot be read; a guard that can be read still holds. */
  readonly force: boolean
}

/** One removal per address; it takes everything of ours that claims the address. */
export function removals(
  resources: readonly Resource[],
  world: World,
  { prune, bottles, force }: RemovalOptions,
): Intention[] {
  if (!prune) return []
  const declared = new Set<string>(resources.map((resource) => resource.address))
  const gone = new Map<string, Observed>()
  for (const [at, claims] of world.claims) {
    const object = claims.find((claim) => claim.ownership === 'ours' && claim.kind !== 'image')
    if (object && !declared.has(at) && isSelected(object, bottles)) gone.set(at, object)
  }
  return [...gone.values()]
    .filter((object) => !vanishesWith(object, gone))
    .map((object) => removal(object, world, force, declared))
}

function isSelected(object: Observed, bottles: ReadonlySet<string> | undefined): boolean {
  if (!bottles) return true
  const bottle = bottleIn(object)
  return bottle !== undefined && bottles.has(bottle)
}

/** Routes and remotes end with their bundle, what is in a container with the container: one line for one effect. */
function vanishesWith(object: Observed, going: ReadonlyMap<string, Observed>): boolean {
  const bottle = bottleIn(object)
  if (bottle === undefined) return false
  if (object.kind === 'route' || object.kind === 'remote') return going.has(address.bundle(bottle))
  return object.kind === 'guest' && going.has(address.bottle(bottle))
}

function removal(object: Observed, world: World, force: boolean, declared: ReadonlySet<string>): Intention {
  const bottle = bottleIn(object)
  const common = {
    address: object.address,
    kind: object.kind,
    driver: object.driver,
    ...(bottle !== undefined && { bottle }),
    cause: 'edit' as const,
    differences: [],
    observed: object,
    notes: object.kind === 'bottle' ? ['its volumes are removed: work and home of the agent'] : [],
  }
  // What opens holds no work: the guard of a bottle that stays is against losing it, not against closing.
  const opens = definitionOf(object.kind)?.opens === true
  const closing = opens && bottle !== undefined && declared.has(address.bottle(bottle))
  const guard = closing ? ownProtection(object, world) : protection(object, world, force)
  if (guard !== undefined) return { ...common, verb: 'blocked', reason: guard, impact: 'record' }
  // What was never applied was put there by somebody else, or is left of a run that nobody remembers.
  const stray = opens && world.record.status === 'present' && !recordOf(world, object)
  return {
    ...common,
    ...(stray && { cause: 'drift' }),
    verb: 'remove',
    reason: stray ? strayWords(object) : 'no longer declared',
    impact: opens ? 'live' : 'replace',
    ...(object.kind === 'key' && { notes: [`revoked at ${String(object.fields['api'])}`] }),
  }
}

function strayWords({ kind }: Observed): string {
  return kind === 'key' ? 'drift: left at the forge, and nobody has it' : 'drift: never declared'
}

const PROTECTED = 'protected: declare it with `protect: false` and apply first'

/** A remote has a guard of its own, which holds for its key as well. */
function ownProtection({ address: at, kind }: Observed, { record }: World): string | undefined {
  const guard = kind === 'key' ? at.replace(/^key\//, 'remote/') : at
  return record.status === 'present' && record.record.objects[guard]?.protect === true ? PROTECTED : undefined
}

/** The guard outlives the block that declared it: it is in the record; a record that is unknown protects. */
function protection(object: Observed, { record }: World, force: boolean): string | undefined {
  if (record.status === 'unknown') {
    return force ? undefined : `the stack record is unknown (${record.reason}), and unknown protects`
  }
  if (record.status === 'absent') return undefined
  const bottle = bottleIn(object)
  const guards = (at: string) =>
    at === object.address || at === address.bottle(bottle ?? '') || at.startsWith(`remote/${bottle ?? ''}/`)
  return Object.entries(record.record.objects).some(([at, { protect }]) => protect === true && guards(at))
    ? PROTECTED
    : undefined
}

function bottleIn(object: Observed): string | undefined {
  const [, bottle] = object.address.split('/')
  return object.kind === 'uplink' || object.kind === 'image' ? undefined : bottle
}
