/**
 * Presets become the routes they stand for, in the place of the line that asks for them. A route of the manifest for
 * the same host and port stands instead of the preset's; two presets for one host are put together: what one of them
 * allows passes, what one of them denies does not.
 */
import type { Place } from '../model/diagnostic.ts'
import { canonical } from '../model/json.ts'
import { routeIdentity } from './merge.ts'
import { at, entry, itemsOf, made, mapOf, plain, scalar, text } from './node.ts'
import type { Entry, Item, ListNode, MapNode, Node } from './node.ts'
import type { Preset } from './preset-files.ts'
import { quoted, type Report } from './report.ts'
import type { ResolvedManifest } from './resolve.ts'

export interface PresetSource {
  find(name: string, place: Place): Preset | undefined
}

export function expandPresets(
  resolved: ResolvedManifest,
  presets: PresetSource,
  report: Report,
): ResolvedManifest {
  const expanded = (tree: MapNode): MapNode => expandTree(tree, presets, report)
  return {
    ...resolved,
    live: resolved.live.map((bottle) => ({ ...bottle, tree: expanded(bottle.tree) })),
    definitions: new Map([...resolved.definitions].map(([name, tree]) => [name, expanded(tree)])),
  }
}

function expandTree(tree: MapNode, presets: PresetSource, report: Report): MapNode {
  const egress = entry(tree, 'egress')
  const routes = entry(egress?.value, 'routes')
  if (egress?.value.kind !== 'map' || routes?.value.kind !== 'list') return tree
  if (!routes.value.items.some(({ value }) => entry(value, 'preset'))) return tree
  const list = expandList(routes.value, presets, report)
  return replaced(tree, {
    ...egress,
    value: replaced(egress.value, { ...routes, value: list }),
  })
}

function expandList(list: ListNode, presets: PresetSource, report: Report): ListNode {
  const own = new Map(
    list.items.flatMap((item): [string, Item][] => {
      const identity = entry(item.value, 'preset') ? undefined : routeIdentity(item.value)
      return identity === undefined ? [] : [[identity, item]]
    }),
  )
  const instead = new Map<string, Place>()
  const brought = new Map<string, Item>()
  const order: (string | Item)[] = []
  for (const item of list.items) {
    if (!entry(item.value, 'preset')) {
      order.push(routeIdentity(item.value) ?? item)
      continue
    }
    for (const route of routesOf(item, presets, report)) {
      const identity = routeIdentity(route.value) ?? ''
      const host = at(route.value, 'host')?.place ?? route.value.place
      if (own.has(identity)) {
        instead.set(identity, {
          ...host,
          ...(route.asked?.preset !== undefined && { preset: route.asked.preset }),
        })
        continue
      }
      const before = brought.get(identity)
      if (!before) order.push(identity)
      brought.set(identity, before ? together(before, route, report) : route)
    }
  }
  return {
    ...list,
    items: order.flatMap((one) => {
      if (typeof one !== 'string') return [one]
      const item = own.get(one) ?? brought.get(one)
      const place = instead.get(one)
      return item ? [{ ...item, ...(place && { replaces: place }) }] : []
    }),
  }
}

/** What one line with `preset` stands for. */
function routesOf(item: Item, presets: PresetSource, report: Report): readonly Item[] {
  const named = entry(item.value, 'preset')
  const name = text(named?.value)
  const preset = named && name !== undefined ? presets.find(name, named.value.place) : undefined
  if (!named || !preset) return []
  const auth = entry(item.value, 'auth')
  if (auth && !preset.routes.some((route) => text(at(route, 'auth')) === 'accepts'))
    report.error(
      'preset-without-auth',
      auth.place,
      `no route of the preset ${quoted(preset.name)} takes a credential`,
      'write a route of your own for the host that needs it',
    )
  const asked: Place = { ...named.value.place, preset: preset.name }
  return preset.routes.map((route) => ({
    ...(item.via && { via: item.via }),
    value: laidOver(route, item.value, `preset ${preset.name}`),
    asked,
  }))
}

/** The route of a preset with what the line says about all of it. `auth` goes to the routes that take one. */
function laidOver(route: MapNode, line: Node, via: string): MapNode {
  const [auth, deny] = [entry(line, 'auth'), entry(line, 'deny')]
  const entries = new Map<string, Entry>()
  for (const [key, found] of route.entries) if (key !== 'auth') entries.set(key, { ...found, via: [via] })
  const takes = entry(route, 'auth')
  if (takes && text(takes.value) === 'from-agent')
    entries.set('auth', { ...takes, value: made('from-agent', takes.value.place), via: [via] })
  else if (takes && auth) entries.set('auth', auth)
  if (deny) entries.set('deny', joined(entries.get('deny'), deny))
  for (const key of ['limits', 'dlp'] as const) {
    const said = entry(line, key)
    if (said) entries.set(key, said)
  }
  return { ...route, entries }
}

/** Keys in which two presets for one host may differ. */
const JOINED: ReadonlySet<string> = new Set(['host', 'matches', 'deny', 'git'])

function together(a: Item, b: Item, report: Report): Item {
  const differs = [...keysOf(a.value), ...keysOf(b.value)].find(
    (key) => !JOINED.has(key) && valueAt(a.value, key) !== valueAt(b.value, key),
  )
  if (differs !== undefined && b.asked) {
    const [one, other] = [a.asked?.preset ?? '', b.asked.preset ?? '']
    report.error(
      'preset-conflict',
      b.asked,
      `the presets ${quoted(one)} and ${quoted(other)} both have ${quoted(text(at(b.value, 'host')) ?? '')} and differ in ${quoted(differs)}`,
      'write a route of your own for this host: it stands instead of both',
    )
  }
  if (a.value.kind !== 'map') return b
  const entries = new Map(a.value.entries)
  for (const key of ['matches', 'deny']) {
    const further = entry(b.value, key)
    if (further) entries.set(key, joined(entries.get(key), further))
  }
  const git = entry(b.value, 'git')
  if (git && scalar(at(a.value, 'git', 'fetch')) !== true) entries.set('git', git)
  const preset = [...new Set([a.asked?.preset, b.asked?.preset])].join(' and ')
  return { ...a, value: { ...a.value, entries }, ...(a.asked && { asked: { ...a.asked, preset } }) }
}

/** One list of both; each item keeps the way it came. */
function joined(a: Entry | undefined, b: Entry): Entry {
  if (!a) return b
  const marked = ({ value, via }: Entry): readonly Item[] =>
    itemsOf(value).map((item) => ({ ...item, ...(via && { via: [...via, ...(item.via ?? [])] }) }))
  return {
    key: a.key,
    place: a.place,
    value: { kind: 'list', place: a.value.place, items: [...marked(a), ...marked(b)] },
  }
}

const keysOf = (node: Node): readonly string[] => (node.kind === 'map' ? [...node.entries.keys()] : [])

function valueAt(node: Node, key: string): string {
  const found = at(node, key)
  return found ? canonical(plain(found)) : ''
}

const replaced = (map: MapNode, changed: Entry): MapNode =>
  mapOf(map.place, [...map.entries.values(), changed])
