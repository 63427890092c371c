/**
 * The files that a build of the user's Dockerfile sees, with their digests: what the manifest names under
 * `build.context`, without what the `.dockerignore` beside the Dockerfile takes out. Links are left out: they could
 * lead anywhere.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { ContextFile } from '../model/image-recipe.ts'
import { ignoring } from './dockerignore.ts'

/** Sorted. A named file keeps its path from the folder of the Dockerfile, a folder that of each file in it. Throws what `node:fs` throws. */
export function buildContext(dockerfile: string, named: readonly string[]): readonly ContextFile[] {
  const folder = dirname(dockerfile)
  const ignored = ignoring(
    textOf(`${dockerfile}.dockerignore`) ?? textOf(join(folder, '.dockerignore')) ?? '',
  )
  const found = new Map<string, ContextFile>()
  const add = (file: string): void => {
    const about = lstatSync(file)
    if (about.isDirectory()) for (const name of readdirSync(file)) add(join(file, name))
    const path = inContext(folder, file)
    if (!about.isFile() || ignored(path)) return
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
    found.set(path, { path, file, mode: about.mode & 0o111 ? 0o755 : 0o644, sha256 })
  }
  for (const file of named) add(file)
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** What lies beside the folder stands at the top of the context, by its own name. */
function inContext(folder: string, file: string): string {
  const path = relative(folder, file).split(sep).join('/')
  return path.replace(/^(\.\.\/)+/, '')
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
