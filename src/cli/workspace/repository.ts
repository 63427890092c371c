/**
 * What of a git repository of the host goes into a bottle: commits, branches, tags, `HEAD`, the index. Its configuration
 * is written anew, for tokens lie in it and programs are named in it; hooks, logs and everything else stay here. Git is
 * not run, and nothing in the repository is.
 */
import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UsageError } from '../../model/errors.ts'
import { found } from '../../manifest/folder.ts'
import type { Found } from '../../manifest/folder.ts'
import { packingOf } from './tar.ts'
import type { Packing } from './tar.ts'

export interface Repository {
  /** Holds `HEAD` and `index` of this checkout. */
  readonly own: string
  /** Holds everything else; of a worktree that of its repository. */
  readonly common: string
}

/** Throws `UsageError` where there is none, or where the whole of it does not lie there. */
export function repositoryIn(folder: string): Repository {
  const dotGit = join(folder, '.git')
  const about = lstatSync(dotGit, { throwIfNoEntry: false })
  if (about?.isDirectory()) return whole({ own: dotGit, common: dotGit }, folder)
  if (about?.isFile()) return whole(worktree(folder, dotGit), folder)
  throw refused(
    folder,
    'has no git repository of its own',
    'leave `git: true` out, or name the folder that has `.git`',
  )
}

/** Taken only where it names this checkout in return: a file with another folder in it leads anywhere. */
function worktree(folder: string, dotGit: string): Repository {
  const [, named = ''] = /^gitdir: (.+)$/m.exec(readFileSync(dotGit, 'utf8')) ?? []
  const own = resolve(folder, named.trim())
  const back = textIn(own, 'gitdir')?.trim()
  const common = textIn(own, 'commondir')?.trim()
  const isOurs = back !== undefined && common !== undefined && samePath(dirname(back), folder)
  if (isOurs) return { own, common: resolve(own, common) }
  throw refused(
    folder,
    'is no worktree that its repository knows',
    'leave `git: true` out, or clone it to a folder of its own',
  )
}

function whole(repository: Repository, folder: string): Repository {
  const { common } = repository
  if (textIn(common, 'objects/info/alternates') !== undefined)
    throw refused(
      folder,
      'borrows commits from another repository',
      'git repack -ad, then remove .git/objects/info/alternates',
    )
  if (/^\s*partialclone\s*=/im.test(textIn(common, 'config') ?? ''))
    throw refused(folder, 'is a partial clone: not every commit is here', 'git fetch --refetch --no-filter')
  return repository
}

/** Names directly in the repository that go along; of a clone all but the index. */
const TAKEN = new Set(['objects', 'refs', 'reftable', 'packed-refs', 'shallow'])
const OF_CHECKOUT = ['HEAD', 'index'] as const

/** Below `.git/`. */
export function* repositoryEntries(repository: Repository, mode: 'copy' | 'clone'): Generator<Packing> {
  const { own, common } = repository
  const config = Buffer.from(configOf(textIn(common, 'config') ?? ''))
  yield { name: '.git', kind: 'folder', mode: 0o755, mtime: 0, size: 0 }
  yield { name: '.git/config', kind: 'file', mode: 0o644, mtime: 0, size: config.length, content: config }
  for (const entry of found(
    own,
    ({ path }) =>
      (name) =>
        path === '' && isOfCheckout(name, mode),
  ))
    yield* inDotGit(entry)
  const counts = (path: string, name: string): boolean =>
    path === '' ? TAKEN.has(name) : !name.endsWith('.lock') && !name.startsWith('tmp_')
  for (const entry of found(
    common,
    ({ path }) =>
      (name) =>
        counts(path, name),
  ))
    yield* inDotGit(entry)
}

function isOfCheckout(name: string, mode: 'copy' | 'clone'): boolean {
  return OF_CHECKOUT.some((own) => own === name && (own !== 'index' || mode === 'copy'))
}

function* inDotGit(entry: Found): Generator<Packing> {
  const packing = entry.kind === 'link' ? undefined : packingOf(entry, `.git/${entry.path}`)
  // Objects are read-only; the agent owns them and git replaces whole files.
  if (packing) yield { ...packing, mode: packing.mode | 0o200 }
}

/** How objects and branches are kept; nothing that names a program, a place or a person. */
function configOf(config: string): string {
  const said = (key: string): string | undefined =>
    new RegExp(`^\\s*${key}\\s*=\\s*([A-Za-z0-9]{1,20})\\s*$`, 'im').exec(config)?.[1]
  const extensions = ['objectformat', 'refstorage'].flatMap((key) => {
    const value = said(key)
    return value === undefined ? [] : [`\t${key} = ${value}`]
  })
  return [
    '[core]',
    `\trepositoryformatversion = ${extensions.length > 0 ? 1 : 0}`,
    '\tfilemode = true',
    '\tbare = false',
    '\tlogallrefupdates = true',
    ...(extensions.length > 0 ? ['[extensions]', ...extensions] : []),
    '',
  ].join('\n')
}

/** The commit that is checked out; `undefined` where there is none yet, or where it is kept in another way. */
export function commitOf({ own, common }: Repository): string | undefined {
  const head = textIn(own, 'HEAD')?.trim() ?? ''
  const [, ref] = /^ref: (refs\/(?!.*\.\.)[^\s]+)$/.exec(head) ?? []
  const at = ref === undefined ? head : (textIn(common, ref)?.trim() ?? packedRef(common, ref))
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(at ?? '') ? at : undefined
}

function packedRef(common: string, ref: string): string | undefined {
  const line = (textIn(common, 'packed-refs') ?? '').split('\n').find((each) => each.endsWith(` ${ref}`))
  return line?.split(' ', 1)[0]
}

function textIn(folder: string, name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), 'utf8')
  } catch {
    return undefined
  }
}

function samePath(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

function refused(folder: string, why: string, hint: string): UsageError {
  return new UsageError(`the workspace source ${folder} ${why}`, { code: 'workspace-source', hint })
}
