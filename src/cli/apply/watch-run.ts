/**
 * One run of `watch`: read the manifest, look, plan, hold back, apply, say. It never throws: what fails is said, the
 * last good manifest stays, and the next run tries again. The same news is said once.
 */
import { EXIT, ManifestError, ensureError } from '../../model/errors.ts'
import { address } from '../../model/address.ts'
import type { Plan } from '../../model/plan.ts'
import { resolve } from 'node:path'
import { disturbs } from '../../reconcile/plan.ts'
import type { PlanOptions } from '../../reconcile/plan.ts'
import { diagnosticLines } from '../../render/diagnostics.ts'
import { errorLines } from '../../render/error.ts'
import { heldLines } from '../../render/held.ts'
import { divide } from '../../watch/hold-back.ts'
import type { Held } from '../../watch/hold-back.ts'
import { inForceDesired, inForceWith, isEdit } from '../../watch/in-force.ts'
import type { InForce } from '../../watch/in-force.ts'
import type { Reason } from '../../watch/decide.ts'
import { carryOut } from './carry-out.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { loadFor, requireSupported } from '../stack/load.ts'
import type { Loaded } from '../stack/load.ts'
import { planNow, planOptions } from './planning.ts'
import { selectedBottles } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'
import type { Desired } from '../../resources/desired.ts'
import { settingsOf } from '../stack/settings.ts'

export function openWatchRun(
  invocation: Invocation,
  opened: Stack,
  follow: (paths: readonly string[]) => void,
): (reasons: readonly Reason[]) => Promise<void> {
  const { output, options, io, args } = invocation
  const licence = { yes: options.flag('yes'), heal: options.flag('heal') }
  let good: Loaded | undefined
  let inForce: InForce<Loaded> = new Map()
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

  const perform = async (
    stack: Stack,
    desired: Desired,
    planning: PlanOptions,
    part: Part,
  ): Promise<boolean> => {
    const exit = await carryOut({ ...invocation, command: 'watch' }, stack, {
      desired,
      options: planning,
      agreed: true,
      part,
      view: { afterwards: '' },
    })
    if (exit === EXIT.done) said = ''
    return exit === EXIT.done
  }

  /** Does what is allowed of a manifest. */
  const realise = async (loaded: Loaded, planning: PlanOptions): Promise<Realised> => {
    const { desired } = loaded
    const stack = { ...opened, loaded }
    const { plan, world } = await planNow(stack, desired, planning, invocation)
    const { now, held } = divide(plan, licence, disturbs)
    const record = world.snapshot.record.status === 'present' ? world.snapshot.record.record : undefined
    const compared = new Set<string>(plan.desired.map((resource) => resource.address))
    const resources = desired.resources.filter((resource) => compared.has(resource.address))
    const after = inForceWith(inForce, { resources, from: loaded, held, record })
    const waiting = new Set<string>(held.map(({ action }) => action.address))
    if (now.actions.length > 0) {
      if (plan.refusal) throw new Error(plan.refusal.message)
      const secrets = { ...inForceDesired(after, desired).secrets, ...desired.secrets }
      const done = await perform(stack, { ...desired, secrets }, planning, (fresh) => ({
        ...divide(fresh, licence, disturbs).now,
        // What is handed on whole, and what the record says, is what is in force; not what is held back.
        desired: fresh.desired.flatMap((resource) =>
          waiting.has(resource.address) ? (after.get(resource.address)?.resource ?? []) : [resource],
        ),
      }))
      if (!done) return { held, done }
    }
    inForce = after
    return { held, done: true }
  }

  /** Repairs what drifted beside an edit that is held back; says whether there was anything. */
  const repair = async (loaded: Loaded, planning: PlanOptions, held: readonly Held[]): Promise<boolean> => {
    const edits = held.filter(isEdit).map(({ action }) => action)
    // Seen only after the edit: of the environment of before nothing is known.
    const unknown = new Set(
      edits.flatMap(({ address: at, bottle }) => (inForce.has(at) ? [] : (bottle ?? []))),
    )
    const desired = inForceDesired(inForce, loaded.desired)
    const bottles = (planning.bottles ?? desired.bottles).filter((bottle) => !unknown.has(bottle))
    if (edits.length === 0 || bottles.length === 0) return false
    const environment = (bottle: string): ReadonlyMap<string, string> =>
      inForce.get(address.guest(bottle))?.from.environment(bottle) ?? new Map()
    const marks: Loaded['marks'] = (bottle) => inForce.get(address.bundle(bottle))?.from.marks(bottle)
    const asked: Loaded['asked'] = (bottle) => inForce.get(address.guest(bottle))?.from.asked(bottle) ?? []
    const provisions: Loaded['provisions'] = (bottle) =>
      inForce.get(address.guest(bottle))?.from.provisions(bottle)
    const stack = { ...opened, loaded: { ...loaded, desired, environment, asked, marks, provisions } }
    const options = { ...planning, bottles }
    const part = (fresh: Plan): Plan => divide(fresh, { ...licence, edits: false }, disturbs).now
    const { actions } = part((await planNow(stack, desired, options, invocation)).plan)
    return actions.length > 0 && (await perform(stack, desired, options, part))
  }

  return async (reasons) => {
    try {
      const loaded = await read(reasons)
      if (!loaded) return
      const planning = planOptions(options, selectedBottles(args, loaded.desired.bottles))
      let { held, done } = await realise(loaded, planning)
      if (licence.heal && done && (await repair(loaded, planning, held)))
        held = (await realise(loaded, planning)).held
      say(heldLines(held.map(essence), output.noteStyle))
    } catch (thrown) {
      say(errorLines(ensureError(thrown), output.noteStyle))
    }
  }
}

type Part = (fresh: Plan) => Plan

interface Realised {
  readonly held: readonly Held[]
  /** Everything that is not held back is done. */
  readonly done: boolean
}

function essence({ action, because }: Held): {
  readonly address: string
  readonly reason: string
  readonly because: Held['because']
} {
  return { address: action.address, reason: action.reason, because }
}
