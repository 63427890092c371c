/** Which bottles a plan reaches into, as far as secrets are concerned. Pure. */
import type { Kind } from '../model/address.ts'
import type { Plan } from '../model/plan.ts'
import { changesGitAlone } from '../resources/guest/git.ts'

const CONFIGURING: readonly Kind[] = ['route', 'remote', 'key', 'bundle', 'guest']

/**
 * Bottles whose daemons are handed their configuration when this plan is applied: their references have to be
 * resolved before the first action (contract.md, What is compared with what).
 */
export function bottlesConfigured(plan: Plan): readonly string[] {
  const all = plan.actions.some(
    (action) => action.kind === 'uplink' && action.verb !== 'remove' && action.impact !== 'record',
  )
  const bottles = plan.desired.flatMap(({ kind, bottle }) =>
    kind === 'bundle' && bottle !== undefined ? [bottle] : [],
  )
  return bottles.filter(
    (bottle) =>
      all ||
      plan.actions.some(
        (action) =>
          action.bottle === bottle &&
          action.verb !== 'blocked' &&
          action.impact !== 'record' &&
          CONFIGURING.includes(action.kind) &&
          !changesGitAlone(action) &&
          (action.kind !== 'key' || action.verb !== 'remove'),
      ),
  )
}
