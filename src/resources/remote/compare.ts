import type { KindDefinition } from '../kind.ts'
import type { RemoteSpec } from './spec.ts'

/**
 * The gate takes everything in place: a push policy at once, another URL, host key or identity by swapping this one
 * remote, where running fetches finish. The agent is never touched.
 */
export const remoteImpacts: KindDefinition<Omit<RemoteSpec, 'identityRef'>>['impacts'] = {
  url: 'live',
  hostKeys: 'live',
  identity: 'live',
  push: 'live',
  requireIdentity: 'live',
  maxPack: 'live',
  maxFile: 'live',
  credential: 'live',
  allowPrivate: 'live',
  uplink: 'live',
}
