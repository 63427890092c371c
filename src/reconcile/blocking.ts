/**
 * What a blocked object keeps from being done: everything of its bottle, and everything that needs it. What closes is
 * done all the same, and other bottles do not notice. Pure.
 */
import { address, KINDS } from '../model/address.ts'
import type { Address, Kind } from '../model/address.ts'
import { LABEL_PREFIX } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import type { World } from '../model/snapshot.ts'
import { definitionOf } from '../resources/kinds.ts'
import { closesRemote } from '../resources/remote/narrow.ts'
import type { RemoteSpec } from '../resources/remote/spec.ts'
import { closes } from '../resources/route/narrow.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import type { Intention } from './compare.ts'

/** Blocked bottles, each with the address at which its block begins. */
export type BlockedBottles = ReadonlyMap<string, Address>

export function blockedBottles(
  intentions: readonly Intention[],
  resources: readonly Resource[],
): BlockedBottles {
  const roots = rootsOf(intentions.filter(({ kind }) => definitionOf(kind)?.apart !== true))
  const found = new Map<string, Address>()
  for (const root of roots.values())
    if (root.bottle !== undefined && !found.has(root.bottle)) found.set(root.bottle, root.address)
  const rootFor = needing(roots, resources)
  for (const { bottle, address: at } of [...resources].sort(byRank)) {
    const root = bottle === undefined || found.has(bottle) ? undefined : rootFor(at)
    if (bottle !== undefined && root !== undefined) found.set(bottle, root)
  }
  return found
}

export function withBlocks(
  intentions: readonly Intention[],
  resources: readonly Resource[],
  world: World,
): Intention[] {
  const roots = rootsOf(intentions)
  const bottles = blockedBottles(intentions, resources)
  const rootFor = needing(roots, resources)
  const forNobody = neededByBlockedOnly(intentions, resources, roots, bottles)
  return intentions.map((intention) => {
    if (intention.verb === 'blocked') return { ...intention, hint: hintFor(intention, world) }
    if (intention.only === 'closing') return intention
    const root =
      intention.verb === 'remove'
        ? rootOfRemoval(intention, bottles)
        : (bottles.get(intention.bottle ?? '') ?? rootFor(intention.address) ?? forNobody(intention.address))
    if (root === undefined) return intention
    return closesOnly(intention) ?? waitsFor(intention, root)
  })
}

/** The blocked, each by its address, in one order whatever the order of the world. */
function rootsOf(intentions: readonly Intention[]): ReadonlyMap<string, Intention> {
  const blocked = intentions.filter((intention) => intention.verb === 'blocked').sort(byRank)
  return new Map(blocked.map((intention) => [intention.address as string, intention]))
}

/** The blocked address that an address needs, however far away. */
function needing(
  roots: ReadonlyMap<string, Intention>,
  resources: readonly Resource[],
): (at: Address) => Address | undefined {
  const desired = new Map(resources.map((resource) => [resource.address as string, resource]))
  const known = new Map<string, Address | undefined>()
  const visit = (at: Address): Address | undefined => {
    if (known.has(at)) return known.get(at)
    known.set(at, undefined)
    const needs = [...(desired.get(at)?.needs ?? [])].sort()
    const root =
      needs.find((need) => roots.has(need)) ?? needs.map(visit).find((found) => found !== undefined)
    known.set(at, root)
    return root
  }
  return visit
}

/** What all bottles share is not made for none of them: the block of the first that needs it. */
function neededByBlockedOnly(
  intentions: readonly Intention[],
  resources: readonly Resource[],
  roots: ReadonlyMap<string, Intention>,
  bottles: BlockedBottles,
): (at: Address) => Address | undefined {
  const shared = new Set<string>(
    intentions
      .filter(({ verb, bottle }) => verb === 'create' && bottle === undefined)
      .map((each) => each.address),
  )
  const blockOf = ({ address: at, bottle }: Resource): Address | undefined =>
    roots.has(at) ? at : bottle === undefined ? visit(at) : bottles.get(bottle)
  const visit = (at: Address): Address | undefined => {
    if (!shared.has(at)) return undefined
    const blocks = resources.filter(({ needs }) => needs.includes(at)).map(blockOf)
    return blocks.every((block) => block !== undefined) ? blocks.sort()[0] : undefined
  }
  return visit
}

/** What opens (routes, keys) is always taken away; what a bottle that is left still uses stays. */
function rootOfRemoval({ bottle, kind }: Intention, bottles: BlockedBottles): Address | undefined {
  if (definitionOf(kind)?.opens === true) return undefined
  return bottle === undefined ? [...bottles.values()][0] : bottles.get(bottle)
}

function closesOnly(intention: Intention): Intention | undefined {
  const { verb, kind, observed, desired } = intention
  if (verb !== 'update' || !observed || !desired) return undefined
  const narrows =
    kind === 'route'
      ? closes(observed.fields, desired.spec as RouteSpec)
      : kind === 'remote' && closesRemote(observed.fields, desired.spec as RemoteSpec)
  if (!narrows) return undefined
  return { ...intention, only: 'closing', reason: `${intention.reason}; only what it closes` }
}

function waitsFor(intention: Intention, root: Address): Intention {
  return {
    ...intention,
    verb: 'blocked',
    because: root,
    ...(isUntold(intention, root) && { cause: 'unknown' }),
    reason: isUntold(intention, root)
      ? `unknown: cannot tell whether ${intention.kind === 'route' ? 'egress' : 'the gate'} has it; waits for ${root}`
      : `${intention.reason}; waits for ${root}`,
    impact: 'record',
  }
}

/** Nobody can ask a bundle that is not told apart: its routes and remotes are not missing, they are unknown. */
function isUntold({ kind, verb, cause, bottle }: Intention, root: Address): boolean {
  return (
    (kind === 'route' || kind === 'remote') &&
    verb === 'create' &&
    cause === 'drift' &&
    root === address.bundle(bottle ?? '')
  )
}

function hintFor(root: Intention, world: World): string {
  const { bottle } = root
  const stop =
    bottle !== undefined && definitionOf(root.kind)?.apart !== true && canStop(bottle, world)
      ? `; \`bot-bottle stop ${bottle}\` halts its agent until then`
      : ''
  return `${wayOut(root)}${stop}`
}

function wayOut({ observed, desired, kind, address: at }: Intention): string {
  switch (observed?.ownership) {
    case 'unmarked':
      return `remove or rename ${observed.id}, or pass --adopt ${at} when it has the declared shape`
    case 'other-stack':
      return `choose another stack name; the object carries ${LABEL_PREFIX}* marks of its owner`
    default:
      if (kind === 'key' && desired) return 'apply again when the forge can be asked; the key stays as it is'
      return desired || kind === 'route'
        ? 'nothing of it was touched; `bot-bottle doctor` checks the machine'
        : 'it stays as it is'
  }
}

/** `stop` writes to the record and halts the agent container: it needs both. */
function canStop(bottle: string, { record, claims }: World): boolean {
  const [agent, ...others] = claims.get(address.bottle(bottle)) ?? []
  return (
    record.status === 'present' &&
    record.record.bottles[bottle]?.stopped !== true &&
    agent?.ownership === 'ours' &&
    others.length === 0
  )
}

const KIND_RANK = new Map<Kind, number>(KINDS.map((kind, index) => [kind, index]))

function byRank(
  a: { readonly kind: Kind; readonly address: Address },
  b: { readonly kind: Kind; readonly address: Address },
): number {
  return (
    (KIND_RANK.get(a.kind) ?? 0) - (KIND_RANK.get(b.kind) ?? 0) ||
    (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)
  )
}
