/**
 * Plans and applies under the stack's lock: lock, look, plan, show, ask, carry out, say how it ended. The plan that is
 * shown is the plan that is applied; nothing is done before consent and before every secret it needs is had.
 */
import { EXIT, RefusedError } from '../../model/errors.ts'
import type { Exit } from '../../model/errors.ts'
import type { ApplyEvent } from '../../model/event.ts'
import type { Plan } from '../../model/plan.ts'
import type { PlanOptions } from '../../reconcile/plan.ts'
import { warningLines } from '../../render/diagnostics.ts'
import { outcomeLines } from '../../render/outcome.ts'
import type { OutcomeView } from '../../render/outcome.ts'
import { planHead, prettyPlan } from '../../render/pretty-plan.ts'
import type { Progress } from '../../render/progress.ts'
import { safeText } from '../../model/text.ts'
import { tint } from '../../render/style.ts'
import { count } from '../../render/words.ts'
import type { Desired } from '../../resources/desired.ts'
import { requireConsent } from './consent.ts'
import { executing } from './executing.ts'
import { interruptible } from '../terminal/interrupt.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { withLock } from '../stack/locked.ts'
import { planNow } from './planning.ts'
import type { Planned } from './planning.ts'
import { formOf, report } from '../terminal/report.ts'
import { requireFit } from '../secrets/secret-notes.ts'
import { settleInterrupted } from './settling.ts'
import type { Stack } from '../stack/stack.ts'

export interface Request {
  readonly desired: Desired
  readonly options: PlanOptions
  /** Says more than yes: a saved plan was agreed to before. Default false. */
  readonly agreed?: boolean
  /** Looks at the plan, and at the world it is for, before anything is done; throws when it is not the one that was meant. */
  readonly check?: (plan: Plan, world: Planned['world']) => void
  /** Carries out a part of the plan; default: all of it. */
  readonly part?: (plan: Plan) => Plan
  readonly view?: OutcomeView
  /** Said where there is nothing to do; default: how much is in sync. */
  readonly nothing?: string
  /** Said of every action instead of how it differs: what was asked for is no difference. */
  readonly reason?: string
  /** Default true. */
  readonly showPlan?: boolean
}

export async function carryOut(invocation: Invocation, stack: Stack, request: Request): Promise<Exit> {
  return withLock(invocation, stack, async (lease) => {
    const planned = await planNow(stack, request.desired, request.options, invocation)
    request.check?.(planned.plan, planned.world)
    const plan = retold(request.part?.(planned.plan) ?? planned.plan, request.reason)
    // A part is what somebody chose: what is wrong elsewhere does not keep it.
    if (!plan.refusal && request.part === undefined) requireFit(plan, planned.world)
    show(plan, invocation, request)
    if (plan.refusal) throw new RefusedError(plan.refusal.message, plan.refusal)
    if (plan.actions.length === 0) {
      settleInterrupted(stack, lease, invocation.io)
      report(invocation).nothing(plan)
      return EXIT.done
    }
    if (request.agreed !== true) await requireConsent(plan, invocation)
    return perform(invocation, stack, request, { ...planned, plan }, lease)
  })
}

function retold(plan: Plan, reason: string | undefined): Plan {
  if (reason === undefined) return plan
  return {
    ...plan,
    actions: plan.actions.map((action) => (action.verb === 'blocked' ? action : { ...action, reason })),
  }
}

function show(plan: Plan, invocation: Invocation, request: Request): void {
  const { output, options } = invocation
  if (options.flag('quiet')) return
  output.note(warningLines(plan.warnings, output.noteStyle))
  if (formOf(invocation) !== 'pretty' || request.showPlan === false) return
  if (plan.actions.length === 0) {
    output.result([
      ...planHead(plan, output.style),
      ...plan.notes.map((note) => tint(output.style, 'yellow', safeText(note))),
      request.nothing ?? `in sync: ${count(plan.desired.length, 'resource')}, nothing to do`,
    ])
    return
  }
  output.result([...prettyPlan(plan, output.style, { full: options.flag('full'), advice: false }), ''])
}

async function perform(
  invocation: Invocation,
  stack: Stack,
  request: Request,
  planned: Planned,
  lease: Parameters<typeof executing>[3],
): Promise<Exit> {
  const { io, output } = invocation
  const said = report(invocation)
  const view = said.progress()
  const interrupt = interruptible(io, (words) => view.say([words]))
  let progress: Progress
  try {
    for await (const event of await executing(invocation, stack, planned, lease, request, interrupt)) {
      said.event(event)
      view.see(event)
    }
  } finally {
    interrupt.release()
    progress = view.end()
  }
  said.ended(progress, outcomeLines(progress, output.style, request.view))
  return exitOf(progress.ended)
}

function exitOf(ended: Extract<ApplyEvent, { type: 'ended' }> | undefined): Exit {
  switch (ended?.outcome) {
    case 'done':
      return EXIT.done
    case 'failed':
      return EXIT.failed
    case 'timeout':
      return EXIT.timeout
    case 'blocked':
      return EXIT.refused
    default:
      return EXIT.interrupted
  }
}
