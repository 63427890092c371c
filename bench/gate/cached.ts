/** The large repository, made once for a seed and a generator, and kept as a server would: one pack with a bitmap. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { labsCache, timed } from '../../scripts/labs/cache.ts'
import { makeCommits } from './repository.ts'
import type { Plan } from './repository.ts'

export async function cachedRepository(plan: Plan): Promise<string> {
  const sources = ['repository.ts', 'cached.ts'].map((file) => readFileSync(join(import.meta.dirname, file)))
  const digest = createHash('sha256')
    .update(Buffer.concat(sources))
    .update(JSON.stringify(plan))
    .digest('hex')
  const path = join(labsCache(), `bench-gate-${digest.slice(0, 12)}.git`)
  if (existsSync(path)) return path
  const unfinished = `${path}.new`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(labsCache(), { recursive: true })
  const git = (...args: readonly string[]): Buffer => execFileSync('git', args, { cwd: labsCache() })
  git('init', '-q', '--bare', '--initial-branch=main', unfinished)
  await timed(`git fast-import of ${plan.commits} commits`, () => makeCommits(unfinished, plan))
  // Without a search for further differences: it takes long, and what is asked for is a pack of this size.
  const repack = ['-c', 'pack.window=0', 'repack', '-q', '-a', '-d', '-b']
  await timed('git repack', () => void git('-C', unfinished, ...repack))
  git('-C', unfinished, 'pack-refs', '--all')
  renameSync(unfinished, path)
  return path
}
