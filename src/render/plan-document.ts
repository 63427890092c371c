/** A plan as one JSON document (schema/plan.v1.json): always whole, each difference with its cause. */
import type { Plan } from '../model/plan.ts'
import { countsOf } from './counts.ts'
import type { Counts } from './counts.ts'
import { restartedBottles } from './impact.ts'
import { safeJson } from './safe-json.ts'

export interface PlanDocument extends Plan {
  readonly $schema: string
  readonly inSync: boolean
  readonly counts: Counts
  /** Bottles whose agent restarts. */
  readonly restarts: readonly string[]
}

export const PLAN_SCHEMA = 'https://bot-bottle.dev/schema/plan.v1.json'

export function planDocument(plan: Plan): PlanDocument {
  return {
    $schema: PLAN_SCHEMA,
    ...plan,
    inSync: plan.actions.length === 0,
    counts: countsOf(plan.actions),
    restarts: restartedBottles(plan),
  }
}

export function jsonPlan(plan: Plan): string[] {
  return safeJson(planDocument(plan), 2).split('\n')
}
