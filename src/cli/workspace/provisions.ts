/** What a manifest gives to bottles beside their environment, as drivers take it; and what a plan says of a workspace before it is filled. */
import { address } from '../../model/address.ts'
import type { Plan } from '../../model/plan.ts'
import type { Skill } from '../../manifest/skills.ts'
import { safeText } from '../../model/text.ts'
import type { Provisions, WorkspaceFiles, WorkspaceMeasure } from '../../ports/materials.ts'
import { count, dataSize } from '../../render/words.ts'
import type { BottleSpec } from '../../resources/bottle/spec.ts'
import type { Io } from '../io.ts'
import type { Stack } from '../stack/stack.ts'
import { pack } from './tar.ts'
import type { Packing } from './tar.ts'
import { openWorkspace } from './workspace.ts'

/** Names in one note. */
const NAMED = 5

export function provisionsFor(
  { loaded, home }: Pick<Stack, 'loaded' | 'home'>,
  bottle: string,
  { env }: Pick<Io, 'env'>,
): Provisions {
  const given = loaded?.provisions(bottle)
  if (!given) return {}
  const { prompt, skills, mcp, workspace } = given
  return {
    ...(prompt !== undefined && { prompt }),
    ...(mcp && { mcp }),
    ...(skills.length > 0 && { packSkills: (folderOf) => pack(packingsOf(skills, folderOf)) }),
    ...(workspace && {
      workspace:
        workspace.mode === 'remote'
          ? workspace
          : laterOpened(workspace.mode, () =>
              openWorkspace({ ...workspace, never: [home.dir], home: env['HOME'] }),
            ),
    }),
  }
}

function packingsOf(skills: readonly Skill[], folderOf: (name: string) => string): readonly Packing[] {
  return skills.flatMap(({ name, files }) =>
    files.map(({ path, mode, content }): Packing => {
      const size = content.length
      return { name: `${folderOf(name)}/${path}`, kind: 'file', mode, mtime: 0, size, content }
    }),
  )
}

/** Looked at when it is needed: a workspace that is filled already does not care what became of its source. */
function laterOpened(mode: WorkspaceFiles['mode'], open: () => WorkspaceFiles): WorkspaceFiles {
  let opened: WorkspaceFiles | undefined
  const now = (): WorkspaceFiles => (opened ??= open())
  return {
    mode,
    commit: () => now().commit(),
    measure: () => now().measure(),
    pack: (seen) => now().pack(seen),
  }
}

/** Throws where the source of a new bottle cannot be its workspace: before anything is done. */
export function workspaceNotes(plan: Plan, stack: Stack, io: Io): readonly string[] {
  return plan.actions.flatMap(({ kind, verb, cause, bottle, differences, address: at }) => {
    if (kind !== 'bottle' || bottle === undefined || verb === 'blocked' || verb === 'remove') return []
    const { workspace: declared } = specOf(plan, bottle)
    const { workspace } = provisionsFor(stack, bottle, io)
    if (!declared || !workspace) return []
    // One that was there, or may have been, has its volume still, most likely filled: its source may be gone since.
    if (verb === 'create' && cause !== 'edit') return []
    if (verb === 'create') return filledNotes(bottle, declared.source, workspace)
    const isChanged = differences.some(({ path }) => path.startsWith('workspace'))
    return isChanged
      ? [`${at}: what is in its workspace stays; only an empty one is filled, and only once`]
      : []
  })
}

function specOf({ desired }: Plan, bottle: string): Partial<BottleSpec> {
  return (desired.find((resource) => resource.address === address.bottle(bottle))?.spec ?? {}) as BottleSpec
}

function filledNotes(
  bottle: string,
  source: string,
  workspace: NonNullable<Provisions['workspace']>,
): readonly string[] {
  if (workspace.mode === 'remote')
    return [`workspace of ${bottle}: cloned from ${safeText(source)} by the bottle, through its gate`]
  const measure = workspace.measure()
  const how = workspace.mode === 'clone' ? 'cloned from' : 'filled from'
  const { links, others, repositories } = measure.leftOut
  return [
    `workspace of ${bottle}: ${how} ${safeText(source)}, ${sizeWords(measure)}`,
    ...named(bottle, 'left out, links that lead out of it', links),
    ...named(bottle, 'left out, neither file, folder nor link', others),
    ...named(bottle, 'left out, repositories of other folders', repositories),
    ...named(bottle, 'has settings that programs in the bottle may obey', measure.settings),
  ]
}

export function sizeWords({ files, bytes }: Pick<WorkspaceMeasure, 'files' | 'bytes'>): string {
  return `${count(files, 'file')}, ${dataSize(bytes)}`
}

function named(bottle: string, what: string, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return []
  const names = paths.slice(0, NAMED).map((path) => safeText(path, 100))
  const more = paths.length > NAMED ? [`${paths.length - NAMED} more`] : []
  return [`workspace of ${bottle}: ${what}: ${[...names, ...more].join(', ')}`]
}
