/**
 * What a workspace is filled with: the files of a folder of the host without what its ignore rules leave out, and its
 * repository where that is asked for. Nothing of the folder is run; links that lead out of it stay here.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs'
import { relative } from 'node:path'
import { DriverError, UsageError } from '../../model/errors.ts'
import { identityOf, found, LEVELS_MAX } from '../../manifest/folder.ts'
import type { Enter, Found } from '../../manifest/folder.ts'
import type { WorkspaceFiles, WorkspaceMeasure } from '../../ports/materials.ts'
import { isIgnored, rulesOf } from './ignore-rules.ts'
import type { RulesOfFolder } from './ignore-rules.ts'
import { BYTES_MAX, ENTRIES_MAX, staysInside } from './packable.ts'
import { commitOf, repositoryEntries, repositoryIn } from './repository.ts'
import { pack, packingOf } from './tar.ts'
import type { Packing } from './tar.ts'

export interface WorkspaceRequest {
  /** Absolute. */
  readonly source: string
  readonly mode: 'copy' | 'clone'
  /** With its repository. */
  readonly git: boolean
  /** Folders of the host that are left out wherever they lie: the state of this program. */
  readonly never: readonly string[]
  /** Of the user: neither it nor a folder above it is a workspace. */
  readonly home: string | undefined
}

/** Read in each folder, the later the stronger. */
export const IGNORE_FILES = ['.gitignore', '.botbottleignore'] as const
const IGNORE_MAX = 1024 * 1024

/** Settings that programs read from a workspace and run or trust something by (containment.md, ISO-02). */
const SETTINGS =
  /(^|\/)(\.claude\/(settings(\.local)?\.json|hooks\/.*)|\.mcp\.json|\.codex\/config\.toml|\.envrc|\.vscode\/(tasks|settings|launch)\.json|\.devcontainer\/devcontainer\.json|\.husky\/[^/]+)$/

/** Throws `UsageError` where the folder cannot be a workspace. */
export function openWorkspace(request: WorkspaceRequest): WorkspaceFiles {
  const { mode } = request
  requireFolder(request)
  const repository = request.git || mode === 'clone' ? repositoryIn(request.source) : undefined
  const commit = repository && commitOf(repository)
  const entries = function* (left: Collected): Generator<Packing> {
    if (mode === 'copy') yield* filesOf(request, left)
    if (repository) yield* repositoryEntries(repository, mode)
  }
  return {
    mode,
    commit: () => commit,
    measure: () => measured(entries, request.source),
    pack: (seen) => pack(entries(collected()), seen),
  }
}

interface Collected {
  readonly links: string[]
  readonly others: string[]
  readonly repositories: string[]
}

const collected = (): Collected => ({ links: [], others: [], repositories: [] })

function measured(entries: (left: Collected) => Iterable<Packing>, source: string): WorkspaceMeasure {
  const left = collected()
  const settings: string[] = []
  let [files, bytes, count] = [0, 0, 0]
  for (const { name, kind, size } of entries(left)) {
    count += 1
    if (kind === 'file') files += 1
    bytes += size
    if (!name.startsWith('.git/') && SETTINGS.test(name)) settings.push(name)
    if (count > ENTRIES_MAX) throw tooLarge(source, `has more than ${ENTRIES_MAX} files`)
  }
  if (bytes > BYTES_MAX) throw tooLarge(source, 'is larger than 4 GiB')
  return { files, bytes, leftOut: left, settings }
}

function* filesOf(request: WorkspaceRequest, left: Collected): Generator<Packing> {
  const never = new Set(request.never.flatMap((path) => identityAt(path) ?? []))
  for (const entry of found(request.source, entering(never, left))) {
    const packing = takeable(entry, left)
    if (packing) yield packing
  }
}

/** Rules gather on the way down; `left` is told of repositories below the first folder. */
function entering(never: ReadonlySet<string>, left: Collected): Enter {
  const byFolder = new Map<string, readonly RulesOfFolder[]>()
  return ({ path, identity, read }) => {
    if (never.has(identity)) return () => false
    const above = path === '' ? [] : (byFolder.get(parentOf(path)) ?? [])
    const rules = IGNORE_FILES.flatMap((name) => rulesOf(read(name, IGNORE_MAX)?.toString('utf8') ?? ''))
    const stack = rules.length > 0 ? [...above, { folder: path, rules }] : above
    byFolder.set(path, stack)
    return (name, isFolder) => {
      if (name === '.git') {
        if (path !== '') left.repositories.push(path)
        return false
      }
      return !isIgnored(path === '' ? name : `${path}/${name}`, isFolder, stack)
    }
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

function takeable(entry: Found, left: Collected): Packing | undefined {
  const { path, kind, target = '' } = entry
  if (path.split('/').length > LEVELS_MAX || kind === 'other') left.others.push(path)
  else if (kind === 'link' && !staysInside(path, target)) left.links.push(path)
  else return packingOf(entry)
  return undefined
}

function requireFolder({ source, home }: WorkspaceRequest): void {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw unfit(source, 'is not a folder', 'relative paths count from the file that says them')
  const below = home === undefined ? '..' : relative(realpathSync(source), real(home))
  if (below === '' || !below.startsWith('..'))
    throw unfit(
      source,
      'is your home folder, or above it: keys and logins lie there',
      'name the folder of the project',
    )
}

function real(path: string): string {
  return lstatSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : path
}

function identityAt(path: string): string | undefined {
  const about = lstatSync(path, { throwIfNoEntry: false })
  return about && identityOf(about)
}

function unfit(source: string, why: string, hint: string): UsageError {
  return new UsageError(`the workspace source ${source} ${why}`, { code: 'workspace-source', hint })
}

function tooLarge(source: string, why: string): DriverError {
  return new DriverError(`the workspace source ${source} ${why}`, {
    code: 'workspace-too-large',
    hint: `leave out what is not needed in ${IGNORE_FILES.join(' or ')}`,
  })
}
