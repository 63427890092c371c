/**
 * A manifest that an agent could edit decides about that agent. Warned: a file that lies inside the workspace source
 * of one of its bottles (containment.md, SPP-03).
 */
import { realpath } from 'node:fs/promises'
import { relative, isAbsolute } from 'node:path'
import { at, text } from './node.ts'
import { quoted, type Report } from './report.ts'
import type { ResolvedManifest } from './resolve.ts'
import { pathFrom } from './secret-ref.ts'

export async function warnInReach(
  resolved: ResolvedManifest,
  paths: readonly string[],
  folderOf: (file: string) => string,
  home: string | undefined,
  report: Report,
): Promise<void> {
  for (const { name, tree } of resolved.live) {
    const source = at(tree, 'workspace', 'source')
    const written = text(source)
    if (
      !source ||
      written === undefined ||
      text(at(tree, 'workspace', 'mode')) === 'none' ||
      /^[a-z+]+:\/\//.test(written)
    )
      continue
    const folder = await real(pathFrom(folderOf(source.place.file), written, home))
    for (const path of paths) {
      const below = relative(folder, path === '-' ? path : await real(path))
      if (path === '-' || below.startsWith('..') || isAbsolute(below)) continue
      report.warning(
        'manifest-in-reach',
        source.place,
        `this manifest lies in the workspace of ${quoted(name)}: what its agent writes there may come back as what is allowed`,
        'keep the manifest in a repository of its own, or review each change of it before you apply',
      )
    }
  }
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}
