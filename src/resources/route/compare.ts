import type { KindDefinition } from '../kind.ts'
import type { RouteSpec } from './spec.ts'

/**
 * Everything about a route is replaced in the running egress; the agent is never touched.
 * The reference of its credential is compared as the name it gives in `auth.secret`.
 */
export const routeImpacts: KindDefinition<Omit<RouteSpec, 'secretRef'>>['impacts'] = {
  host: 'live',
  port: 'live',
  scheme: 'live',
  matches: 'live',
  deny: 'live',
  auth: 'live',
  tlsPassthrough: 'live',
  allowPrivate: 'live',
  protocols: 'live',
  gitFetch: 'live',
  limits: 'live',
  dlp: 'live',
  credential: 'live',
  uplink: 'live',
}
