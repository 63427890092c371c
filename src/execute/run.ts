/**
 * One run of a plan: rows of the journal around each effect, events for people, entries of the record. Errors end
 * here: a step never rejects.
 */
import { setMaxListeners } from 'node:events'
import { address } from '../model/address.ts'
import { BottleError, ensureError } from '../model/errors.ts'
import type { ApplyEvent, Outcome } from '../model/event.ts'
import { digestOf } from '../model/json.ts'
import type { Json } from '../model/json.ts'
import type { Action, Plan } from '../model/plan.ts'
import { DIGEST_VERSION } from '../model/resource.ts'
import { safeText } from '../model/text.ts'
import type { Actuator, Driver, Effect, EffectContext } from '../ports/driver.ts'
import type { ApplyDeps } from './apply.ts'
import { iso } from './clock.ts'
import type { Clock } from './clock.ts'
import { carryOut } from './effects.ts'
import type { EffectDeps } from './effects.ts'
import { keepRecord } from './record.ts'
import { retry } from './retry.ts'
import type { Ended, Verdict } from './schedule.ts'
import { secretScrubber } from './scrub.ts'
import type { ApplyStep } from './steps.ts'
import { openViews } from './view.ts'

export interface RunOptions {
  /** Of this run, for the rows of the journal. */
  readonly id: string
  readonly plan: Plan
  readonly steps: readonly ApplyStep[]
  /** Absent where the plan names no object at all. */
  readonly driver: Driver | undefined
  readonly deps: ApplyDeps
  readonly clock: Clock
  readonly emit: (event: ApplyEvent) => void
}

export interface Run {
  carryOut(step: ApplyStep): Promise<Ended['outcome']>
  passedOver(step: ApplyStep, verdict: Verdict): void
  /** Writes the closing entries of the record; false when it could not. */
  finish(verdicts: ReadonlyMap<string, Verdict>): Promise<boolean>
}

export function openRun({ id, plan, steps, driver, deps, clock, emit }: RunOptions): Run {
  const signal = deps.hardSignal ?? new AbortController().signal
  setMaxListeners(0, signal)
  const scrub = secretScrubber()
  const actuator = driver?.actuator(deps.lease) ?? nobody
  const patiently = <T>(effect: () => Promise<T>) => retry(effect, { clock, signal })
  const record = keepRecord({ plan, actuator, uplink: deps.uplink, signal, retry: patiently })
  const desired = new Map(plan.desired.map((resource) => [resource.address as string, resource]))
  /** What failed of a step whose other actions are done. */
  const failedIn = new Map<string, Action['address']>()
  const rows = new Map<Action, { readonly row: number; readonly began: number }>()

  const effectDeps: EffectDeps = {
    plan,
    steps,
    record,
    actuator,
    signal,
    clock,
    retry: patiently,
    revealed: scrub.learn,
    roots: deps.roots,
    keys: deps.keys,
    forges: deps.forges,
    materials: deps.materials,
    trust: deps.trust,
    hostAddresses: deps.hostAddresses,
    views: openViews({
      uplink: deps.uplink,
      askBundle: (bottle, nonce) =>
        patiently(() => actuator.controlBundle(bottle, { op: 'status', nonce }, signal)),
    }),
    contextFor: (action): EffectContext => ({
      signal,
      installation: plan.installation,
      stack: plan.stack,
      desired,
      materials: deps.materials,
      progress: (text) =>
        emit({
          type: 'action-progress',
          address: action.address,
          text: safeText(scrub.clean(text)),
          at: iso(clock),
        }),
    }),
  }

  const begin = (action: Action): void => {
    const at = iso(clock)
    const { verb, driver: name } = action
    const digest = action.desired && digestOf(action.desired.spec)
    const row = deps.journal.begin(
      id,
      { address: action.address, verb, driver: name, ...(digest !== undefined && { digest }) },
      at,
    )
    rows.set(action, { row, began: clock.elapsed() })
    emit({ type: 'action-started', address: action.address, verb, at })
  }

  const end = (action: Action, outcome: Outcome, fields: EndFields = {}): void => {
    const begun = rows.get(action)
    const at = iso(clock)
    if (begun) {
      const { effect, error } = fields
      deps.journal.end(
        begun.row,
        {
          outcome,
          ...(effect?.objectId !== undefined && { objectId: effect.objectId }),
          ...(error && { errorCode: error.code }),
        },
        at,
      )
    }
    emit(endedEvent(action, outcome, fields, begun ? clock.elapsed() - begun.began : 0, at))
  }

  /** Told as failed even where the journal cannot take the row any more: an open row is a note for the next run. */
  const fail = (action: Action, outcome: Outcome, error: BottleError): void => {
    const told = { error: asTold(error, scrub.clean) }
    try {
      end(action, outcome, told)
    } catch {
      emit(endedEvent(action, outcome, told, 0, iso(clock)))
    }
  }

  const done = (action: Action, effect: Effect): void => {
    const { desired: resource, only } = action
    // What only closed is not what was declared, and a closing that egress did not confirm is tried again.
    if (only === 'closing') return end(action, 'done', { effect })
    if (action.verb === 'remove') deps.records.remove(action.address)
    else if (resource) {
      const { objectId } = effect
      const value = JSON.parse(JSON.stringify(resource.spec)) as Json
      const entry = {
        address: action.address,
        digest: digestOf(resource.spec),
        digestVersion: DIGEST_VERSION,
        value,
      }
      deps.records.put({ ...entry, ...(objectId !== undefined && { objectId }) }, iso(clock))
    }
    end(action, 'done', { effect })
  }

  /** What went with its container, or in a run that was killed, has no action of its own that would forget it. */
  const forgetGone = (): void => {
    for (const { address: known } of deps.records.all()) if (!desired.has(known)) deps.records.remove(known)
  }

  return {
    async carryOut(step) {
      const ended = new Set<Action>()
      try {
        for (const action of step.begins) begin(action)
        const effects = await carryOut(step, effectDeps)
        const left = (action: Action) => effects.get(action.address) ?? { did: 'done' }
        for (const action of step.ends) note(record, action, left(action))
        // Provisioning shows only in the record; until it is written there it did not happen.
        if (step.ends.some((action) => action.kind === 'guest')) await record.write()
        for (const action of step.ends) {
          const effect = left(action)
          if (effect instanceof BottleError) fail(action, 'failed', effect)
          else if (effect.short) fail(action, 'failed', effect.short)
          else done(action, effect)
          ended.add(action)
        }
        const wrong = step.ends.find((action) => shortOf(left(action)))
        if (wrong) failedIn.set(step.id, wrong.address)
        return wrong ? 'failed' : 'done'
      } catch (thrown) {
        const error = ensureError(thrown)
        const outcome = signal.aborted ? 'interrupted' : 'failed'
        for (const action of new Set([...step.begins, ...step.ends]))
          if (!ended.has(action)) fail(action, outcome, error)
        return outcome
      }
    },

    passedOver(step, verdict) {
      // An action that began closing and may not open any more was told by the step that failed.
      const because =
        verdict.outcome === 'skipped'
          ? (failedIn.get(verdict.because) ?? rootOf(steps, verdict.because))
          : undefined
      for (const action of step.ends) {
        if (step.does === 'widen' && failedWithin(steps, step, verdict, action)) continue
        const outcome = verdict.outcome === 'skipped' ? 'skipped' : 'interrupted'
        try {
          end(action, outcome, { ...(because !== undefined && { because }) })
        } catch (error) {
          fail(action, outcome, ensureError(error))
        }
      }
    },

    async finish(verdicts) {
      const acting = new Set<string>(plan.actions.map((action) => action.address))
      const inSync = plan.desired.filter((resource) => !acting.has(resource.address))
      try {
        if (signal.aborted) return true
        const left = plan.actions.filter(({ verb, only }) => verb === 'blocked' || only === 'closing')
        const whole = deps.whole === true && left.length === 0 && [...verdicts.values()].every(isDone)
        const bottles = new Set(left.flatMap(({ bottle }) => bottle ?? []))
        await record.finish(inSync, { whole, left: bottles })
        if (whole) forgetGone()
        return true
      } catch (thrown) {
        const error = asTold(ensureError(thrown), scrub.clean)
        const at = iso(clock)
        const uplink = { type: 'action-ended', address: address.uplink(), verb: 'update' } as const
        emit({ ...uplink, outcome: 'failed', duration: 0, error, at })
        return false
      }
    },
  }
}

