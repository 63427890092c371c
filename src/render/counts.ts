/** The last line of a plan: how many of what, and whether agents notice. */
import type { Action, Plan } from '../model/plan.ts'
import { restartedBottles } from './impact.ts'
import { count } from './words.ts'
import { safeText } from '../model/text.ts'

export interface Counts {
  readonly create: number
  readonly update: number
  readonly replace: number
  /** Differences nobody declared: drift. */
  readonly repair: number
  readonly adopt: number
  readonly remove: number
  readonly blocked: number
}

export function countsOf(actions: readonly Action[]): Counts {
  const counts = { create: 0, update: 0, replace: 0, repair: 0, adopt: 0, remove: 0, blocked: 0 }
  for (const action of actions) counts[groupOf(action)] += 1
  return counts
}

function groupOf(action: Action): keyof Counts {
  if (action.verb === 'blocked') return 'blocked'
  if (action.verb === 'remove') return 'remove'
  if (action.verb === 'adopt') return 'adopt'
  if (action.cause === 'drift') return 'repair'
  if (action.verb === 'create' || action.verb === 'update') return action.verb
  return 'replace'
}

export function countWords(counts: Counts): string {
  const said: [number, string][] = [
    [counts.create, 'to create'],
    [counts.update, 'to update'],
    [counts.replace, 'to replace'],
    [counts.repair, 'to repair'],
    [counts.adopt, 'to adopt'],
    [counts.remove, 'to remove'],
    [counts.blocked, 'blocked'],
  ]
  const words = said.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  return words.length === 0 ? 'nothing to do' : words.join(', ')
}

/** `no agent restarts`, `1 agent restarts: implementer`, `1 agent stops: old`. */
export function restartWords(plan: Plan): string {
  const restarted = restartedBottles(plan)
  const removed = plan.actions.flatMap(({ verb, kind, bottle }) =>
    verb === 'remove' && kind === 'bottle' ? (bottle ?? []) : [],
  )
  const said = [
    ...(restarted.length > 0 ? [named(restarted, 'agent restarts', 'agents restart')] : []),
    ...(removed.length > 0 ? [named(removed, 'agent stops', 'agents stop')] : []),
  ]
  return said.length === 0 ? 'no agent restarts' : said.join(', ')
}

function named(bottles: readonly string[], one: string, many: string): string {
  const names = bottles.length <= 5 ? `: ${bottles.map((bottle) => safeText(bottle)).join(', ')}` : ''
  return `${count(bottles.length, one, many)}${names}`
}
