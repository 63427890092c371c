/** Which paths of a push need a second look: what runs by itself once it is at the upstream, or in somebody's editor. */
import { refMatches } from '../policy/refs.ts'
import { git } from './git.ts'
import type { GitRun } from './git.ts'
import { NEW } from './objects.ts'

/** Paths that a new commit adds, changes or removes and that one of the globs covers, in whatever case. */
export async function flaggedPaths(
  run: GitRun,
  tips: readonly string[],
  globs: readonly string[],
): Promise<readonly string[]> {
  if (globs.length === 0 || tips.length === 0) return []
  const asked = `${tips.join('\n')}\n`
  const { stdout: commits } = await git(['rev-list', ...NEW], run, { input: asked })
  const options = ['--stdin', '-r', '-m', '--root', '--no-commit-id', '--name-only', '--no-renames', '-z']
  const { stdout } = await git(['diff-tree', ...options], run, { input: commits.toString() })
  const paths = new Set(stdout.toString().split('\0').filter(Boolean))
  const folded = globs.map((glob) => glob.toLowerCase())
  return [...paths].filter((path) => folded.some((glob) => refMatches(glob, path.toLowerCase()))).toSorted()
}
