/**
 * What the language has and this version does not carry out yet. One row each: to realise it is to delete its row.
 * A plan over one of them is refused with the line that asks for it; nothing is silently left out.
 */
import type { Diagnostic, Place } from '../model/diagnostic.ts'
import { hostVariable } from './checks/bottle.ts'
import type { LoadedManifest } from './load.ts'
import { at, entriesOf, entry, itemsOf, scalar, text, type Node } from './node.ts'
import { quoted } from './report.ts'

interface Row {
  /** As in `not-supported-yet: workspace`. */
  readonly feature: string
  /** Where a bottle (with the keys of its agent) asks for it. */
  readonly asked: (bottle: Node) => readonly Place[]
}

const key =
  (...path: readonly string[]) =>
  (bottle: Node): readonly Place[] => {
    const found = entry(at(bottle, ...path.slice(0, -1)), path.at(-1) ?? '')
    return found ? [found.place] : []
  }

const value =
  (wanted: (value: unknown) => boolean, ...path: readonly string[]) =>
  (bottle: Node): readonly Place[] => {
    const node = at(bottle, ...path)
    return node && wanted(scalar(node)) ? [node.place] : []
  }

const routes =
  (asked: (route: Node) => readonly Place[]) =>
  (bottle: Node): readonly Place[] =>
    itemsOf(at(bottle, 'egress', 'routes')).flatMap(({ value: route }) => asked(route))

const ROWS: readonly Row[] = [
  { feature: 'driver smolvm', asked: value((driver) => driver === 'smolvm', 'driver') },
  { feature: 'supervise', asked: value((enabled) => enabled === true, 'supervise', 'enabled') },
  { feature: 'resources.disk', asked: key('resources', 'disk') },
  {
    feature: 'dlp.outbound_on_match: supervise',
    asked: routes(value((found) => found === 'supervise', 'dlp', 'outbound_on_match')),
  },
]

/** Everything that keeps this manifest from being planned here and now; empty: it can be. `validate` shows it as notes. */
export function unsupported(loaded: LoadedManifest): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>()
  const add = (code: string, place: Place, message: string, hint: string): void => {
    found.set(`${place.file}:${place.line}:${place.column} ${message}`, {
      severity: 'error',
      code,
      message,
      hint,
      place,
    })
  }
  for (const { tree } of loaded.resolved.live) {
    for (const { feature, asked } of ROWS) {
      for (const place of asked(tree))
        add(
          'not-supported-yet',
          place,
          `not-supported-yet: ${feature}`,
          'this version reads it and does not carry it out; leave it out for now',
        )
    }
  }
  for (const { name } of loaded.resolved.live)
    for (const { code, place, message, hint } of loaded.provisions(name)?.unready ?? [])
      add(code, place, message, hint)
  for (const { place, message, hint } of unsetVariables(loaded)) add('unset-variable', place, message, hint)
  return [...found.values()].sort((a, b) =>
    a.place.file < b.place.file
      ? -1
      : a.place.file > b.place.file
        ? 1
        : a.place.line - b.place.line || a.place.column - b.place.column,
  )
}

/** `${NAME}` of a variable that this host does not have: what it would be is unknown, so nothing can be compared. */
function unsetVariables(
  loaded: LoadedManifest,
): readonly { readonly place: Place; readonly message: string; readonly hint: string }[] {
  return loaded.resolved.live.flatMap(({ name, tree }) => {
    const values = loaded.environment(name)
    return entriesOf(at(tree, 'env')).flatMap((one) => {
      const host = hostVariable(text(one.value) ?? '')
      if (host === undefined || values.has(one.key)) return []
      return [
        {
          place: one.value.place,
          message: `the variable ${quoted(host)} is not set on this host`,
          hint: `export ${host}=…, or write a literal`,
        },
      ]
    })
  })
}
