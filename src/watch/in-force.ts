/**
 * What of the manifests that `watch` has read is in force: of each resource the last value that was not held back.
 * While an edit waits for consent, everything else is done against this: no policy that is handed on opens a part of
 * the edit, and drift of the same bottle is repaired meanwhile. Pure.
 */
import type { StackRecord } from '../model/record.ts'
import type { Resource } from '../model/resource.ts'
import type { Desired } from '../resources/desired.ts'
import type { Held } from './hold-back.ts'

export interface Entry<From> {
  readonly resource: Resource
  /** The manifest that its bottle's environment and its secrets come from. */
  readonly from: From
}

export type InForce<From> = ReadonlyMap<string, Entry<From>>

export interface Reading<From> {
  readonly resources: readonly Resource[]
  readonly from: From
  readonly held: readonly Held[]
  /** Has what was in force before this `watch`; of a guest it cannot tell the values. */
  readonly record: StackRecord | undefined
}

/** `resources`: what was compared. Whatever of them is not held back counts as in force: nothing else stays undone. */
export function inForceWith<From>(before: InForce<From>, reading: Reading<From>): InForce<From> {
  const { resources, from, record } = reading
  const waiting = new Map(reading.held.map((held) => [held.action.address as string, held]))
  const after = new Map([...before].filter(([address]) => waiting.has(address)))
  for (const resource of resources) {
    const { address, kind } = resource
    const held = waiting.get(address)
    if (held && after.has(address)) continue
    const applied = kind === 'guest' ? undefined : record?.objects[address]?.applied
    if (held && applied !== undefined) after.set(address, { resource: { ...resource, spec: applied }, from })
    else if (!held || !isEdit(held)) after.set(address, { resource, from })
  }
  return after
}

/** Somebody wants it otherwise; a repair that is held back changes nothing of what is wanted. */
export function isEdit({ action }: Held): boolean {
  return action.cause !== 'drift'
}

/** A manifest that asks for what is in force. */
export function inForceDesired<From extends { readonly desired: Desired }>(
  inForce: InForce<From>,
  { stack, origin }: Pick<Desired, 'stack' | 'origin'>,
): Desired {
  const entries = [...inForce.values()]
  return {
    stack,
    origin,
    resources: entries.map(({ resource }) => resource),
    warnings: [],
    bottles: [...new Set(entries.flatMap(({ resource }) => resource.bottle ?? []))],
    secrets: Object.fromEntries(entries.flatMap(({ from }) => Object.entries(from.desired.secrets))),
  }
}
