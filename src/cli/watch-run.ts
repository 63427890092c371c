/**
 * One run of `watch`: read the manifest, look, plan, hold back, apply, say. It never throws: what fails is said, the
 * last good manifest stays, and the next run tries again. The same news is said once.
 */
import { EXIT, ManifestError, ensureError } from '../model/errors.ts'
import { digestOf } from '../model/json.ts'
import { resolve } from 'node:path'
import { disturbs } from '../reconcile/plan.ts'
import { diagnosticLines } from '../render/diagnostics.ts'
import { errorLines } from '../render/error.ts'
import { heldLines } from '../render/held.ts'
import { divide } from '../watch/hold-back.ts'
import type { Held } from '../watch/hold-back.ts'
import type { Reason } from '../watch/decide.ts'
import { carryOut } from './carry-out.ts'
import type { Invocation } from './invocation.ts'
import { loadFor, requireSupported } from './load.ts'
import type { Loaded } from './load.ts'
import { planNow, planOptions } from './planning.ts'
import { selectedBottles } from './stack.ts'
import type { Stack } from './stack.ts'
import { settingsOf } from './settings.ts'

export function openWatchRun(
  invocation: Invocation,
  opened: Stack,
  follow: (paths: readonly string[]) => void,
): (reasons: readonly Reason[]) => Promise<void> {
  const { output, options, io, args } = invocation
  const licence = { yes: options.flag('yes'), heal: options.flag('heal') }
  let good: Loaded | undefined
  let said = ''

  let saidOfManifest = ''

  /** What a reading of the manifest says stands until the manifest reads otherwise, whatever is said of the world meanwhile. */
  const sayOfManifest = (lines: readonly string[]): void => {
    const text = lines.join('\n')
    if (text !== saidOfManifest && lines.length > 0) output.note(lines)
    saidOfManifest = text
  }

  /** News only: the same text twice in a row is silence. */
  const say = (lines: readonly string[]): void => {
    const text = lines.join('\n')
    if (text !== said && lines.length > 0) output.note(lines)
    said = text
  }

  const read = async (reasons: readonly Reason[]): Promise<Loaded | undefined> => {
    // Each minute too: what a watched folder does not tell (another mount, a file behind a link) is seen then.
    if (good && !reasons.includes('edit') && !reasons.includes('resync')) return good
    try {
      const loaded = await loadFor(invocation, opened.home)
      requireSupported(loaded)
      if (loaded.desired.stack !== opened.name) {
        sayOfManifest([
          `the manifest names another stack now: ${loaded.desired.stack}; watch goes on with ${opened.name} as it was`,
        ])
        return good
      }
      if (saidOfManifest !== '') output.note(['the manifest is valid again'])
      sayOfManifest([])
      good = loaded
      follow(watched(loaded))
    } catch (thrown) {
      const error = ensureError(thrown)
      const why =
        error instanceof ManifestError
          ? diagnosticLines(error.diagnostics, error.sources ?? new Map(), output.noteStyle)
          : errorLines(error, output.noteStyle)
      sayOfManifest([...why, ...(good ? ['the last good manifest stays in force'] : [])])
    }
    return good
  }

  const watched = (loaded: Loaded): string[] => {
    const { files } = settingsOf(invocation)
    return [
      ...new Set([
        ...loaded.sources.map(({ file }) => resolve(io.cwd, file)),
        ...files.filter((file) => file !== '-').map((file) => resolve(io.cwd, file)),
        ...loaded.named,
      ]),
    ]
  }

  return async (reasons) => {
    try {
      const loaded = await read(reasons)
      if (!loaded) return
      const stack = { ...opened, loaded }
      const { desired } = loaded
      const planning = planOptions(options, selectedBottles(args, desired.bottles))
      const { plan } = await planNow(stack, desired, planning, invocation)
      const { now, held } = divide(plan, licence, disturbs)
      if (plan.refusal && now.actions.length > 0) {
        say(errorLines(ensureError(new Error(plan.refusal.message)), output.noteStyle))
        return
      }
      if (now.actions.length > 0) {
        const exit = await carryOut({ ...invocation, command: 'watch' }, stack, {
          desired,
          options: planning,
          agreed: true,
          part: (fresh) => divide(fresh, licence, disturbs).now,
          view: { afterwards: '' },
        })
        if (exit === EXIT.done) said = ''
      }
      say(heldLines(held.map(essence), output.noteStyle))
    } catch (thrown) {
      say(errorLines(ensureError(thrown), output.noteStyle))
    }
  }
}

function essence({ action, because }: Held): {
  readonly address: string
  readonly reason: string
  readonly because: Held['because']
} {
  return { address: action.address, reason: action.reason, because }
}

/** Digest gate: whether two readings of the manifest ask for the same. */
export function sameDesired(a: Loaded, b: Loaded): boolean {
  return digestOf(a.desired.resources) === digestOf(b.desired.resources)
}