interface EndFields {
  readonly effect?: Effect
  readonly error?: NonNullable<Extract<ApplyEvent, { type: 'action-ended' }>['error']>
  readonly because?: Action['address']
}

function endedEvent(
  { address: at, verb }: Action,
  outcome: Outcome,
  { effect, error, because }: EndFields,
  duration: number,
  when: string,
): ApplyEvent {
  return {
    type: 'action-ended',
    address: at,
    verb,
    outcome,
    duration,
    ...(effect && { did: safeText(effect.did) }),
    ...(error && { error }),
    ...(because !== undefined && { because }),
    at: when,
  }
}

function shortOf(effect: Effect | BottleError): BottleError | undefined {
  return effect instanceof BottleError ? effect : effect.short
}

function note(record: ReturnType<typeof keepRecord>, action: Action, effect: Effect | BottleError): void {
  if (action.only === 'closing' || effect instanceof BottleError) return
  if (action.verb === 'remove') record.forget(action.address)
  else if (action.desired) record.applied(action.desired, effect)
}

function asTold(error: BottleError, clean: (text: string) => string): NonNullable<EndFields['error']> {
  return {
    code: error.code,
    message: safeText(clean(error.message)),
    ...(error.hint !== undefined && { hint: safeText(clean(error.hint)) }),
  }
}

function rootOf(steps: readonly ApplyStep[], id: string): Action['address'] | undefined {
  const step = steps.find((candidate) => candidate.id === id)
  return (step?.begins[0] ?? step?.ends[0])?.address
}

/** Whether the step that failed had begun this very action. */
function failedWithin(
  steps: readonly ApplyStep[],
  step: ApplyStep,
  verdict: Verdict,
  action: Action,
): boolean {
  if (verdict.outcome !== 'skipped') return false
  const failed = steps.find((candidate) => candidate.id === verdict.because)
  return failed?.does === 'narrow' && failed.bottle === step.bottle && failed.begins.includes(action)
}

function isDone({ outcome }: Verdict): boolean {
  return outcome === 'done'
}

const refuse = (): Promise<never> => Promise.reject(new Error('the plan names no driver'))
const nobody: Actuator = {
  perform: refuse,
  controlUplink: refuse,
  controlBundle: refuse,
  start: refuse,
  stop: refuse,
}
