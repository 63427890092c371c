/**
 * Commits by the API of a forge, for repositories that are behind the git gate: what the gate would scan and judge must
 * not have a second door (containment.md, rule 26). Judged in every reading of the path; a repository that is named
 * by a number, and a GraphQL request, may mean any of them.
 */
import { isMethodParameter } from './override.ts'
import { queryPairs } from './path.ts'

interface ForgeRequest {
  readonly method: string
  readonly query: string
}

/** Below a repository of GitHub, Gitea or GitLab: what makes or moves a ref, or lets somebody else do it. */
const WRITES = new RegExp(
  `^(?:${[
    // The repository itself: which branch is the default one, and stays closed at the gate, is a field of it.
    '',
    'contents(?:/.*)?',
    'git/.+',
    'merges',
    'merge-upstream',
    'diffpatch',
    'branches(?:/.*)?',
    'tags(?:/.*)?',
    'releases(?:/.*)?',
    'pulls/[^/]+/(?:merge|update-branch|update)',
    'merge_trains/.+',
    'code-scanning/alerts/[^/]+/autofix/commits',
    'hooks/git/.+',
    '(?:collaborators|members|teams)(?:/.*)?',
    'transfer',
    'keys(?:/.*)?',
    'deploy_keys(?:/.*)?',
    'mirror-sync',
    'push_mirrors.*',
    'remote_mirrors(?:/.*)?',
    'merge_requests/[^/]+/(?:merge|rebase)',
    'repository/(?:files|commits|branches|tags|merged_branches|submodules|changelog)(?:/.*)?',
  ].join('|')})/*$`,
  'i',
)
/** Of no repository by name: a GraphQL request, and a suggestion of GitLab's that becomes a commit. */
const UNNAMED = /\/graphql\/*$|\/suggestions\/(?:\d+\/apply|batch_apply)\/*$/i
const READS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** `gated`: lower-case `owner/name`. */
export function isForgeCommit(
  readings: readonly string[],
  request: ForgeRequest,
  gated: readonly string[],
): boolean {
  if (READS.includes(request.method) && !namesAnotherMethod(request)) return false
  return readings.some(
    (path) => UNNAMED.test(path) || belowRepository(path, gated).some((rest) => WRITES.test(rest)),
  )
}

/** What stands behind every part of a path that may name one of them. */
function belowRepository(path: string, gated: readonly string[]): readonly string[] {
  const lower = `${path.toLowerCase().replaceAll('%2f', '/')}/`
  const byName = gated.flatMap((repository) =>
    [`/repos/${repository}/`, `/projects/${repository}/`].map((named) => behind(lower, named)),
  )
  const byNumber = /\/(?:repositories|projects)\/\d+\/(.*)$/.exec(lower)?.[1]
  return [...byName, byNumber].filter((rest) => rest !== undefined)
}

function behind(path: string, named: string): string | undefined {
  const at = path.indexOf(named)
  return at === -1 ? undefined : path.slice(at + named.length)
}

/** Headers that name one are never passed on. */
function namesAnotherMethod({ query }: ForgeRequest): boolean {
  return queryPairs(query).some(([name]) => isMethodParameter(name))
}
