/**
 * From a plan's actions to the steps that carry them out. Most actions are a step of their own; what changes the
 * policy of one bottle is carried out together, in at most two configurations: first everything that closes, then
 * everything that opens (containment.md, rule 14). Pure.
 */
import { kindOf } from '../model/address.ts'
import type { Address } from '../model/address.ts'
import type { Action } from '../model/plan.ts'
import type { DriverName } from '../model/resource.ts'
import type { Step } from './schedule.ts'

export interface ApplyStep extends Step {
  readonly does: 'action' | 'narrow' | 'widen'
  readonly driver: DriverName
  readonly bottle?: string
  /** Actions whose begin row is written by this step. */
  readonly begins: readonly Action[]
  /** Actions that are over with this step. Those that only begin here end in the bottle's `widen` step. */
  readonly ends: readonly Action[]
}

export function stepsOf(actions: readonly Action[]): readonly ApplyStep[] {
  const acting = actions.filter((action) => action.verb !== 'blocked')
  const grouped = new Map<string, Action[]>()
  const steps: ApplyStep[] = []
  for (const action of acting) {
    if (isPushed(action))
      grouped.set(action.bottle ?? '', [...(grouped.get(action.bottle ?? '') ?? []), action])
    else steps.push(single(action))
  }
  for (const [bottle, pushed] of grouped) steps.push(...pushSteps(bottle, pushed))
  return withEdges(steps, acting)
}

/** Carried out by handing the bottle's daemons their configuration, not by the driver. */
export function isPushed(action: Action): boolean {
  return (
    action.kind === 'route' ||
    action.kind === 'remote' ||
    (action.kind === 'bundle' && action.verb === 'update' && action.impact === 'live')
  )
}

/** Makes the container anew: whatever it held in memory is gone. */
export function isRemade(action: Action): boolean {
  return (
    action.verb === 'create' || action.verb === 'create-then-remove' || action.verb === 'remove-then-create'
  )
}

function single(action: Action): ApplyStep {
  return {
    id: action.address,
    does: 'action',
    driver: action.driver,
    ...(action.bottle !== undefined && { bottle: action.bottle }),
    begins: [action],
    ends: [action],
    after: new Set(),
  }
}

function pushSteps(bottle: string, pushed: readonly Action[]): ApplyStep[] {
  const [first] = pushed
  if (!first) return []
  const closing = pushed.filter((action) => action.kind !== 'bundle' && action.verb !== 'create')
  const closed = closing.filter((action) => action.verb === 'remove' || action.only === 'closing')
  const opening = pushed.filter((action) => !closed.includes(action))
  const common = { driver: first.driver, bottle, after: new Set<string>() }
  const steps: ApplyStep[] = []
  if (closing.length > 0)
    steps.push({ ...common, id: `narrow ${bottle}`, does: 'narrow', begins: closing, ends: closed })
  if (opening.length > 0) {
    const begins = opening.filter((action) => !closing.includes(action))
    steps.push({ ...common, id: `widen ${bottle}`, does: 'widen', begins, ends: opening })
  }
  return steps
}

function withEdges(steps: readonly ApplyStep[], actions: readonly Action[]): ApplyStep[] {
  const endedBy = new Map<Address, ApplyStep>()
  for (const step of steps) for (const action of step.ends) endedBy.set(action.address, step)
  const edges = new Map(steps.map((step) => [step.id, new Set<string>()]))
  const widening = new Map(
    steps.flatMap((step) => (step.does === 'widen' ? [[step.bottle, step] as const] : [])),
  )
  for (const step of steps) {
    for (const action of [...step.begins, ...step.ends]) {
      for (const need of action.after) {
        // What closes does not wait for a key that is made, or made anew, for what opens after it.
        if (step.does === 'narrow' && kindOf(need) === 'key') continue
        const target = endedBy.get(need)
        // A key needs the bundle, not its configuration, which needs the key.
        if (step.ends.some(isKeyMade) && target?.does === 'widen' && target.bottle === step.bottle) continue
        // Inside one bottle's configuration the order is fixed: closing, then opening.
        const together = target && isConfiguration(target) && isConfiguration(step)
        if (target && target !== step && !(together && target.bottle === step.bottle))
          edges.get(step.id)?.add(target.id)
      }
    }
    if (step.does === 'narrow') {
      const opened = widening.get(step.bottle)
      if (opened) edges.get(opened.id)?.add(step.id)
      for (const made of steps)
        if (made.bottle === step.bottle && made.ends.some(isKeyMade)) edges.get(made.id)?.add(step.id)
    }
  }
  holdGates(steps, edges)
  holdOpenings(steps, actions, endedBy, edges)
  return steps.map((step) => ({ ...step, after: edges.get(step.id) ?? new Set() }))
}

/** A gate is closed before the bundle is made anew without it, unless what closes needs the new bundle. */
function holdGates(steps: readonly ApplyStep[], edges: ReadonlyMap<string, Set<string>>): void {
  for (const closing of steps) {
    if (closing.does !== 'narrow' || !closing.begins.some(({ kind }) => kind === 'remote')) continue
    for (const made of steps) {
      const isBundle = made.does === 'action' && made.ends.some(({ kind }) => kind === 'bundle')
      const isFirst = edges.get(closing.id)?.has(made.id) === true
      if (isBundle && made.bottle === closing.bottle && !isFirst) edges.get(made.id)?.add(closing.id)
    }
  }
}

/** A failed narrowing of a bottle blocks every opening of that bottle, whatever kind it is; plan order keeps this free of cycles. */
function holdOpenings(
  steps: readonly ApplyStep[],
  actions: readonly Action[],
  endedBy: ReadonlyMap<Address, ApplyStep>,
  edges: ReadonlyMap<string, Set<string>>,
): void {
  const position = new Map(actions.map((action, index) => [action.address, index]))
  for (const narrowing of actions.filter(
    (action) => action.phase === 'narrow' && action.bottle !== undefined,
  )) {
    // What is pushed has closed with its bottle's narrow step, also where it ends with what opens.
    const closing = isPushed(narrowing)
      ? steps.find(({ does, bottle }) => does === 'narrow' && bottle === narrowing.bottle)
      : endedBy.get(narrowing.address)
    for (const step of steps) {
      const opens = step.ends.some(
        (action) =>
          action.phase === 'widen' &&
          action.bottle === narrowing.bottle &&
          (position.get(action.address) ?? 0) > (position.get(narrowing.address) ?? 0),
      )
      if (closing && opens && closing !== step) edges.get(step.id)?.add(closing.id)
    }
  }
}

/** Its removal waits for nothing: a key is revoked also where the gate cannot be closed. */
function isKeyMade({ kind, verb }: Action): boolean {
  return kind === 'key' && verb !== 'remove'
}

function isConfiguration(step: ApplyStep): boolean {
  return step.does !== 'action'
}
