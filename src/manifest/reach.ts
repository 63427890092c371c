/**
 * A manifest that an agent could edit decides about that agent. Warned: a file that lies inside the workspace source
 * of one of its bottles, or in a repository that one of its remotes may push to (containment.md, SPP-03).
 */
import { realpath } from 'node:fs/promises'
import { relative, isAbsolute } from 'node:path'
import { parseSshUrl } from './checks/remotes.ts'
import { at, entriesOf, itemsOf, text } from './node.ts'
import { originOf } from './origin.ts'
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
  warnPushable(resolved, await Promise.all(paths.map(originOf)), report)
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

/** `origins` as `originOf` gives them. */
function warnPushable(resolved: ResolvedManifest, origins: readonly string[], report: Report): void {
  const repositories = new Set(origins.map((origin) => repositoryOf(origin.split('#', 1)[0] ?? '')))
  for (const { name, tree } of resolved.live) {
    for (const { key, value } of entriesOf(at(tree, 'git', 'remotes'))) {
      const url = at(value, 'url')
      const repository = repositoryOf(text(url) ?? '')
      if (!url || repository === undefined || !repositories.has(repository)) continue
      if (itemsOf(at(value, 'push', 'allow')).length === 0) continue
      report.warning(
        'manifest-in-reach',
        url.place,
        `this manifest lies in the repository that ${quoted(name)} may push to as ${quoted(key)}`,
        'keep the manifest in a repository of its own, or review each change of it before you apply',
      )
    }
  }
}

/** Host and path of a remote, whichever way it is written; `undefined` for what is none. */
function repositoryOf(written: string): string | undefined {
  const ssh = parseSshUrl(written)
  const url = ssh === undefined && URL.canParse(written) ? new URL(written) : undefined
  const [host, path] = ssh ? [ssh.host, ssh.path] : [url?.hostname, url?.pathname]
  if (host === undefined || host === '' || path === undefined) return undefined
  return `${host}/${path.replace(/^\/+/, '').replace(/\.git$/, '')}`.toLowerCase()
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}
