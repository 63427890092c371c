/**
 * Carries out one step: which calls of which port an action becomes. Deciding is over by now; nothing here looks at
 * the world to choose what to do (anchors C.2).
 */
import { address } from '../model/address.ts'
import { ensureError } from '../model/errors.ts'
import type { BottleError } from '../model/errors.ts'
import type { Action } from '../model/plan.ts'
import { fingerprintOf } from '../model/x509.ts'
import type { Effect, EffectContext } from '../ports/driver.ts'
import type { CaSpec } from '../resources/ca/spec.ts'
import { changesGitAlone } from '../resources/guest/git.ts'
import type { UplinkSpec } from '../resources/uplink/spec.ts'
import type { RecordKeeper } from './record.ts'
import { iso } from './clock.ts'
import { closingRemotes, nameOfRemote, wantedRemotes } from './gate.ts'
import { carryOutKey } from './keys.ts'
import type { KeyDeps } from './keys.ts'
import { closeWhereItCan, isInForce, pushOpening } from './push.ts'
import type { PushDeps } from './push.ts'
import { closingPolicy, desiredPolicy } from './routes.ts'
import type { BottlePolicy } from './routes.ts'
import { isPushed, isRemade } from './steps.ts'
import type { ApplyStep } from './steps.ts'
import { verifyServed } from './verify.ts'

export interface EffectDeps extends PushDeps, KeyDeps {
  readonly steps: readonly ApplyStep[]
  readonly record: RecordKeeper
  /** Addresses of the host machine, which the uplink always refuses. */
  readonly hostAddresses: readonly string[]
  readonly contextFor: (action: Action) => EffectContext
}

/** What each ended action left, by address, or why it failed while the others of its step are done. */
export type Effects = ReadonlyMap<string, Effect | BottleError>

export async function carryOut(step: ApplyStep, deps: EffectDeps): Promise<Effects> {
  switch (step.does) {
    case 'narrow':
      return narrow(step, deps)
    case 'widen':
      return widen(step, deps)
    case 'action': {
      const [action] = step.ends
      return action ? new Map([[action.address, await single(action, deps)]]) : new Map()
    }
  }
}

async function narrow(step: ApplyStep, deps: EffectDeps): Promise<Effects> {
  const bottle = step.bottle ?? ''
  const opensAfter = step.begins.length > step.ends.length || pushFollows(bottle, deps)
  const wanted = policyOf(bottle, deps)
  const failed = await closeWhereItCan(bottle, wanted, opensAfter, deps)
  if (!failed) return new Map(step.ends.map((action) => [action.address, { did: 'closed' }]))
  // The plan said so where nobody could ask egress; anywhere else it has to be done there too.
  if (!step.begins.every((action) => action.only === 'closing' && !action.observed)) throw failed.error
  return new Map(step.ends.map((action) => [action.address, { did: 'closed at the uplink' }]))
}

async function widen(step: ApplyStep, deps: EffectDeps): Promise<Effects> {
  const bottle = step.bottle ?? ''
  const newIssuer = step.ends.some((action) =>
    action.differences.some((difference) => difference.path === 'issuer'),
  )
  await pushOpening(bottle, policyOf(bottle, deps), { newIssuer }, deps)
  return new Map(
    await Promise.all(
      step.ends.map(async (action) => {
        const did = action.verb === 'create' ? 'opened' : 'configured'
        return [action.address, (await notAnswering(action, deps)) ?? { did }] as const
      }),
    ),
  )
}

/** Why the upstream of a remote whose way there is new does not answer; what else the step opened stays open. */
async function notAnswering(action: Action, deps: EffectDeps): Promise<BottleError | undefined> {
  const { kind, bottle = '', address: at } = action
  if (kind !== 'remote' || !isNewWay(action)) return undefined
  const wanted = wantedRemotes(deps.plan.desired, bottle).find(
    ({ remote }) => remote.name === nameOfRemote(at),
  )
  try {
    if (wanted) await verifyServed(bottle, wanted, deps)
    return undefined
  } catch (error) {
    if (deps.signal.aborted) throw error
    return ensureError(error)
  }
}

const WAY = new Set(['url', 'hostKeys', 'identity', 'credential', 'allowPrivate', 'uplink'])

