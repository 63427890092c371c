/** What a plan says about references to secrets that give no value here: which, for which route, and what follows. Never a value. */
import { bottlesConfigured } from '../../execute/configured.ts'
import { UsageError } from '../../model/errors.ts'
import type { Plan } from '../../model/plan.ts'
import { secretsOf } from '../../model/policy.ts'
import type { Resource } from '../../model/resource.ts'
import type { RouteSpec } from '../../resources/route/spec.ts'
import type { World } from '../stack/world.ts'

/** Routes named in one note; a reference that many share is one line all the same. */
const NAMED = 3

export function secretNotes(
  plan: Plan,
  { refusedSecrets }: Pick<World, 'refusedSecrets'>,
): readonly string[] {
  const handed = new Set(bottlesConfigured(plan))
  return [...refusedSecrets].sort(byId).flatMap(([id, { message, code }]) => {
    const routes = routesWith(plan, id)
    const needed = routes.filter(({ bottle }) => handed.has(bottle ?? ''))
    if (needed.length > 0 || (code === UNFIT && routes.length > 0))
      return [
        `${message}: ${named(needed.length > 0 ? needed : routes)} would deny without it; \`apply\` ends with 2 before it does anything`,
      ]
    return routes.length > 0 ? [`${message}: ${named(routes)} is not compared and keeps what it holds`] : []
  })
}

/** A value that is there and cannot be a credential is never passed over, also where nothing else is to be done. */
export function requireFit(plan: Plan, { refusedSecrets }: Pick<World, 'refusedSecrets'>): void {
  const unfit = [...refusedSecrets]
    .sort(byId)
    .filter(([id, { code }]) => code === UNFIT && routesWith(plan, id).length > 0)
  const [first] = unfit
  if (!first) return
  const [, { hint }] = first
  throw new UsageError(
    unfit.map(([id, { message }]) => `${named(routesWith(plan, id))}: ${message}`).join('; '),
    {
      code: UNFIT,
      ...(hint !== undefined && { hint }),
    },
  )
}

const UNFIT = 'secret-unfit'

function routesWith({ desired }: Plan, id: string): readonly Resource[] {
  return desired.filter(
    ({ kind, spec }) => kind === 'route' && secretsOf((spec as RouteSpec).auth).includes(id),
  )
}

function named(routes: readonly Resource[]): string {
  const names = routes.slice(0, NAMED).map(({ address }) => address)
  return [...names, ...(routes.length > NAMED ? [`${routes.length - NAMED} more`] : [])].join(', ')
}

function byId([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
