/**
 * The fewest path tests for paths that were seen, widened with care: a prefix only where three paths or more share at
 * least one segment, as long as it can be; everything else exactly. Pure.
 */
import type { TextMatch } from '../../model/policy.ts'
import { readingsOf } from '../../../sidecars/policy/path.ts'

/** Paths that a prefix stands for at least. */
const SHARED_BY = 3

/** `paths` are canonical or have several readings, all of which must be allowed; those that have none are left out. */
export function pathTests(paths: readonly string[]): readonly TextMatch[] {
  const readings = [...new Set(paths)].map((path) => readingsOf(path) ?? [])
  const plain = readings.flatMap((all) => (all.length === 1 ? all : []))
  const { prefixes, left } = cover('/', plain)
  const exact = [...left, ...readings.flatMap((all) => (all.length > 1 ? all : []))]
  const open = [...new Set(exact)].filter((path) => !prefixes.some((prefix) => path.startsWith(prefix)))
  return [...prefixes.map((prefix) => ({ prefix })), ...open.sort().map((path) => ({ exact: path }))]
}

interface Cover {
  readonly prefixes: readonly string[]
  /** Paths that no prefix stands for. */
  readonly left: readonly string[]
}

/** From the longest prefixes up; one that stands for enough takes over those below it. */
function cover(prefix: string, paths: readonly string[]): Cover {
  const leaves: string[] = []
  const below = new Map<string, string[]>()
  for (const path of paths) {
    const slash = path.indexOf('/', prefix.length)
    if (slash === -1) leaves.push(path)
    else {
      const folder = path.slice(0, slash + 1)
      below.set(folder, [...(below.get(folder) ?? []), path])
    }
  }
  const covers = [...below.keys()].sort().map((folder) => cover(folder, below.get(folder) ?? []))
  const left = [...leaves, ...covers.flatMap((one) => one.left)]
  if (prefix !== '/' && left.length >= SHARED_BY) return { prefixes: [prefix], left: [] }
  return { prefixes: covers.flatMap((one) => one.prefixes), left }
}
