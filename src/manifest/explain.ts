/**
 * Every field of one object as it holds, where it was written, and through what it came there. Secrets appear as
 * their references, variables by name: a literal's value is not shown.
 */
import { kindOf, parseAddress, type AddressParts } from '../model/address.ts'
import type { Place } from '../model/diagnostic.ts'
import { UsageError } from '../model/errors.ts'
import type { Json } from '../model/json.ts'
import { detectorRule } from '../model/token-shape.ts'
import type { DetectorShapes } from '../model/token-shape.ts'
import { hostVariable } from './checks/bottle.ts'
import { PIDS_DEFAULT } from './limits.ts'
import type { LoadedManifest } from './load.ts'
import { at, entriesOf, itemsOf, plain, text, type MapNode, type Node } from './node.ts'
import { routeIdentity } from './merge.ts'
import { anyOf, quoted } from './report.ts'
import type { LiveBottle } from './resolve.ts'
import { nearest } from './suggest.ts'

export interface ExplainedField {
  /** `egress.routes[0].matches[0].methods[0]` */
  readonly path: string
  readonly value: Json
  /** Absent: said nowhere, the program's own default. */
  readonly place?: Place
  /** `extends base`, `defaults`, `bottle dev`, `--set`, outermost first; empty: written right there. */
  readonly via: readonly string[]
  /** A parent's route for the same host, which this one stands instead of. */
  readonly replaces?: Place
}

export interface Explanation {
  readonly address: string
  readonly fields: readonly ExplainedField[]
}

/** `subject`: an address, a live bottle or a definition. Throws `UsageError` when there is none of that name. */
export function explain(loaded: LoadedManifest, subject: string): Explanation {
  const { resolved } = loaded
  const parsed = parseAddress(subject)
  const fields = parsed ? ofAddress(loaded, parsed.parts) : undefined
  if (fields) return { address: subject, fields }
  const live = resolved.live.find(({ name }) => name === subject)
  if (live)
    return {
      address: `bottle/${subject}`,
      fields: withRules(ofBottle(live.tree, ''), loaded.marks(subject)?.detectors),
    }
  const definition = resolved.definitions.get(subject)
  if (definition) return { address: subject, fields: ofBottle(definition, '') }
  const known = [
    ...loaded.desired.resources.map(({ address }) => address),
    ...resolved.live.map(({ name }) => name),
    ...resolved.definitions.keys(),
  ]
  const near = nearest(subject, known)
  throw new UsageError(`${quoted(subject)} is not in this manifest`, {
    code: 'unknown-address',
    hint:
      near === undefined
        ? `there are ${anyOf(known.slice(0, 8).map(quoted)).replace(' or ', ' and ')}`
        : `did you mean ${quoted(near)}?`,
  })
}

function ofAddress(loaded: LoadedManifest, parts: AddressParts): readonly ExplainedField[] | undefined {
  const { live, root } = loaded.resolved
  if (parts.kind === 'uplink') return fieldsOf(at(root, 'uplink'), 'uplink', [])
  if (parts.kind === 'image') {
    const user = live.find(
      ({ definition, tree }) => definition === parts.name || text(at(tree, 'image')) === parts.name,
    )
    return user
      ? only(user, ['image', 'base_image', 'agent_provider'])
      : parts.name === 'sidecars'
        ? []
        : undefined
  }
  const bottle = live.find(({ name }) => name === parts.bottle)
  if (!bottle) return undefined
  switch (parts.kind) {
    case 'bottle':
      return withRules(ofBottle(bottle.tree, ''), loaded.marks(bottle.name)?.detectors)
    case 'ca':
      return []
    case 'bundle':
      return [
        ...withRules(
          only(bottle, ['egress', 'supervise']).filter(({ path }) => !path.startsWith('egress.routes')),
          loaded.marks(bottle.name)?.detectors,
        ),
        ...fieldsOf(at(root, 'uplink', 'trust'), 'uplink.trust', []),
      ]
    case 'guest':
      return only(bottle, ['env', 'mcp', 'git', 'workspace', 'prompt', 'skills', 'headless']).filter(
        ({ path }) => !path.startsWith('git.remotes'),
      )
    case 'route':
      return ofRoute(loaded, bottle, parts.name)
    case 'remote':
    case 'key':
      return ofRemote(bottle.tree, parts)
    case 'grant':
      return undefined
  }
}

