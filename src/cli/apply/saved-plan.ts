/**
 * A plan on disk (0600): what was planned, from which files, signed by this installation. Carrying it out verifies the
 * signature before anything of it is used, plans again and compares: what differs in the manifest or in the world
 * makes it stale. Volatile readings are not compared.
 */
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { LoadedManifest } from '../../manifest/load.ts'
import { RefusedError, StaleError, UsageError } from '../../model/errors.ts'
import { canonical, equal } from '../../model/json.ts'
import type { Action, Plan } from '../../model/plan.ts'
import type { PlanOptions } from '../../reconcile/plan.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { Home } from '../../state/home.ts'
import { isSignedHere, signatureOf } from '../../state/plan-signature.ts'
import { writeProtected } from '../../state/protected.ts'
import type { Io } from '../io.ts'
import type { Settings } from '../stack/settings.ts'

export const SAVED_PLAN_VERSION = 1

export interface SavedPlan {
  readonly kind: 'bot-bottle-plan'
  readonly version: typeof SAVED_PLAN_VERSION
  readonly savedAt: string
  /** How the manifest was read. */
  readonly source: {
    readonly files: readonly string[]
    readonly sets: readonly string[]
    readonly driver?: string
    /** Digest of every file that was read, for the message when one changed. */
    readonly digests: Readonly<Record<string, string>>
  }
  readonly options: Omit<PlanOptions, 'program'>
  readonly plan: Plan
}

/** Paths as absolute ones: the saved plan is carried out from another folder as well. */
export function sourceOf(
  settings: Settings,
  loaded: Pick<LoadedManifest, 'sources'>,
  io: Pick<Io, 'cwd' | 'env'>,
): SavedPlan['source'] {
  const named =
    settings.files.length > 0
      ? settings.files
      : io.env['BOT_BOTTLE_FILE']
        ? [io.env['BOT_BOTTLE_FILE']]
        : loaded.sources.map(({ file }) => file)
  return {
    files: named.map((file) => (file === '-' ? file : resolve(io.cwd, file))),
    sets: settings.sets,
    ...(settings.driver && { driver: settings.driver }),
    digests: digestsOf(loaded),
  }
}

export function digestsOf({ sources }: Pick<LoadedManifest, 'sources'>): Readonly<Record<string, string>> {
  return Object.fromEntries(sources.map(({ file, digest }) => [basename(file), digest]))
}

export function savePlan(path: string, saved: SavedPlan, home: Home): void {
  writeProtected(path, `${safeJson({ ...saved, signature: signatureOf(saved, home) }, 2)}\n`)
}

/** Bytes; a saved plan of a thousand bottles stays below. */
const SAVED_MAX = 256 * 1024 * 1024

/** The one parse point of saved plans. Nothing of the file is used before its signature holds. */
export async function readSavedPlan(path: string, home: Home): Promise<SavedPlan> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`the saved plan ${path} cannot be read`, {
      code: 'plan-unreadable',
      hint: `bot-bottle diff --out ${path} saves one`,
      cause,
    })
  })
  const foreign = (hint: string): UsageError =>
    new UsageError(`${path} is not a saved plan of this version`, { code: 'plan-unreadable', hint })
  if (text.length > SAVED_MAX) throw foreign('it is too large')
  let parsed: unknown
  try {
    parsed = JSON.parse(text, asWritten)
  } catch {
    throw foreign('save one with `bot-bottle diff --out plan.json`')
  }
  const { signature, ...content } = Object(parsed) as {
    readonly signature?: unknown
    readonly kind?: unknown
  }
  if (content.kind !== 'bot-bottle-plan')
    throw foreign('save one with `bot-bottle diff --out plan.json`; `--output json` prints another document')
  if (!isSignedHere(content, signature, home)) {
    throw new RefusedError(`${path} was not saved by this installation, or was changed since`, {
      code: 'plan-not-ours',
      hint: `save it here with \`bot-bottle diff --out ${path}\`, or apply the manifest itself: \`bot-bottle apply -f FILE\``,
    })
  }
  if (!isSavedPlan(content)) throw foreign('save one with `bot-bottle diff --out plan.json`')
  return content
}

/** A number that JSON cannot say again reads like `null` in what is signed. Nesting without end ends here as well. */
function asWritten(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not a finite number')
  return value
}

function isSavedPlan(value: unknown): value is SavedPlan {
  if (typeof value !== 'object' || value === null) return false
  const { kind, version, source, options, plan } = value as Partial<SavedPlan>
  return (
    kind === 'bot-bottle-plan' &&
    version === SAVED_PLAN_VERSION &&
    typeof source === 'object' &&
    Array.isArray(source.files) &&
    Array.isArray(source.sets) &&
    typeof options === 'object' &&
    typeof plan === 'object' &&
    Array.isArray(plan.actions) &&
    Array.isArray(plan.desired)
  )
}

/** Throws StaleError unless the plan made now is the saved one. */
export function requireFresh(saved: SavedPlan, now: Plan, digests: Readonly<Record<string, string>>): void {
  const again = 'make a new one with `bot-bottle diff --out`'
  const stale = (message: string): StaleError => new StaleError(message, { code: 'plan-stale', hint: again })
  if (saved.plan.stack !== now.stack)
    throw stale(`the saved plan is for stack ${saved.plan.stack}, the manifest says ${now.stack}`)
  if (saved.plan.program !== now.program)
    throw stale(`the saved plan was made by bot-bottle ${saved.plan.program}, this is ${now.program}`)
  if (!equal(saved.plan.desired.map(withoutPlaces), now.desired.map(withoutPlaces))) {
    const changed = Object.keys({ ...saved.source.digests, ...digests }).filter(
      (file) => saved.source.digests[file] !== digests[file],
    )
    throw stale(
      `the manifest changed since the plan was saved${changed.length > 0 ? `: ${changed.join(', ')}` : ''}`,
    )
  }
  const [before, after] = [saved.plan.actions.map(essence), now.actions.map(essence)]
  const at = Array.from({ length: Math.max(before.length, after.length) }, (_, index) => index).find(
    (index) => before[index] !== after[index],
  )
  if (at === undefined) return
  const address = saved.plan.actions[at]?.address ?? now.actions[at]?.address ?? ''
  throw stale(`the world moved since the plan was saved: ${address}`)
}

function withoutPlaces({ places: _, ...resource }: Plan['desired'][number]): object {
  return resource
}

/** What of an action must be the same. */
function essence({
  verb,
  address,
  kind,
  driver,
  reason,
  cause,
  impact,
  differences,
  after,
  phase,
  notes,
  observed,
}: Action): string {
  return canonical({
    verb,
    address,
    kind,
    driver,
    reason,
    cause,
    impact,
    after,
    phase,
    notes,
    differences: differences.map(({ place: _, ...difference }) => difference),
    observed: observed && { id: observed.id, ownership: observed.ownership, digest: observed.digest },
  })
}
