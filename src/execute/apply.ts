/**
 * Carries out a plan under the stack's lock and tells what happens, as it happens.
 *
 * - No effect before its begin row is durable; nothing counts as done before its end row is.
 * - Closings of a bottle come before its openings; a failure skips what needs it, the rest goes on.
 * - What is blocked is left as it is and said so; everything else is carried out.
 * - `signal`: what runs is finished, nothing new is started. `hardSignal`: what runs is aborted as well.
 * - No event, row or record holds a secret.
 */
import { randomUUID } from 'node:crypto'
import PQueue from 'p-queue'
import type { UplinkStatus } from '../model/control.ts'
import { DriverError, RefusedError } from '../model/errors.ts'
import type { ApplyEvent } from '../model/event.ts'
import type { Action, Plan } from '../model/plan.ts'
import type { DriverName } from '../model/resource.ts'
import type { Driver, Lease } from '../ports/driver.ts'
import type { Materials } from '../ports/materials.ts'
import type { DeployKeys } from '../state/deploy-keys.ts'
import type { Journal } from '../state/journal.ts'
import type { Records } from '../state/records.ts'
import type { Roots } from '../state/roots.ts'
import { iso, systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { eventQueue } from './event-queue.ts'
import type { OpenForge } from './keys.ts'
import { readyWithin } from './ready.ts'
import { openRun } from './run.ts'
import { schedule } from './schedule.ts'
import type { Verdict } from './schedule.ts'
import { stepsOf } from './steps.ts'
import type { ApplyStep } from './steps.ts'

export interface ApplyDeps {
  readonly drivers: ReadonlyMap<DriverName, Driver>
  readonly lease: Lease
  readonly journal: Journal
  readonly records: Records
  readonly roots: Roots
  readonly keys: DeployKeys
  readonly forges: OpenForge
  readonly materials: Materials
  /** PEM of further upstream authorities (manifest `uplink.trust`). */
  readonly trust: readonly string[]
  readonly hostAddresses: readonly string[]
  /** The uplink's answer that the plan was made from; absent: there is no uplink, or it did not answer. */
  readonly uplink?: UplinkStatus
  /** The plan covers the whole stack and prunes: record entries without an object are dropped. Default false. */
  readonly whole?: boolean
  /** Asked until it says yes; absent: not waited for. */
  readonly ready?: (signal: AbortSignal) => Promise<boolean>
  /** Default 120 s. */
  readonly readyTimeoutMs?: number
  /** Ctrl-C once. */
  readonly signal?: AbortSignal
  /** Ctrl-C twice. */
  readonly hardSignal?: AbortSignal
  /** Actions at once, default 8. */
  readonly parallel?: number
  /** Image builds at once, default 2. */
  readonly builds?: number
  readonly clock?: Clock
}

export async function* apply(plan: Plan, deps: ApplyDeps): AsyncGenerator<ApplyEvent> {
  if (plan.refusal)
    throw new RefusedError(plan.refusal.message, { code: plan.refusal.code, hint: plan.refusal.hint })
  const clock = deps.clock ?? systemClock
  const driver = driverOf(plan, deps)
  const began = clock.elapsed()
  const events = eventQueue<ApplyEvent>()
  const steps = stepsOf(plan.actions)
  const blocked = plan.actions.filter((action) => action.verb === 'blocked')
  // The first write of all: where it fails, nothing was begun.
  deps.journal.settle(iso(clock))
  const run = openRun({ id: randomUUID(), plan, steps, driver, deps, clock, emit: events.push })
  const queues = {
    actions: new PQueue({ concurrency: deps.parallel ?? 8 }),
    builds: new PQueue({ concurrency: deps.builds ?? 2 }),
  }
  const isStopped = () => deps.signal?.aborted === true || deps.hardSignal?.aborted === true
  const waited = async (): Promise<'done' | 'timeout' | 'interrupted'> => {
    if (!deps.ready) return 'done'
    const signals = [deps.signal, deps.hardSignal].filter((signal) => signal !== undefined)
    return readyWithin(deps.ready, deps.readyTimeoutMs ?? 120_000, AbortSignal.any(signals), clock)
  }

  let abandoned = false
  const work = schedule(steps, {
    run: run.carryOut,
    passedOver: run.passedOver,
    isStopped: () => abandoned || isStopped(),
    queueFor: (step) => (step.ends.some(({ kind }) => kind === 'image') ? queues.builds : queues.actions),
  })
    .then(async (verdicts) => {
      const recorded = await run.finish(verdicts)
      const outcome = recorded ? outcomeOf(verdicts) : 'failed'
      const ended = outcome === 'done' ? await waited() : outcome
      return ended === 'done' && blocked.length > 0 ? 'blocked' : ended
    })
    .finally(() => events.close())

  try {
    yield { type: 'started', stack: plan.stack, actions: plan.actions, at: iso(clock) }
    for (const action of blocked) yield leftAlone(action, iso(clock))
    yield* events
    const outcome = await work
    yield { type: 'ended', outcome, duration: clock.elapsed() - began, at: iso(clock) }
  } finally {
    // A consumer that stops reading does not stop an effect half-way.
    abandoned = true
    await work.catch(() => undefined)
  }
}

function leftAlone({ address, verb, reason, because, hint }: Action, at: string): ApplyEvent {
  const told = because === undefined ? {} : { because }
  const error = { code: 'blocked', message: reason, ...(hint !== undefined && { hint }) }
  return { type: 'action-ended', address, verb, outcome: 'blocked', duration: 0, error, ...told, at }
}

/** One driver holds a stack's uplink and therefore its lock; a plan for two is refused until there are two leases. */
function driverOf(plan: Plan, { drivers }: ApplyDeps): Driver | undefined {
  const names = new Set([...plan.actions, ...plan.desired].map((part) => part.driver))
  const [name, ...others] = names
  if (name === undefined) return undefined
  if (others.length > 0) {
    throw new RefusedError(`stack ${plan.stack} asks for several drivers: ${[...names].sort().join(', ')}`, {
      code: 'several-drivers',
      hint: 'give the bottles of one driver a stack of their own',
    })
  }
  const driver = drivers.get(name)
  if (driver) return driver
  throw new DriverError(`driver ${name} is not available here`, { code: 'driver-missing', unreachable: true })
}

function outcomeOf(verdicts: ReadonlyMap<ApplyStep['id'], Verdict>): 'done' | 'failed' | 'interrupted' {
  const outcomes = [...verdicts.values()].map(({ outcome }) => outcome)
  if (outcomes.includes('interrupted')) return 'interrupted'
  return outcomes.every((outcome) => outcome === 'done') ? 'done' : 'failed'
}
