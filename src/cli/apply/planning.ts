/** From a stack and the flags of a command to a plan; `apply`, `diff`, `watch`, `run` and `destroy` plan through here. */
import { UsageError } from '../../model/errors.ts'
import { parseAddress } from '../../model/address.ts'
import type { Address } from '../../model/address.ts'
import type { Plan } from '../../model/plan.ts'
import { plan } from '../../reconcile/plan.ts'
import type { PlanOptions } from '../../reconcile/plan.ts'
import type { Desired } from '../../resources/desired.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { keyNotes } from '../secrets/key-notes.ts'
import { frozenNotes } from './frozen-notes.ts'
import type { Options } from '../grammar/options.ts'
import { workspaceNotes } from '../workspace/provisions.ts'
import { secretNotes } from '../secrets/secret-notes.ts'
import { VERSION } from '../version.ts'
import { look } from '../stack/world.ts'
import { lossNotes } from '../workspace/workspace-changes.ts'
import type { World } from '../stack/world.ts'
import type { Stack } from '../stack/stack.ts'

export function planOptions(options: Options, bottles: readonly string[] | undefined): PlanOptions {
  return {
    program: VERSION,
    prune: !options.off('prune'),
    allowEmpty: options.flag('allowEmpty'),
    ...(bottles && { bottles }),
    adopt: options.list('adopt').map(adoptable),
    takeOver: options.flag('takeOver'),
    force: options.flag('force'),
  }
}

function adoptable(text: string): Address {
  const parsed = parseAddress(text)
  if (parsed) return parsed.address
  throw new UsageError(`--adopt takes an address such as bottle/implementer, not \`${text}\``, {
    code: 'bad-option',
  })
}

export interface Planned {
  readonly plan: Plan
  readonly world: World
}

export async function planNow(
  stack: Stack,
  desired: Desired,
  options: PlanOptions,
  { io }: Pick<Invocation, 'io'>,
): Promise<Planned> {
  const world = await look(stack, desired, io)
  const made = plan({ desired, snapshot: world.snapshot, options })
  const notes = [
    ...made.notes,
    ...stoppedNotes(desired, world, options),
    ...secretNotes(made, world),
    ...(world.keys ? keyNotes(world.keys, made) : []),
    ...workspaceNotes(made, stack, io),
    ...(await lossNotes(made, stack)),
    ...(await frozenNotes(made, stack)),
  ]
  return { plan: { ...made, notes }, world }
}

/** In sync means stopped for these; that is easily forgotten. */
function stoppedNotes(
  { bottles }: Desired,
  { snapshot }: World,
  { bottles: chosen }: PlanOptions,
): readonly string[] {
  if (snapshot.record.status !== 'present') return []
  const { bottles: recorded } = snapshot.record.record
  return bottles
    .filter((bottle) => recorded[bottle]?.stopped === true && (chosen?.includes(bottle) ?? true))
    .map((bottle) => `${bottle} is stopped and stays so; \`bot-bottle start ${bottle}\` starts it`)
}

/** Only what changed live without being declared. */
export function driftOnly(whole: Plan): Plan {
  const actions = whole.actions
    .filter(
      (action) =>
        action.cause === 'drift' || action.differences.some((difference) => difference.cause === 'drift'),
    )
    .map((action) => ({
      ...action,
      differences: action.differences.filter((difference) => difference.cause === 'drift'),
    }))
  return { ...whole, actions }
}

/** What a manifest without bottles would ask for; `destroy` plans with it. */
export function nothingDesired(stack: string, origin: string): Desired {
  return { stack, origin, resources: [], warnings: [], bottles: [], secrets: {} }
}
