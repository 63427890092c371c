/** What one bottle's git gate is told of the secrets of its stack: never a value, and nothing that gives one back. */
import { fingerprints } from '../../../sidecars/detect/fingerprint.ts'
import { foreignPrints } from '../../../sidecars/detect/foreign.ts'
import type { KnownPrints } from '../../model/gate.ts'
import { secretsOf } from '../../model/policy.ts'
import type { Resource } from '../../model/resource.ts'
import type { SecretRef } from '../../model/secret.ts'
import type { KeySpec } from '../../resources/key/spec.ts'
import type { RouteSpec } from '../../resources/route/spec.ts'
import { keyOf } from './others.ts'
import type { OthersRequest } from './others.ts'

export function knownToGate(bottle: string, { desired, home, found, marksOf }: OthersRequest): KnownPrints {
  const key = keyOf(home, desired.stack)
  const { placeholders = {}, canary, detectors } = marksOf(bottle) ?? {}
  const named = secretsIn(desired.resources.filter((resource) => resource.bottle === bottle))
  const values = secretsIn(desired.resources).map((id) => {
    const secret = found.get(id)
    return [id, secret ? foreignPrints(key, secret.reveal()) : null] as const
  })
  return {
    key: key.toString('hex'),
    prints: [
      ...Object.entries(placeholders).flatMap(([id, text]) =>
        fingerprints(key, id, text, `placeholder/${id}`),
      ),
      ...(canary === undefined ? [] : fingerprints(key, 'canary', canary, 'canary')),
    ],
    values: Object.fromEntries(values),
    named,
    ...(detectors && { detectors }),
  }
}

/** Of routes, and the tokens by which deploy keys are made: no agent may write either anywhere. */
function secretsIn(resources: readonly Resource[]): readonly string[] {
  const ids = resources.flatMap(({ kind, spec }) => {
    if (kind === 'route') return secretsOf((spec as RouteSpec).auth)
    return kind === 'key' ? [(spec as KeySpec).token] : []
  })
  return [...new Set(ids)].sort()
}

/** The references of those tokens, by SecretId. */
export function tokenRefs(resources: readonly Resource[]): Readonly<Record<string, SecretRef>> {
  const tokens = resources.flatMap(({ kind, spec }) => {
    const { token, tokenRef } = spec as KeySpec
    return kind === 'key' ? [[token, tokenRef] as const] : []
  })
  return Object.fromEntries(tokens)
}
