/**
 * Field-by-field comparison of one desired with one observed value. Only what the spec says is compared; what the
 * object cannot show is compared with what was applied last. Pure.
 */
import { equal } from '../model/json.ts'
import type { Json } from '../model/json.ts'
import type { Cause, Difference, Impact, Resource } from '../model/resource.ts'

export interface Comparison {
  readonly desired: Resource
  /** Observed values; a field that cannot be observed is absent. */
  readonly fields: Readonly<Record<string, Json>>
  /** The spec that was applied last, where the record has it. */
  readonly applied: Readonly<Record<string, Json>> | undefined
  readonly impacts: Readonly<Record<string, Impact>>
}

/** Differences in the order of the impact table, each as deep as it can be named. */
export function compareFields({ desired, fields, applied, impacts }: Comparison): Difference[] {
  const spec = desired.spec as Readonly<Record<string, Json | undefined>>
  const differences: Difference[] = []
  for (const [field, impact] of Object.entries(impacts)) {
    const after = spec[field]
    const before = field in fields ? fields[field] : applied?.[field]
    if (before === undefined && !(field in fields) && applied === undefined) continue
    const cause = causeOf(after, applied, field)
    for (const difference of deepDifferences(field, before, after)) {
      if (isIgnored(difference.path, desired.ignore)) continue
      const place = placeOf(desired, difference.path)
      differences.push({ ...difference, cause, impact, ...(place && { place }) })
    }
  }
  return differences
}

/** Drift: somebody changed the world, the manifest still says what was applied last. */
function causeOf(after: Json | undefined, applied: Comparison['applied'], field: string): Cause {
  if (applied === undefined) return 'unknown'
  return equal(after ?? null, applied[field] ?? null) ? 'drift' : 'edit'
}

type Leaf = Pick<Difference, 'path' | 'before' | 'after'>

/** The smallest differing parts; lists of differing length differ as a whole. */
export function deepDifferences(path: string, before: Json | undefined, after: Json | undefined): Leaf[] {
  if (equal(before ?? null, after ?? null)) return []
  if (isList(before) && isList(after) && before.length === after.length) {
    return before.flatMap((item, index) => deepDifferences(`${path}[${index}]`, item, after[index]))
  }
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return keys.flatMap((key) => deepDifferences(`${path}.${key}`, before[key], after[key]))
  }
  // Nothing is said in one way, whoever says it.
  const [was, is] = [before ?? undefined, after ?? undefined]
  return [{ path, ...(was !== undefined && { before: was }), ...(is !== undefined && { after: is }) }]
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIgnored(path: string, ignore: readonly string[]): boolean {
  return ignore.some(
    (ignored) => path === ignored || path.startsWith(`${ignored}.`) || path.startsWith(`${ignored}[`),
  )
}

/** The place of the deepest declared part of a path, else of the object. */
function placeOf(desired: Resource, path: string): Resource['places'][string] | undefined {
  let part = path
  for (;;) {
    const place = desired.places[part]
    if (place) return place
    const cut = Math.max(part.lastIndexOf('.'), part.lastIndexOf('['))
    if (cut < 0) return desired.places['']
    part = part.slice(0, cut)
  }
}
