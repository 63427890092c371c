/** Which commit of a push brought an object in, for the words of a refusal. It decides nothing. */
import { git } from './git.ts'
import type { GitRun } from './git.ts'
import { NEW } from './objects.ts'
import type { Found } from './scan.ts'

/** Milliseconds for one object: where it takes longer, the words do without. */
const PATIENCE_MS = 5000

export async function commitsOf(
  run: GitRun,
  found: readonly Found[],
  tips: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const commits = new Map<string, string>()
  const asked = `${tips.join('\n')}\n`
  const oids = new Set(found.filter(({ type }) => type === 'blob' || type === 'tree').map(({ oid }) => oid))
  for (const oid of oids) {
    const options = ['--format=%H', '-m', '-t', '--root', `--find-object=${oid}`, ...NEW]
    const listed = await git(['log', ...options], { ...run, ms: PATIENCE_MS }, { input: asked }).catch(
      () => undefined,
    )
    const oldest = listed?.stdout.toString().trim().split('\n').at(-1)
    if (oldest !== undefined && /^[0-9a-f]{40}$/.test(oldest)) commits.set(oid, oldest)
  }
  return commits
}