/** A key is the part of its remote that says how it is made. */
function ofRemote(
  tree: MapNode,
  { kind, name }: { readonly kind: string; readonly name: string },
): readonly ExplainedField[] | undefined {
  const remote = at(tree, 'git', 'remotes', name)
  const isKey = kind === 'key'
  if (!remote || (isKey && !at(remote, 'provisioned_key'))) return undefined
  const [own, key] = [`git.remotes.${name}.`, `git.remotes.${name}.provisioned_key.`]
  const fields = ofBottle(tree, '').filter(
    ({ path }) => path.startsWith(own) && path.startsWith(key) === isKey,
  )
  const unsaid: readonly [string, Json][] = isKey
    ? []
    : [
        [`${own}push.scan`, 'block'],
        [`${own}protect`, false],
      ]
  return [
    ...fields,
    ...unsaid
      .filter(([path]) => !fields.some((field) => field.path === path))
      .map(([path, value]) => ({ path, value, via: [] })),
  ]
}

function ofBottle(tree: MapNode, prefix: string): readonly ExplainedField[] {
  const fields = fieldsOf(tree, prefix, [])
  const unsaid: readonly [string, Json][] = [
    ['driver', 'docker'],
    ['resources.pids', PIDS_DEFAULT],
    ['egress.log', 'blocks'],
  ]
  return [
    ...fields,
    ...unsaid
      .filter(([path]) => !fields.some((field) => field.path === path))
      .map(([path, value]) => ({ path, value, via: [] })),
  ]
}

/** Behind each detector the rules of its findings, which `allow_findings` can name. */
function withRules(
  fields: readonly ExplainedField[],
  detectors: DetectorShapes = {},
): readonly ExplainedField[] {
  return fields.flatMap((field) => {
    const { path, value } = field
    if (!/^egress\.dlp\.detectors\[\d+\]$/.test(path) || typeof value !== 'string') return [field]
    const rules = (detectors[value] ?? []).map(({ id }, index) => ({
      ...field,
      path: `${path}.rules[${index}]`,
      value: detectorRule(value, id),
    }))
    return [field, ...rules]
  })
}

function only(bottle: LiveBottle, keys: readonly string[]): readonly ExplainedField[] {
  return ofBottle(bottle.tree, '').filter(({ path }) =>
    keys.some((key) => path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`)),
  )
}

function ofRoute(
  loaded: LoadedManifest,
  bottle: LiveBottle,
  name: string,
): readonly ExplainedField[] | undefined {
  const resource = loaded.desired.resources.find(
    ({ address }) => kindOf(address) === 'route' && address === `route/${bottle.name}/${name}`,
  )
  const { port } = (resource?.spec ?? {}) as { readonly port?: number }
  const outer = bottle.tree.entries.get('egress')
  const list = at(outer?.value, 'routes')
  const routes = outer?.value.kind === 'map' ? outer.value.entries.get('routes') : undefined
  const item = itemsOf(list).find(({ value }) => routeIdentity(value) === name)
  if (!item) return undefined
  const via = [...(outer?.via ?? []), ...(routes?.via ?? []), ...(item.via ?? [])]
  const fields = fieldsOf(item.value, '', via).map((field) =>
    field.path === 'host' && item.replaces ? { ...field, replaces: item.replaces } : field,
  )
  const unsaid: readonly [string, Json][] = [
    ['scheme', 'https'],
    ['port', port ?? 443],
    ['allow_private', false],
  ]
  return [
    ...fields,
    ...unsaid
      .filter(([path]) => !fields.some((field) => field.path === path))
      .map(([path, value]) => ({ path, value, via: [] })),
  ]
}

/** Scalars and what is shown as one value, below `node`. */
function fieldsOf(node: Node | undefined, path: string, via: readonly string[]): readonly ExplainedField[] {
  if (!node) return []
  if (isOneValue(path)) return [{ path, value: shown(node, path), place: node.place, via }]
  switch (node.kind) {
    case 'scalar':
      return [{ path, value: node.value, place: node.place, via }]
    case 'list':
      if (node.items.length === 0) return [{ path, value: [], place: node.place, via }]
      return node.items.flatMap((item, index) => {
        const fields = fieldsOf(item.value, `${path}[${index}]`, [...via, ...(item.via ?? [])])
        return item.replaces
          ? fields.map((field, first) =>
              first === 0 && item.replaces ? { ...field, replaces: item.replaces } : field,
            )
          : fields
      })
    case 'map':
      if (node.entries.size === 0 && path !== '') return [{ path, value: {}, place: node.place, via }]
      return entriesOf(node).flatMap((one) =>
        fieldsOf(one.value, path === '' ? one.key : `${path}.${one.key}`, [...via, ...(one.via ?? [])]),
      )
  }
}

function isOneValue(path: string): boolean {
  return /^env\.[^.]+$/.test(path) || /(^|\.)[a-z_]+_ref$/.test(path)
}

function shown(node: Node, path: string): Json {
  const literal = text(node)
  if (path.startsWith('env.') && literal !== undefined && hostVariable(literal) === undefined)
    return 'literal'
  return plain(node)
}
