/**
 * A manifest as it was written: maps, lists and scalars, each with its place. Everything between the reader and the
 * resolved bottles works on this tree, so that each field can be traced to its line. Nodes are never changed.
 * Accessors are tolerant: a node of another kind is as good as none, the schema has reported it already.
 */
import type { Place } from '../model/diagnostic.ts'
import type { Json } from '../model/json.ts'

export type Node = MapNode | ListNode | ScalarNode

export interface MapNode {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  readonly key: string
  /** Of the key. */
  readonly place: Place
  readonly value: Node
  /** Through which definitions it came here (`extends base`, `defaults`), nearest first; adds to that of the map around it. */
  readonly via?: readonly string[]
}

export interface ListNode {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly Item[]
}

export interface Item {
  readonly value: Node
  readonly via?: readonly string[]
  /** The parent's item, or the preset's, that this one stands instead of. */
  readonly replaces?: Place
  /** A route that a preset stands for: where the manifest asked for it; the place names the preset. */
  readonly asked?: Place
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly place: Place
  readonly value: string | number | boolean | null
  /** As written, quotes included. */
  readonly source: string
  /** Stands for something that could not be read and was reported; nothing more is said about it. */
  readonly broken?: true
}

/** Keys that would touch prototypes somewhere; refused by the reader. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

export function entry(node: Node | undefined, key: string): Entry | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined
}

/** The node below `keys`. */
export function at(node: Node | undefined, ...keys: readonly string[]): Node | undefined {
  let here = node
  for (const key of keys) here = entry(here, key)?.value
  return here
}

export function entriesOf(node: Node | undefined): readonly Entry[] {
  return node?.kind === 'map' ? [...node.entries.values()] : []
}

export function itemsOf(node: Node | undefined): readonly Item[] {
  return node?.kind === 'list' ? node.items : []
}

export function scalar(node: Node | undefined): ScalarNode['value'] | undefined {
  return node?.kind === 'scalar' ? node.value : undefined
}

export function text(node: Node | undefined): string | undefined {
  const value = scalar(node)
  return typeof value === 'string' ? value : undefined
}

/** A name, or each name of a list. */
export function texts(node: Node | undefined): readonly { readonly value: string; readonly place: Place }[] {
  const nodes = node?.kind === 'list' ? node.items.map((item) => item.value) : node ? [node] : []
  return nodes.flatMap((one) =>
    one.kind === 'scalar' && typeof one.value === 'string' ? [{ value: one.value, place: one.place }] : [],
  )
}

/** Plain value; maps without a prototype. */
export function plain(node: Node): Json {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map((item) => plain(item.value))
    case 'map': {
      const object: Record<string, Json> = Object.create(null)
      for (const { key, value } of node.entries.values()) object[key] = plain(value)
      return object
    }
  }
}

/** The entry or item that a JSON pointer leads to: its node and, below a map, the place of its key. */
export function locate(root: Node, pointer: string): { readonly node: Node; readonly key?: Entry } {
  let found: { node: Node; key?: Entry } = { node: root }
  for (const escaped of pointer.split('/').slice(1)) {
    const step = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    const { node } = found
    if (node.kind === 'map') {
      const key = node.entries.get(step)
      if (!key) return found
      found = { node: key.value, key }
    } else if (node.kind === 'list') {
      const item = node.items[Number(step)]
      if (!item) return found
      found = { node: item.value }
    }
  }
  return found
}

/** Stands for what could not be read. */
export function brokenAt(place: Place): ScalarNode {
  return { kind: 'scalar', place, value: null, source: '', broken: true }
}

/** A scalar that no file says. */
export function made(value: ScalarNode['value'], place: Place): ScalarNode {
  return { kind: 'scalar', place, value, source: String(value) }
}

export function mapOf(place: Place, entries: Iterable<Entry> = []): MapNode {
  return { kind: 'map', place, entries: new Map([...entries].map((one) => [one.key, one])) }
}

/** A value that no file says, as if everything of it stood in one place. */
export function nodeOf(value: Json, place: Place): Node {
  if (Array.isArray(value))
    return { kind: 'list', place, items: value.map((item): Item => ({ value: nodeOf(item, place) })) }
  if (value === null || typeof value !== 'object')
    return made(value as string | number | boolean | null, place)
  return mapOf(
    place,
    Object.entries(value).map(([key, inner]) => ({ key, place, value: nodeOf(inner, place) })),
  )
}
