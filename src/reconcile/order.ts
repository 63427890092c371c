/**
 * Puts intentions in the order in which they may start: what an object needs comes first, removals in reverse,
 * closings before openings; a failed closing blocks the openings of its bottle (architecture.md, Core rules 4, 7). Pure.
 */
import type { Address, Kind } from '../model/address.ts'
import { KINDS } from '../model/address.ts'
import type { Action, Phase } from '../model/plan.ts'
import type { Resource } from '../model/resource.ts'
import { definitionOf } from '../resources/kinds.ts'
import type { Intention } from './compare.ts'

type Edges = ReadonlyMap<string, ReadonlySet<Address>>

export function order(intentions: readonly Intention[], resources: readonly Resource[]): Action[] {
  const acting = new Map(intentions.map((intention) => [intention.address as string, intention]))
  const desired = new Map(resources.map((resource) => [resource.address as string, resource]))
  const edges = new Map(intentions.map((intention) => [intention.address as string, new Set<Address>()]))
  for (const intention of intentions) {
    const after = edges.get(intention.address)
    // What only closes in a blocked bottle waits for nothing: what it needs is blocked.
    if (!after || intention.only === 'closing') continue
    if (intention.verb === 'remove')
      for (const address of dependents(intention, intentions)) after.add(address)
    else for (const address of actingNeeds(intention.address, acting, desired)) after.add(address)
  }
  addNarrowBeforeWiden(intentions, edges)
  return sorted(intentions, edges).map((intention) => ({
    ...intention,
    phase: phaseOf(intention),
    after: [...(edges.get(intention.address) ?? [])].sort(),
  }))
}

/** The nearest needs that act: a need without an action passes on to what it needs itself. */
function actingNeeds(
  from: string,
  acting: ReadonlyMap<string, Intention>,
  desired: ReadonlyMap<string, Resource>,
): Address[] {
  const found = new Set<Address>()
  const seen = new Set<string>()
  const visit = (address: string) => {
    for (const need of desired.get(address)?.needs ?? []) {
      if (seen.has(need)) continue
      seen.add(need)
      const action = acting.get(need)
      if (action && action.verb !== 'remove') found.add(need)
      else visit(need)
    }
  }
  visit(from)
  return [...found]
}

/** Removals that must be over first: those of the kinds that need this one, in the same bottle or (for the uplink) in the stack. */
function dependents(removal: Intention, intentions: readonly Intention[]): Address[] {
  if (definitionOf(removal.kind)?.apart === true) return []
  return intentions
    .filter(
      (other) =>
        other.verb === 'remove' &&
        other.address !== removal.address &&
        (removal.bottle === undefined || other.bottle === removal.bottle) &&
        definitionOf(other.kind)?.apart !== true &&
        definitionOf(other.kind)?.needs.includes(removal.kind) === true,
    )
    .map((other) => other.address)
}

/** Within a bottle no opening starts before every closing ended well. */
function addNarrowBeforeWiden(intentions: readonly Intention[], edges: Map<string, Set<Address>>): void {
  const closings = Map.groupBy(
    intentions.filter((intention) => phaseOf(intention) === 'narrow'),
    (intention) => intention.bottle,
  )
  for (const opening of intentions.filter((intention) => phaseOf(intention) === 'widen')) {
    for (const closing of closings.get(opening.bottle) ?? []) {
      if (!reachable(closing.address, edges).has(opening.address))
        edges.get(opening.address)?.add(closing.address)
    }
  }
}

function reachable(from: string, edges: Edges): Set<string> {
  const seen = new Set<string>()
  const visit = (address: string) => {
    for (const next of edges.get(address) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      visit(next)
    }
  }
  visit(from)
  return seen
}

/** Removing or changing what lets bytes out closes; creating it opens; the rest touches nobody's reach. */
export function phaseOf(intention: Intention): Phase {
  if (intention.verb === 'blocked') return 'neutral'
  if (intention.verb === 'remove') return 'narrow'
  if (definitionOf(intention.kind)?.opens !== true) return 'neutral'
  return intention.verb === 'create' ? 'widen' : 'narrow'
}

const PHASE_RANK: Readonly<Record<Phase, number>> = { narrow: 0, neutral: 1, widen: 2 }
const KIND_RANK = new Map<Kind, number>(KINDS.map((kind, index) => [kind, index]))

/** Kahn's algorithm; ties go by phase, kind, address, so one plan has one order. */
function sorted(intentions: readonly Intention[], edges: Edges): Intention[] {
  const waiting = new Map(
    intentions.map((intention) => [intention.address as string, new Set(edges.get(intention.address))]),
  )
  const blocks = new Map<string, string[]>()
  for (const [address, after] of waiting)
    for (const need of after) blocks.set(need, [...(blocks.get(need) ?? []), address])
  const ranked = [...intentions].sort(byRank)
  const result: Intention[] = []
  let ready = ranked.filter((intention) => waiting.get(intention.address)?.size === 0)
  const byAddress = new Map(intentions.map((intention) => [intention.address as string, intention]))
  while (ready.length > 0) {
    const freed: Intention[] = []
    for (const intention of ready) {
      result.push(intention)
      for (const blockedAddress of blocks.get(intention.address) ?? []) {
        const after = waiting.get(blockedAddress)
        after?.delete(intention.address)
        const next = byAddress.get(blockedAddress)
        if (after?.size === 0 && next) freed.push(next)
      }
    }
    ready = freed.sort(byRank)
  }
  if (result.length !== intentions.length) throw new Error('plan has a cycle of needs')
  return result
}

function byRank(a: Intention, b: Intention): number {
  return (
    PHASE_RANK[phaseOf(a)] - PHASE_RANK[phaseOf(b)] ||
    (KIND_RANK.get(a.kind) ?? 0) - (KIND_RANK.get(b.kind) ?? 0) ||
    (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)
  )
}
