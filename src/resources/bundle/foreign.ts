/** Secrets of the other bottles of a stack, by SecretId: those that some route of theirs puts on, and none of this bottle. Pure. */
import { secretsOf } from '../../model/policy.ts'
import type { Resource } from '../../model/resource.ts'
import type { RouteSpec } from '../route/spec.ts'

export function foreignSecrets(resources: readonly Resource[], bottle: string): readonly string[] {
  const own = new Set<string>()
  const foreign = new Set<string>()
  for (const resource of resources) {
    if (resource.kind !== 'route') continue
    for (const id of secretsOf((resource.spec as RouteSpec).auth))
      (resource.bottle === bottle ? own : foreign).add(id)
  }
  return [...foreign].filter((id) => !own.has(id)).sort()
}
