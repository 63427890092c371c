/** What a refused push or fetch says: to the agent as lines that git prints behind `remote:`. Assembled here alone. */
import { safeText } from '../../src/model/text.ts'
import type { RefRefusal, RefRule } from '../policy/refs.ts'
import type { Found } from './scan.ts'
import type { LargeFile } from './checks.ts'

/** One reason with what can be done about it. */
export interface Reason {
  /** Stable: what the audit line has. */
  readonly rule: string
  readonly lines: readonly string[]
  /** For the line that git prints beside the ref; a few words. */
  readonly short: string
}

const ASK = 'Ask whoever runs this bottle to change the manifest if it has to be.'

const REF_WORDS: Readonly<Record<RefRule, (ref: string) => string>> = {
  'ref-namespace': (ref) =>
    `${ref} is neither a branch nor a tag; only refs/heads/* and, where declared, refs/tags/* can be pushed.`,
  'ref-name': (ref) =>
    `${ref} is not a name that can be pushed: parts of letters, digits and . _ + @ = -, not beginning with a dot or a dash. Rename the branch.`,
  'ref-twice': (ref) => `${ref} occurs twice in this push, in some case.`,
  'ref-undeclared': (ref) => `${ref} is not among the refs that push.allow of this remote declares. ${ASK}`,
  'ref-protected': (ref) =>
    `${ref} is the default branch, below it, or protected. Push a branch of your own.`,
  'ref-look-alike': (ref) => `${ref} differs from a ref of the upstream in case alone. Choose another name.`,
  'tags-off': (ref) => `${ref} is a tag, and this remote does not declare push.tags. ${ASK}`,
  'delete-off': (ref) => `${ref} would be removed, and this remote does not declare push.delete. ${ASK}`,
  'force-off': (ref) =>
    `${ref} would lose commits that the upstream has, and this remote does not declare push.force. Fetch, and build on what is there.`,
  stale: (ref) => `${ref} is not at the upstream what this push expects. Fetch, then push again.`,
  'too-many-refs': () => 'a push may change 100 refs. Push fewer at once.',
}

export const refReason = ({ rule, ref }: RefRefusal): Reason => ({
  rule,
  lines: [REF_WORDS[rule](safeText(ref, 200))],
  short: rule,
})

export const SHORT_OID = 12

/** `commits`: by object, the commit of this push that brought it. */
export function foundReason(
  found: readonly Found[],
  count: number,
  commits: ReadonlyMap<string, string>,
): Reason {
  const [{ rule } = { rule: 'finding' }] = found
  const lines = found.map((one) => {
    const where = one.path === '' ? `the ${one.type} ${one.oid.slice(0, SHORT_OID)}` : safeText(one.path, 200)
    const commit = commits.get(one.oid)
    const inCommit = commit === undefined ? '' : ` (commit ${commit.slice(0, SHORT_OID)})`
    return `${one.rule === rule ? '' : `${one.rule} `}in ${where}:${one.line}${inCommit}: ${one.excerpt}`
  })
  const more = count > found.length ? [`and ${count - found.length} more`] : []
  const way = found.some((one) => one.rule.startsWith('uninspectable/'))
    ? 'What cannot be looked into is not passed: leave it out, or ask whoever runs this bottle.'
    : 'Take it out of every commit of this push (git commit --amend, git rebase -i), not only out of the last one; comments that silence scanners do nothing here.'
  return { rule, lines: [...lines, ...more, way], short: 'secret found' }
}

export function largeReason(files: readonly LargeFile[], limit: number): Reason {
  const lines = files.slice(0, 10).map(({ path, size }) => `${safeText(path, 200)} has ${size} bytes`)
  return {
    rule: 'file-too-large',
    lines: [...lines, `max_file of this remote is ${limit} bytes.`],
    short: 'file too large',
  }
}

export const strangerReason = (
  commits: readonly string[],
  { name, email }: { readonly name: string; readonly email: string },
): Reason => ({
  rule: 'identity-required',
  lines: [
    ...commits.slice(0, 10).map((oid) => `commit ${oid.slice(0, SHORT_OID)} has another author or committer`),
    `Every new commit has to be by ${safeText(name)} <${safeText(email)}>: git rebase -r --exec 'git commit --amend --no-edit --reset-author' …`,
  ],
  short: 'author or committer',
})

export const reason = (rule: string, line: string): Reason => ({ rule, lines: [line], short: rule })

/** Lines for a terminal, each with its end. */
export function refusalText(reasons: readonly Reason[]): string {
  const lines = ['bot-bottle: this push is refused as a whole; nothing of it went to the upstream.']
  for (const { rule, lines: said } of reasons)
    lines.push(...said.map((line, at) => (at === 0 ? `  [${rule}] ${line}` : `    ${line}`)))
  return `${lines.join('\n')}\n`
}

/** Bodies of answers that are no git protocol; git prints them behind `remote:`. */
export const NOT_SERVED = {
  'dumb-http':
    'this gate speaks git’s smart HTTP protocol only; files of a repository are not served. Use a git client.',
  archive: 'git archive is not served. Clone, and make the archive from the clone.',
  lfs: 'Git LFS is not served: its files would not be scanned. Use plain git, or ask whoever runs this bottle.',
  service: 'only git-upload-pack (fetch) and git-receive-pack (push) are served.',
  method: 'this is not how a git client asks.',
} as const

/** The same for a name that exists elsewhere, and for one that exists nowhere. */
export const unknownText = (names: readonly string[]): string =>
  `bot-bottle: no such repository behind this gate. Declared: ${names.length === 0 ? 'none' : names.join(', ')}. Others are declared under git.remotes of the manifest, by whoever runs this bottle.\n`
