/**
 * What of a plan `watch` carries out: edits that disturb nobody always, edits that do only with `--yes`, drift only
 * with `--heal`. What needs something that is held back is held back too. Pure.
 */
import type { Action, Plan } from '../model/plan.ts'

export interface Licence {
  /** Restarting, recreating and removing what is alive needs no question. */
  readonly yes: boolean
  readonly heal: boolean
  /** Default true. False: repairs alone. */
  readonly edits?: boolean
}

export type HeldBecause = 'drift' | 'asks' | 'blocked' | 'needs'

export interface Held {
  readonly action: Action
  readonly because: HeldBecause
}

export interface Division {
  readonly now: Plan
  readonly held: readonly Held[]
}

export function divide(plan: Plan, licence: Licence, disturbs: (action: Action) => boolean): Division {
  const held = new Map<Action, HeldBecause>()
  for (const action of plan.actions) {
    const because = ownReason(action, licence, disturbs)
    if (because) held.set(action, because)
  }
  // Actions stand in the order in which they may start: one pass finds whatever needs something held.
  for (const action of plan.actions) {
    if (held.has(action)) continue
    const needed = new Set<string>(action.after)
    if ([...held.keys()].some((other) => other !== action && needed.has(other.address)))
      held.set(action, 'needs')
  }
  const actions = plan.actions.filter((action) => !held.has(action))
  return {
    now: { ...plan, actions, disturbs: actions.some(disturbs) },
    held: plan.actions.flatMap((action) => {
      const because = held.get(action)
      return because ? [{ action, because }] : []
    }),
  }
}

function ownReason(
  action: Action,
  licence: Licence,
  disturbs: (action: Action) => boolean,
): HeldBecause | undefined {
  if (action.verb === 'blocked') return 'blocked'
  if (action.cause === 'drift' && !licence.heal) return 'drift'
  if (action.cause === 'edit' && licence.edits === false) return 'asks'
  if (disturbs(action) && !licence.yes) return 'asks'
  return undefined
}