/** Whether the upstream, or what opens it, is another than before. */
function isNewWay({ verb, differences }: Action): boolean {
  return verb === 'create' || differences.some(({ path }) => WAY.has(path.split(/[.[]/)[0] ?? ''))
}

async function single(action: Action, deps: EffectDeps): Promise<Effect> {
  // What only the record holds needs no call of a driver.
  if (action.impact === 'record' && action.verb === 'update') return { did: 'recorded' }
  // Marks cannot be put on what lives: an adopted object is ours by the record.
  if (action.verb === 'adopt')
    return { did: 'adopted', ...(action.observed && { objectId: action.observed.id }) }
  switch (action.kind) {
    case 'ca':
      return root(action, deps)
    case 'uplink':
      return uplink(action, deps)
    case 'bundle':
      return bundle(action, deps)
    case 'key':
      return carryOutKey(action, deps)
    case 'guest':
      // It lies in the agent container and goes with it: only its entry is ours to remove.
      return action.verb === 'remove' ? { did: 'removed' } : guest(action, deps)
    default:
      return perform(action, deps)
  }
}

function root(action: Action, { roots, clock }: EffectDeps): Effect {
  const bottle = action.bottle ?? ''
  if (action.verb === 'remove') {
    roots.remove(bottle)
    return { did: 'removed' }
  }
  const { days } = specOf<CaSpec>(action)
  switch (action.differences[0]?.path) {
    case 'next': {
      const { next } = roots.prepare(bottle, days, iso(clock))
      return { did: 'put beside the old one', ...(next && { objectId: next.fingerprint }) }
    }
    case 'root':
      return { did: 'changed over', objectId: roots.takeOver(bottle).fingerprint }
  }
  const made = roots.create(bottle, days, iso(clock))
  return { did: action.verb === 'create' ? 'created' : 'renewed', objectId: made.fingerprint }
}

async function uplink(action: Action, deps: EffectDeps): Promise<Effect> {
  if (action.verb === 'remove') {
    deps.record.uplinkChanged(false)
    return perform(action, deps)
  }
  const remade = isRemade(action)
  const effect = remade ? await perform(action, deps) : { did: 'configured' }
  if (remade) {
    deps.views.uplinkRemade()
    deps.record.uplinkChanged(true)
  }
  const { policy } = specOf<UplinkSpec>(action)
  const { hostAddresses } = deps
  await deps.retry(() =>
    deps.actuator.controlUplink({ op: 'configure', policy: { ...policy, hostAddresses } }, deps.signal),
  )
  await handOverAll(deps)
  return effect
}

/**
 * A new uplink knows no bundle: each that nothing later in the plan configures is attached again with what it
 * enforces; one of a bottle that is blocked with no more than that, and where it cannot be had it stays unattached:
 * what the others are handed does not wait for it.
 */
async function handOverAll(deps: EffectDeps): Promise<void> {
  const bottles = deps.plan.desired.flatMap(({ kind, bottle }) =>
    kind === 'bundle' && bottle !== undefined ? [bottle] : [],
  )
  await Promise.all(
    bottles
      .filter((bottle) => !pushFollows(bottle, deps) && !isBundleRemade(bottle, deps))
      .map(async (bottle) => {
        const desired = policyOf(bottle, deps)
        if (!isLeft(bottle, deps)) return handOver(bottle, desired, deps)
        try {
          const { routes, remotes = [] } = await deps.views.of(bottle)
          const left = {
            ...desired,
            egress: closingPolicy(routes, desired.egress),
            remotes: closingRemotes(remotes, desired.remotes),
          }
          await handOver(bottle, left, deps)
        } catch (error) {
          if (deps.signal.aborted) throw error
        }
      }),
  )
}

async function handOver(bottle: string, wanted: BottlePolicy, deps: EffectDeps): Promise<void> {
  if (isInForce(await deps.views.of(bottle), wanted)) return
  await pushOpening(bottle, wanted, { newIssuer: false }, deps)
}

async function bundle(action: Action, deps: EffectDeps): Promise<Effect> {
  const bottle = action.bottle ?? ''
  if (action.verb === 'remove') {
    // The uplink stops dialling for it first: closed even where the container cannot be removed.
    if (deps.views.isAttached(bottle))
      await deps.retry(() => deps.actuator.controlUplink({ op: 'detach', bottle }, deps.signal))
    const effect = await perform(action, deps)
    deps.views.bundleGone(bottle)
    return effect
  }
  const effect = await perform(action, deps)
  deps.views.bundleRemade(bottle)
  if (!pushFollows(bottle, deps))
    await pushOpening(bottle, policyOf(bottle, deps), { newIssuer: false }, deps)
  return effect
}

/**
 * Egress changes over to a new root before the old one is taken from the guest. A guest that has both does not notice;
 * any other has no program that goes on.
 */
async function guest(action: Action, deps: EffectDeps): Promise<Effect> {
  if (changesGitAlone(action)) return perform(action, deps)
  const bottle = action.bottle ?? ''
  const view = await deps.views.of(bottle)
  const root = deps.roots.rootOf(bottle)
  if (view.issuer && root && view.issuer.rootFingerprint !== fingerprintOf(root.certificate))
    await pushOpening(bottle, policyOf(bottle, deps), { newIssuer: true }, deps)
  return perform(action, deps)
}

/** Every action but a removal has one; the plan's type says so in words only. */
function specOf<Spec>({ address: at, desired }: Action): Spec {
  if (!desired) throw new Error(`${at} has no desired value`)
  return desired.spec as Spec
}

function perform(action: Action, deps: EffectDeps): Promise<Effect> {
  return deps.retry(() => deps.actuator.perform(action, deps.contextFor(action)))
}

function policyOf(bottle: string, { plan }: EffectDeps): BottlePolicy {
  return desiredPolicy(plan.desired, bottle, plan.actions)
}

/** Whether a later step hands the bottle its whole configuration. */
function pushFollows(bottle: string, { steps }: EffectDeps): boolean {
  return steps.some((step) => step.does === 'widen' && step.bottle === bottle)
}

/** Its bundle is made anew by an action of its own, or is not ours to configure. */
function isBundleRemade(bottle: string, { plan }: EffectDeps): boolean {
  return plan.actions.some(
    (action) =>
      action.address === address.bundle(bottle) && action.because === undefined && !isPushed(action),
  )
}

function isLeft(bottle: string, { plan }: EffectDeps): boolean {
  return plan.actions.some((action) => action.bottle === bottle && action.verb === 'blocked')
}
