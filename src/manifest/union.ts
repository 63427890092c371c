/**
 * Several files are one manifest: one stack name, bottles and agents side by side, `defaults` and `uplink` in one file
 * only. Nothing is overlaid: the same name in two files is an error with both places.
 */
import type { Place } from '../model/diagnostic.ts'
import { entriesOf, entry, mapOf, scalar, type Entry, type MapNode } from './node.ts'
import { anyOf, quoted, type Report } from './report.ts'

/** Versions of the manifest language that this program understands. */
export const MANIFEST_VERSIONS: readonly number[] = [1]

/** Whether the file is written in a version we know; what follows would only be noise otherwise. */
export function checkVersion(root: MapNode, report: Report): boolean {
  const version = entry(root, 'version')
  if (!version) {
    report.error(
      'missing-version',
      root.place,
      'a manifest says which version of the language it is written in',
      'write `version: 1` as its first line',
    )
    return true
  }
  const value = scalar(version.value)
  if (MANIFEST_VERSIONS.some((known) => known === value)) return true
  const quotedNumber = typeof value === 'string' && MANIFEST_VERSIONS.some((known) => String(known) === value)
  report.error(
    'unknown-version',
    version.value.place,
    `version ${quoted(String(value))} is not understood; this program knows ${anyOf(MANIFEST_VERSIONS.map(String))}`,
    quotedNumber ? 'write it without quotes' : undefined,
  )
  return false
}

export function unite(roots: readonly MapNode[], report: Report): MapNode {
  const first = roots[0] ?? mapOf({ file: '-', line: 1, column: 1 })
  if (roots.length < 2) return first
  const entries = new Map<string, Entry>()
  for (const root of roots) {
    for (const found of entriesOf(root)) {
      const old = entries.get(found.key)
      entries.set(found.key, old ? joined(old, found, report) : found)
    }
  }
  return { ...first, entries }
}

function joined(old: Entry, added: Entry, report: Report): Entry {
  if (old.key === 'bottles' || old.key === 'agents') return { ...old, value: sideBySide(old, added, report) }
  if (old.key === 'stack') {
    const [a, b] = [scalar(old.value), scalar(added.value)]
    if (a !== b)
      report.error(
        'stack-differs',
        added.value.place,
        `these files are one manifest, and this one says stack ${quoted(String(b))}; ${where(old.value.place)} says ${quoted(String(a))}`,
        'apply the stacks one by one, or leave `stack` out in all files but one',
      )
  } else if (old.key !== 'version') {
    report.error(
      'duplicate-section',
      added.place,
      `${quoted(old.key)} stands in one file only; it is in ${where(old.place)} already`,
    )
  }
  return old
}

function sideBySide(old: Entry, added: Entry, report: Report): MapNode {
  const names = new Map(entriesOf(old.value).map((named) => [named.key, named]))
  for (const named of entriesOf(added.value)) {
    const first = names.get(named.key)
    if (first)
      report.error(
        'duplicate-name',
        named.place,
        `${quoted(named.key)} is already a name under \`${old.key}\` in ${where(first.place)}`,
        'give one of them another name; environments differ by `extends` and `--set`',
      )
    else names.set(named.key, named)
  }
  return { kind: 'map', place: old.value.place, entries: names }
}

export function where(place: Place): string {
  return `${place.file}:${place.line}`
}
