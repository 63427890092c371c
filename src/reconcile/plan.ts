/**
 * The plan: desired resources against one snapshot. Pure: no I/O, clock, random, environment; the same input gives
 * the same plan whatever the order of its maps.
 */
import { address } from '../model/address.ts'
import type { Address } from '../model/address.ts'
import { PLAN_VERSION, startsOnly } from '../model/plan.ts'
import type { Action, Plan } from '../model/plan.ts'
import type { DriverName, Impact, Resource } from '../model/resource.ts'
import { indexed } from '../model/snapshot.ts'
import type { Snapshot, World } from '../model/snapshot.ts'
import { usableNext } from '../resources/ca/renewal.ts'
import type { Desired } from '../resources/desired.ts'
import { definitionOf } from '../resources/kinds.ts'
import { blockedBottles, withBlocks } from './blocking.ts'
import { cascade, pushesPolicy } from './cascade.ts'
import { judge } from './compare.ts'
import type { Intention } from './compare.ts'
import { order } from './order.ts'
import { removals } from './removal.ts'
import { unseenRemovals } from './unseen.ts'

export interface PlanOptions {
  readonly program: string
  /** Default true: owned and no longer declared is planned for removal. */
  readonly prune: boolean
  /** Removing every bottle needs it. */
  readonly allowEmpty: boolean
  /** Only these and what they need; others are neither changed nor pruned. Absent: the whole stack. */
  readonly bottles?: readonly string[]
  readonly adopt: readonly Address[]
  /** Another installation or origin applied last; go on all the same. */
  readonly takeOver: boolean
  /** Remove although the stack record cannot be read (`destroy --force`). */
  readonly force: boolean
}

export interface PlanInput {
  readonly desired: Desired
  readonly snapshot: Snapshot
  readonly options: PlanOptions
}

export function plan({ desired, snapshot, options }: PlanInput): Plan {
  const world = indexed(ofStack(snapshot))
  const selected = options.bottles && new Set(options.bottles)
  const resources = selection(desired.resources, selected).map((resource) => inWorld(resource, world))
  const adopt = new Set<string>(options.adopt)
  const judged = new Map<string, Intention>()
  for (const resource of resources) {
    const intention = judge(resource, world, { adopt })
    if (intention) judged.set(resource.address, intention)
  }
  const { prune, force } = options
  const cascaded = cascade(judged, resources, world)
  const told = [
    ...cascaded.values(),
    ...removals(desired.resources, world, { prune, bottles: selected, force }),
  ]
  const left = blockedBottles(told, resources)
  const isHanded = (bottle: string) =>
    !left.has(bottle) &&
    [address.bundle(bottle), address.uplink()].some((at) => pushesPolicy(cascaded.get(at)))
  const unseen = unseenRemovals(desired.resources, world, { prune, bottles: selected, isHanded })
  const actions = order(withBlocks([...told, ...unseen], resources, world), resources)
  const refusal = refusalOf(desired, snapshot, actions, options)
  return {
    version: PLAN_VERSION,
    program: options.program,
    stack: desired.stack,
    installation: snapshot.installation,
    origin: desired.origin,
    engines: enginesOf(snapshot),
    actions,
    warnings: desired.warnings,
    notes: [...notesOf(desired, snapshot), ...detachedNotes(desired, actions, world, selected)],
    ...(refusal && { refusal }),
    desired: resources,
    disturbs: actions.some(disturbs),
  }
}

/**
 * Labels keep the installation that created an object for ever; who goes on with the stack is decided from its record
 * (`otherOwner`). The plan shows what would be done; the refusal keeps it from being done without --take-over.
 */
function ofStack(snapshot: Snapshot): Snapshot {
  const objects = snapshot.objects.map((object) =>
    object.ownership === 'other-installation' ? ({ ...object, ownership: 'ours' } as const) : object,
  )
  return { ...snapshot, objects }
}

/** The named bottles with everything they need; without names everything. */
function selection(
  resources: readonly Resource[],
  bottles: ReadonlySet<string> | undefined,
): readonly Resource[] {
  if (!bottles) return resources
  const byAddress = new Map(resources.map((resource) => [resource.address as string, resource]))
  const wanted = new Set<string>()
  const add = (resource: Resource) => {
    if (wanted.has(resource.address)) return
    wanted.add(resource.address)
    for (const need of resource.needs) {
      const needed = byAddress.get(need)
      if (needed) add(needed)
    }
  }
  for (const resource of resources)
    if (resource.bottle !== undefined && bottles.has(resource.bottle)) add(resource)
  return resources.filter((resource) => wanted.has(resource.address))
}

