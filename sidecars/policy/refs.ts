/**
 * The closed language of refs, and what a push may do with one. Facts (default branch, values of refs) come from the
 * upstream, wishes from the agent, rules from the manifest. Pure; whether one commit follows another is asked for.
 */
import type { PushPolicy } from '../../src/model/gate.ts'

export interface RefName {
  readonly kind: 'branch' | 'tag'
  /** Full: `refs/heads/agent/x`. */
  readonly name: string
}

/** One command of a push. */
export interface RefUpdate {
  readonly ref: string
  /** `undefined`: it does not exist yet. */
  readonly from: string | undefined
  /** `undefined`: it is to be removed. */
  readonly to: string | undefined
}

/** What is known of the upstream. */
export interface RefFacts {
  /** Full name; `undefined` for an upstream without a branch. */
  readonly defaultBranch: string | undefined
  /** Object by full name, branches and tags. */
  readonly refs: ReadonlyMap<string, string>
}

export type RefRule =
  | 'ref-namespace'
  | 'ref-name'
  | 'ref-twice'
  | 'ref-undeclared'
  | 'ref-protected'
  | 'ref-look-alike'
  | 'tags-off'
  | 'delete-off'
  | 'force-off'
  | 'stale'
  | 'too-many-refs'

export interface RefRefusal {
  readonly rule: RefRule
  readonly ref: string
}

/** Characters of a full name. */
export const REF_MAX = 200
/** Commands of one push. */
export const UPDATES_MAX = 100

/** What follows `refs/heads/`: parts of ASCII letters, digits and `._+@=-`, none of which begins with a dot or a dash. */
const PART = /^(?![.-])[A-Za-z0-9._+@=-]+(?<![.])$/
const NAMESPACES = { 'refs/heads/': 'branch', 'refs/tags/': 'tag' } as const

export function parseRef(ref: string): RefName | RefRule {
  for (const [prefix, kind] of Object.entries(NAMESPACES)) {
    if (!ref.startsWith(prefix)) continue
    const parts = ref.slice(prefix.length).split('/')
    const isName = ref.length <= REF_MAX && parts.every(isPart) && ref !== 'refs/heads/HEAD'
    return isName ? { kind, name: ref } : 'ref-name'
  }
  return 'ref-namespace'
}

const isPart = (part: string): boolean =>
  PART.test(part) && !part.includes('..') && !part.includes('@{') && part !== '@' && !part.endsWith('.lock')

/** `*` is one part or a piece of one, `**` any number of parts. */
export function refMatches(pattern: string, ref: string): boolean {
  return partsMatch(pattern.split('/'), ref.split('/'))
}

function partsMatch(pattern: readonly string[], parts: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return parts.length === 0
  if (first === '**') return parts.some((_, at) => partsMatch(rest, parts.slice(at))) || partsMatch(rest, [])
  const [part, ...others] = parts
  return part !== undefined && pieceMatches(first.split('*'), part) && partsMatch(rest, others)
}

/** Literal pieces in their order: no expression is built from what a manifest says. */
function pieceMatches(pieces: readonly string[], part: string): boolean {
  const [begin = '', ...rest] = pieces
  if (rest.length === 0) return part === begin
  const end = rest.pop() ?? ''
  if (!part.startsWith(begin) || part.length < begin.length + end.length || !part.endsWith(end)) return false
  let at = begin.length
  for (const piece of rest) {
    const found = part.indexOf(piece, at)
    if (found === -1 || found + piece.length > part.length - end.length) return false
    at = found + piece.length
  }
  return true
}

/** What is wrong with the names alone, before anything of the push was read or the upstream was asked. */
export function judgeNames(updates: readonly RefUpdate[], policy: PushPolicy): readonly RefRefusal[] {
  if (updates.length > UPDATES_MAX) return [{ rule: 'too-many-refs', ref: '' }]
  const refused: RefRefusal[] = []
  const seen = new Set<string>()
  for (const update of updates) {
    const { ref } = update
    const rule = seen.has(ref.toLowerCase()) ? 'ref-twice' : judgeName(update, policy)
    if (rule !== undefined) refused.push({ rule, ref })
    seen.add(ref.toLowerCase())
  }
  return refused
}

function judgeName({ ref, to }: RefUpdate, policy: PushPolicy): RefRule | undefined {
  const parsed = parseRef(ref)
  if (typeof parsed === 'string') return parsed
  if (parsed.kind === 'tag' && !policy.tags) return 'tags-off'
  if (!isAllowed(parsed, policy)) return 'ref-undeclared'
  if (to === undefined && !policy.delete) return 'delete-off'
  return undefined
}

/** `tags: true` opens every tag, unless `allow` names some. */
function isAllowed({ kind, name }: RefName, { allow }: PushPolicy): boolean {
  if (kind === 'branch') return allow.some((pattern) => refMatches(pattern, name))
  const ofTags = allow.filter((pattern) => pattern.startsWith('refs/tags/'))
  return ofTags.length === 0 || ofTags.some((pattern) => refMatches(pattern, name))
}

/** What is wrong in the light of the upstream. `follows`: whether the second commit has the first among its ancestors. */
export async function judgeFacts(
  updates: readonly RefUpdate[],
  facts: RefFacts,
  policy: PushPolicy,
  follows: (older: string, newer: string) => Promise<boolean>,
): Promise<readonly RefRefusal[]> {
  const refused: RefRefusal[] = []
  for (const update of updates) {
    const rule = await judgeFact(update, facts, policy, follows)
    if (rule !== undefined) refused.push({ rule, ref: update.ref })
  }
  return refused
}

async function judgeFact(
  { ref, from, to }: RefUpdate,
  { defaultBranch, refs }: RefFacts,
  policy: PushPolicy,
  follows: (older: string, newer: string) => Promise<boolean>,
): Promise<RefRule | undefined> {
  if (isProtected(ref, defaultBranch, policy, to === undefined)) return 'ref-protected'
  const present = refs.get(ref)
  if (present === undefined && hasLookAlike(ref, refs)) return 'ref-look-alike'
  if (present !== from) return 'stale'
  if (present === undefined || to === undefined || present === to) return undefined
  if (policy.force) return undefined
  return !ref.startsWith('refs/tags/') && (await follows(present, to)) ? undefined : 'force-off'
}

/**
 * The default branch, in any case, and what would lie below it. A pattern does not open it; its full name in `allow`
 * does, for what follows it; nothing opens its removal, or a name that `protect` has.
 */
function isProtected(
  ref: string,
  defaultBranch: string | undefined,
  { allow, protect, force }: PushPolicy,
  removes: boolean,
): boolean {
  if (protect.some((pattern) => refMatches(pattern.toLowerCase(), ref.toLowerCase()))) return true
  if (protect.some((name) => isBelow(ref, name))) return true
  if (defaultBranch === undefined) return false
  if (isBelow(ref, defaultBranch)) return true
  if (ref.toLowerCase() !== defaultBranch.toLowerCase()) return false
  return ref !== defaultBranch || removes || force || !allow.includes(ref)
}

const isBelow = (ref: string, name: string): boolean => ref.toLowerCase().startsWith(`${name.toLowerCase()}/`)

/** Another ref that differs in case alone: on some file systems they are one. */
function hasLookAlike(ref: string, refs: ReadonlyMap<string, string>): boolean {
  const folded = ref.toLowerCase()
  for (const name of refs.keys()) if (name !== ref && name.toLowerCase() === folded) return true
  return false
}
