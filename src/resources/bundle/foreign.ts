/** Secrets of the other bottles of a stack, by SecretId: those that some route of theirs puts on, and none of this bottle. Pure. */
import type { Resource } from '../../model/resource.ts'
import type { RouteSpec } from '../route/spec.ts'

export function foreignSecrets(resources: readonly Resource[], bottle: string): readonly string[] {
  const own = new Set<string>()
  const foreign = new Set<string>()
  for (const resource of resources) {
    if (resource.kind !== 'route') continue
    const { auth } = resource.spec as RouteSpec
    if (auth && 'secret' in auth) (resource.bottle === bottle ? own : foreign).add(auth.secret)
  }
  return [...foreign].filter((id) => !own.has(id)).sort()
}
