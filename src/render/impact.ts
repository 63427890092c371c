/** What an action costs, in words; read by every renderer of plans. */
import { startsOnly } from '../model/plan.ts'
import type { Action, Plan } from '../model/plan.ts'
import type { Impact } from '../model/resource.ts'

const WORDS: Readonly<Record<Impact, string>> = {
  record: 'record only',
  live: 'live, agent keeps running',
  'next-start': 'used from the next start, agent keeps running',
  'restart-agent': 'agent restarts',
  'recreate-bundle': 'doors away < 2 s, agent keeps running',
  'recreate-uplink': 'no new connections for < 2 s, agents keep running',
  'recreate-agent': 'agent restarts, volumes kept',
  'recreate-holder': 'agent restarts, volumes kept',
  replace: 'removed and created anew, its work is lost',
}

const RESTARTING: ReadonlySet<Impact> = new Set<Impact>([
  'restart-agent',
  'recreate-agent',
  'recreate-holder',
  'replace',
])

/** Removed without its bottle only when that is gone already. */
const LEFT_BEHIND: ReadonlySet<Action['kind']> = new Set<Action['kind']>(['ca', 'bundle', 'guest', 'image'])

export function impactWords(action: Action, plan: Plan): string {
  if (action.verb === 'blocked') return 'blocked, nothing is done'
  if (action.verb === 'adopt') return 'taken over as it is'
  if (action.verb === 'create' && isNew(action, plan)) return 'new'
  const bottle = restartOf(action, plan)
  if (bottle) return `with ${bottle.address}`
  if (action.verb === 'remove') {
    if (action.kind === 'bottle') return 'agent stops, volumes removed'
    if (isGoing(action, plan) || LEFT_BEHIND.has(action.kind)) return 'removed'
  }
  return startsOnly(action) ? 'agent container starts' : WORDS[action.impact]
}

/** Bottles that live now and whose agent this plan stops or restarts. */
export function restartedBottles(plan: Plan): readonly string[] {
  const disturbed = plan.actions.filter(
    (action) =>
      action.verb !== 'blocked' &&
      action.verb !== 'remove' &&
      action.bottle !== undefined &&
      !isNew(action, plan) &&
      !isGoing(action, plan) &&
      RESTARTING.has(action.impact),
  )
  const started = new Set(plan.actions.flatMap((action) => (startsOnly(action) ? (action.bottle ?? []) : [])))
  return [...new Set(disturbed.flatMap(({ bottle }) => bottle ?? []))].filter(
    (bottle) => !started.has(bottle),
  )
}

/** The bottle that restarts anyway, where this is made again for its new container. */
function restartOf(action: Action, plan: Plan): Action | undefined {
  if (action.kind !== 'guest') return undefined
  return plan.actions.find(
    (other) =>
      other.kind === 'bottle' &&
      other.bottle === action.bottle &&
      other.verb !== 'blocked' &&
      RESTARTING.has(other.impact),
  )
}

function isNew(action: Action, plan: Plan): boolean {
  if (action.bottle === undefined || action.kind === 'bottle') return action.verb === 'create'
  return plan.actions.some(
    (other) => other.kind === 'bottle' && other.bottle === action.bottle && other.verb === 'create',
  )
}

function isGoing(action: Action, plan: Plan): boolean {
  if (action.bottle === undefined) return action.verb === 'remove'
  return plan.actions.some(
    (other) => other.kind === 'bottle' && other.bottle === action.bottle && other.verb === 'remove',
  )
}
