/** What an agent changed in its workspace, asked in its bottle; and what of it goes with a bottle that a plan removes. */
import { ensureError } from '../../model/errors.ts'
import type { Plan } from '../../model/plan.ts'
import { safeText } from '../../model/text.ts'
import type { Change } from '../../render/changes.ts'
import { count } from '../../render/words.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import { FILLED, PROVISIONED } from '../../resources/guest/places.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import { ask, fileIn, helperAnswer } from './bottle-files.ts'
import { changesBetween, commitIn, listingOf } from './changes.ts'
import type { Stack } from '../stack/stack.ts'

export interface WorkspaceChanges {
  readonly changes: readonly Change[]
  /** That it was filled with; absent: it has no repository of ours. */
  readonly commit?: string
}

export async function workspaceChanges(bottle: OpenBottle): Promise<WorkspaceChanges> {
  const [filled, listed, provisioned] = await Promise.all([
    fileIn(bottle, FILLED),
    helperAnswer(bottle, ['list', AGENT.workspace, '--without', '.git']),
    fileIn(bottle, PROVISIONED),
  ])
  const commit = commitIn(provisioned ?? '')
  const changes = changesBetween(listingOf(filled ?? '[]'), listingOf(listed))
  return { changes, ...(commit !== undefined && { commit }) }
}

/** A look takes no longer than this, milliseconds: nobody waits for a bottle that is going anyway. */
const LOOK_MS = 10_000

/** Of every bottle that a plan removes; nothing where nothing would be lost. */
export async function lossNotes(
  { actions }: Plan,
  { driver, name: stack }: Pick<Stack, 'driver' | 'name'>,
): Promise<readonly string[]> {
  // A driver that runs no programs has nothing in its bottles.
  if (driver.name === 'memory') return []
  const going = actions.filter(({ kind, verb }) => kind === 'bottle' && verb === 'remove')
  const notes = await Promise.all(
    going.map(async ({ address, bottle: name = '' }) => {
      const words = await lossOf({ driver, stack, name }).catch(
        (thrown: unknown) => `what its agent changed is not known: ${safeText(ensureError(thrown).message)}`,
      )
      return words === undefined ? [] : [`${address}: ${words}`]
    }),
  )
  return notes.flat()
}

async function lossOf(bottle: OpenBottle): Promise<string | undefined> {
  const late = Promise.withResolvers<never>()
  const limit = setTimeout(() => late.reject(new Error('it does not answer')), LOOK_MS)
  try {
    const { changes, commit } = await Promise.race([workspaceChanges(bottle), late.promise])
    const commits = commit === undefined ? 0 : await Promise.race([unpushed(bottle, commit), late.promise])
    const files = changes.reduce((sum, change) => sum + (change.files ?? 1), 0)
    if (files === 0 && commits === 0) return undefined
    const told = [
      ...(files > 0 ? [`${count(files, 'changed file')} in its workspace`] : []),
      ...(commits > 0 ? [`${count(commits, 'commit')} that nobody pushed`] : []),
    ]
    return `lost with it: ${told.join(', ')}`
  } finally {
    clearTimeout(limit)
  }
}

/** Commits of any branch that neither a remote nor the beginning has, by the bottle's own git. */
async function unpushed({ driver, stack, name }: OpenBottle, commit: string): Promise<number> {
  const argv = ['git', 'rev-list', '--count', '--branches', 'HEAD', '--not', '--remotes', commit]
  const { code, out } = await ask(
    await driver.exec(stack, name, { argv, env: {}, cwd: AGENT.workspace }),
    '',
    1000,
  )
  return code === 0 && /^\d{1,9}\n$/.test(out) ? Number(out) : 0
}
