/**
 * What differs between a workspace as it was filled and as it is, from two listings of it. Both come from the bottle, one
 * of them from a file of the agent's: they are parsed once, here, and what makes no sense is left out. Pure.
 */
import type { Change } from '../../render/changes.ts'

export interface Listed {
  readonly path: string
  readonly type: string
  readonly mode: string
  readonly size: number
  readonly mtime: string
  readonly target: string
}

/** The one parse point of a listing of the helper. */
export function listingOf(json: string): readonly Listed[] {
  let found: unknown
  try {
    found = JSON.parse(json)
  } catch {
    return []
  }
  if (!Array.isArray(found)) return []
  return found.flatMap((row: unknown): readonly Listed[] => {
    if (!Array.isArray(row)) return []
    const [path, type, mode, size, mtime, target] = row as readonly unknown[]
    const isSound =
      typeof path === 'string' && path !== '' && typeof type === 'string' && typeof size === 'number'
    if (!isSound) return []
    return [{ path, type, mode: String(mode), size, mtime: String(mtime), target: String(target) }]
  })
}

/** By path. A folder counts only as a whole: new or gone, with what is in it as one change. */
export function changesBetween(before: readonly Listed[], after: readonly Listed[]): readonly Change[] {
  const [was, is] = [byPath(before), byPath(after)]
  const changes: readonly Change[] = [
    ...after.flatMap((now): readonly Change[] => {
      const then = was.get(now.path)
      const { path, type, size } = now
      if (!then) return [{ path, change: 'added', type, after: size }]
      return isSame(then, now) ? [] : [{ path, change: 'modified', type, before: then.size, after: size }]
    }),
    ...before.flatMap(({ path, type, size }): readonly Change[] =>
      is.has(path) ? [] : [{ path, change: 'removed', type, before: size }],
    ),
  ]
  return folded(changes).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

const byPath = (rows: readonly Listed[]): ReadonlyMap<string, Listed> =>
  new Map(rows.map((row) => [row.path, row]))

/** The time of a folder says only that something in it changed. */
function isSame(then: Listed, now: Listed): boolean {
  if (then.type !== now.type || then.mode !== now.mode) return false
  if (now.type === 'dir') return true
  return then.size === now.size && then.target === now.target && then.mtime === now.mtime
}

function folded(changes: readonly Change[]): Change[] {
  const folders = new Map<string, { files: number; bytes: number }>()
  for (const { path, change, type } of changes)
    if (type === 'dir' && change !== 'modified') folders.set(`${change} ${path}`, { files: 0, bytes: 0 })
  const kept: Change[] = []
  for (const each of changes) {
    const top = outermost(each, folders)
    if (top === undefined) kept.push(each)
    else if (each.type !== 'dir') {
      top.files += 1
      top.bytes += each.after ?? each.before ?? 0
    }
  }
  return kept.map((each) => {
    const whole = each.type === 'dir' ? folders.get(`${each.change} ${each.path}`) : undefined
    if (!whole) return each
    const size = each.change === 'added' ? { after: whole.bytes } : { before: whole.bytes }
    return { path: each.path, change: each.change, type: 'dir', ...size, files: whole.files }
  })
}

/** The first folder above it that came or went with it. */
function outermost<T>({ path, change }: Change, folders: ReadonlyMap<string, T>): T | undefined {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const found = folders.get(`${change} ${path.slice(0, at)}`)
    if (found) return found
  }
  return undefined
}

/** The commit that a workspace was filled with, as provisioning left it; `undefined`: it has no repository of ours. */
export function commitIn(json: string): string | undefined {
  try {
    const { commit } = Object(JSON.parse(json)) as { readonly commit?: unknown }
    return typeof commit === 'string' && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined
  } catch {
    return undefined
  }
}
