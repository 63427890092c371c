/**
 * How one definition is laid over another (`extends`, lists of bottles, `defaults`): maps merge by key, the child
 * wins; routes concatenate, the child's stands instead of the parent's for the same host; every other list and every
 * scalar is the child's. What came from the parent is marked with `via`.
 */
import { schemePort } from '../model/policy.ts'
import type { RoutePolicy } from '../model/policy.ts'
import { readHost } from './hosts.ts'
import { at, scalar, text, type Entry, type Item, type ListNode, type MapNode, type Node } from './node.ts'

/** Never taken over from a parent. */
const OWN_KEYS = new Set(['template', 'extends'])

/** `via` marks what comes from the parent; absent: it is marked already. */
export function merge(parent: MapNode, child: MapNode, via?: string): MapNode {
  const entries = [...parent.entries].filter(([key]) => !OWN_KEYS.has(key))
  return mergeMaps(
    { ...parent, entries: new Map(entries) },
    child,
    { parent: via === undefined ? [] : [via], child: [] },
    [],
  )
}

/** All of a definition, marked as taken over from it. */
export function marked(definition: MapNode, via: string): MapNode {
  return merge(definition, { ...definition, entries: new Map() }, via)
}

/** Marks of the maps around, which those inside get when the maps become one. */
interface Vias {
  readonly parent: readonly string[]
  readonly child: readonly string[]
}

function mergeMaps(parent: MapNode, child: MapNode, vias: Vias, path: readonly string[]): MapNode {
  const entries = new Map<string, Entry>()
  for (const [key, inherited] of parent.entries) {
    const own = child.entries.get(key)
    entries.set(key, own ? mergeEntries(inherited, own, vias, [...path, key]) : from(vias.parent, inherited))
  }
  for (const [key, own] of child.entries) if (!entries.has(key)) entries.set(key, from(vias.child, own))
  return { ...child, entries }
}

function mergeEntries(parent: Entry, child: Entry, vias: Vias, path: readonly string[]): Entry {
  const [a, b] = [parent.value, child.value]
  const inner = {
    parent: [...vias.parent, ...(parent.via ?? [])],
    child: [...vias.child, ...(child.via ?? [])],
  }
  const { key, place } = child
  if (a.kind === 'list' && b.kind === 'list' && path.join('.') === 'egress.routes')
    return { key, place, value: mergeRoutes(a, b, inner) }
  if (a.kind !== 'map' || b.kind !== 'map' || isOneValue(path) || isOtherProvider(path, a, b))
    return from(vias.child, child)
  return { key, place, value: mergeMaps(a, b, inner, path) }
}

/** Maps that say one thing: a variable, a server, a reference. Half of one and half of another would be a third. */
function isOneValue(path: readonly string[]): boolean {
  const key = path.at(-1) ?? ''
  return (
    ((path[0] === 'env' || path[0] === 'mcp') && path.length === 2) ||
    key.endsWith('_ref') ||
    key === 'prompt'
  )
}

/** Settings of one provider mean nothing to another. */
function isOtherProvider(path: readonly string[], parent: MapNode, child: MapNode): boolean {
  const template = path.join('.') === 'agent_provider' ? text(at(child, 'template')) : undefined
  return template !== undefined && template !== text(at(parent, 'template'))
}

function mergeRoutes(parent: ListNode, child: ListNode, vias: Vias): ListNode {
  const inherited = new Map(parent.items.map((item) => [routeIdentity(item.value) ?? item.value, item]))
  const own = child.items.map((item): Item => {
    const key = routeIdentity(item.value) ?? item.value
    const replaced = inherited.get(key)
    inherited.delete(key)
    const kept = from(vias.child, item)
    return replaced && replaced.value !== item.value ? { ...kept, replaces: replaced.value.place } : kept
  })
  return { ...child, items: [...[...inherited.values()].map((item) => from(vias.parent, item)), ...own] }
}

/** What a route is known by, as in its address: the host, and the port where it is not its scheme's. */
export function routeName({ host, port, scheme }: Pick<RoutePolicy, 'host' | 'port' | 'scheme'>): string {
  return port === schemePort(scheme) ? host : `${host}:${port}`
}

/** Name of a route as written in a manifest, canonical; a preset has its own. */
export function routeIdentity(route: Node): string | undefined {
  const preset = text(at(route, 'preset'))
  if (preset !== undefined) return `preset ${preset}`
  const written = text(at(route, 'host'))
  if (written === undefined) return undefined
  const reading = readHost(written)
  const host = 'host' in reading ? reading.host : written
  const scheme = text(at(route, 'scheme')) === 'http' ? 'http' : 'https'
  const port = scalar(at(route, 'port'))
  return routeName({ host, scheme, port: typeof port === 'number' ? port : schemePort(scheme) })
}

function from<T extends Entry | Item>(vias: readonly string[], inherited: T): T {
  return vias.length === 0 ? inherited : { ...inherited, via: [...vias, ...(inherited.via ?? [])] }
}
