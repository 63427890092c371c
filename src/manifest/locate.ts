/** Which files are the manifest: those the operator names, and nothing found elsewhere (contract.md, Manifest files). */
import { readdir, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { UsageError } from '../model/errors.ts'

export interface ManifestFile {
  /** As people see it, in places. */
  readonly file: string
  /** Absolute; `-` is standard input. */
  readonly path: string
}

/** Sorted by path, each once. Throws `UsageError` when there is none, or no telling which. */
export async function locateManifest(
  files: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly ManifestFile[]> {
  const named = files.length > 0 ? files : env['BOT_BOTTLE_FILE'] ? [env['BOT_BOTTLE_FILE']] : undefined
  const found = named
    ? (await Promise.all(named.map((one) => expand(one, cwd)))).flat()
    : [await inCurrentFolder(cwd)]
  const byPath = new Map(found.map((one) => [one.path, one]))
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

async function expand(named: string, cwd: string): Promise<readonly ManifestFile[]> {
  if (named === '-') return [{ file: '-', path: '-' }]
  const path = resolve(cwd, named)
  const kind = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const what =
      cause.code === 'ENOENT'
        ? 'there is no such file'
        : `it cannot be read (${cause.code ?? 'unknown error'})`
    throw new UsageError(`manifest ${named}: ${what}`, {
      code: 'manifest-not-found',
      hint: '-f names a file, a folder or - for standard input',
      cause,
    })
  })
  if (!kind.isDirectory()) return [{ file: shown(path, named, cwd), path }]
  const inside = (await readdir(path, { withFileTypes: true })).filter(
    (one) => /\.ya?ml$/.test(one.name) && !one.name.startsWith('.') && !one.isDirectory(),
  )
  if (inside.length === 0)
    throw new UsageError(`folder ${named} has no *.yaml or *.yml`, {
      code: 'manifest-not-found',
      hint: 'folders below it are not searched',
    })
  return inside.map(({ name }) => ({
    file: shown(join(path, name), join(named, name), cwd),
    path: join(path, name),
  }))
}

async function inCurrentFolder(cwd: string): Promise<ManifestFile> {
  const present: string[] = []
  for (const name of ['bottles.yaml', 'bottles.yml']) {
    if (
      await stat(join(cwd, name)).then(
        (one) => one.isFile(),
        () => false,
      )
    )
      present.push(name)
  }
  const [only, other] = present
  if (only === undefined)
    throw new UsageError('no bottles.yaml in this folder', {
      code: 'manifest-not-found',
      hint: 'name one with -f, or write a first one with `bot-bottle init`',
    })
  if (other !== undefined)
    throw new UsageError(`both ${only} and ${other} are in this folder`, {
      code: 'manifest-ambiguous',
      hint: `name one with -f, or both with -f ${only} -f ${other}`,
    })
  return { file: only, path: join(cwd, only) }
}

/** Below the current folder: from there; elsewhere as it was named. */
function shown(path: string, named: string, cwd: string): string {
  const below = relative(cwd, path)
  return below.startsWith('..') ? named : below
}