/** Fills in what only the world knows: a halted bottle stays halted, the guest trusts the root that there is. */
function inWorld(resource: Resource, snapshot: World): Resource {
  if (resource.kind === 'bottle') {
    const stopped =
      snapshot.record.status === 'present' &&
      snapshot.record.record.bottles[resource.bottle ?? '']?.stopped === true
    return stopped ? { ...resource, spec: { ...(resource.spec as object), running: false } } : resource
  }
  if (resource.kind === 'guest') {
    const [root] = snapshot.claims.get(address.ca(resource.bottle ?? '')) ?? []
    const fingerprint = root?.fields['fingerprint']
    if (!root || fingerprint === undefined) return resource
    const nextRoot = usableNext(root.fields, snapshot.now)
    const roots = { root: fingerprint, ...(nextRoot !== undefined && { nextRoot }) }
    return { ...resource, spec: { ...(resource.spec as object), ...roots } }
  }
  return resource
}

function enginesOf(snapshot: Snapshot): Plan['engines'] {
  const engines: Partial<Record<DriverName, string>> = {}
  for (const [name, state] of Object.entries(snapshot.drivers) as [
    DriverName,
    Snapshot['drivers'][DriverName],
  ][]) {
    engines[name] =
      state?.status === 'observed'
        ? `${state.engine} (${state.endpoint})`
        : `unreachable: ${state?.reason ?? ''}`
  }
  return engines
}

function notesOf(desired: Desired, snapshot: Snapshot): string[] {
  const owner = otherOwner(desired, snapshot)
  return owner ? [owner] : []
}

/** A new uplink knows only the bundles that this plan hands to it: the others stay without a way out, which is safe and must be said. */
function detachedNotes(
  { bottles }: Desired,
  actions: readonly Action[],
  world: World,
  selected: ReadonlySet<string> | undefined,
): readonly string[] {
  const isNew = actions.some(
    ({ kind, verb, impact }) =>
      kind === 'uplink' && (verb === 'create' || (verb === 'update' && DISTURBING.includes(impact))),
  )
  if (!selected || !isNew) return []
  const left = bottles.filter((bottle) => !selected.has(bottle) && world.claims.has(address.bundle(bottle)))
  if (left.length === 0) return []
  return [
    `the uplink is made anew: ${left.join(', ')} ${left.length === 1 ? 'has' : 'have'} no way out until \`bot-bottle apply\` without names`,
  ]
}

/** Two checkouts or two machines never fight over one stack unseen (contract.md, Several machines). */
function otherOwner(desired: Desired, { record, installation, objects }: Snapshot): string | undefined {
  if (record.status !== 'present') {
    const foreign = objects.find((object) => object.ownership === 'other-installation')
    return foreign && `applied last from ${foreign.owner ?? 'another installation'}; this is ${installation}`
  }
  const last = record.record
  if (last.installation !== installation) {
    return `applied last from installation ${last.installation} (${last.origin}); this is ${installation}`
  }
  return last.origin === desired.origin
    ? undefined
    : `applied last from ${last.origin}; this is ${desired.origin}`
}

function refusalOf(
  desired: Desired,
  snapshot: Snapshot,
  actions: readonly Action[],
  options: PlanOptions,
): Plan['refusal'] {
  const owner = otherOwner(desired, snapshot)
  if (owner && !options.takeOver) {
    return {
      code: 'other-owner',
      message: `stack ${desired.stack} was ${owner}`,
      hint: 'pass --take-over to make this the owner',
    }
  }
  const removesBottles = actions.some((action) => action.verb === 'remove' && action.kind === 'bottle')
  if (removesBottles && desired.bottles.length === 0 && !options.allowEmpty) {
    return {
      code: 'removes-everything',
      message: `the manifest declares no bottle: this would remove every bottle of stack ${desired.stack}`,
      hint: 'pass --allow-empty, or run `bot-bottle destroy`',
    }
  }
  return nothingElse(actions)
}

/** Where nothing is left that is not blocked there is nothing to carry out. */
function nothingElse(actions: readonly Action[]): Plan['refusal'] {
  const [first, ...others] = actions.filter((action) => action.verb === 'blocked' && !action.because)
  if (!first || actions.some((action) => action.verb !== 'blocked')) return undefined
  return {
    code: 'blocked',
    message: `${first.address}: ${first.reason}${others.length > 0 ? ` (and ${others.length} more)` : ''}`,
    hint: first.hint ?? '',
  }
}

const DISTURBING: readonly Impact[] = ['restart-agent', 'recreate-agent', 'recreate-holder', 'replace']

/** Asks first: it removes, recreates or restarts something alive. Making good what is already broken asks nothing. */
export function disturbs(action: Action): boolean {
  if (action.verb === 'remove') return definitionOf(action.kind)?.opens !== true
  if (action.verb === 'blocked' || action.verb === 'create' || action.verb === 'adopt') return false
  if ((action.observed && action.observed.health !== 'ok') || startsOnly(action)) return false
  return action.kind !== 'uplink' && DISTURBING.includes(action.impact)
}
