import type { KindDefinition } from '../kind.ts'
import type { RouteSpec } from './spec.ts'

/**
 * Everything about a route is replaced in the running egress; the agent is never touched.
 * The references of its credential are compared as the names they give in `auth`.
 */
export const routeImpacts: KindDefinition<Omit<RouteSpec, 'secretRefs'>>['impacts'] = {
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
  gated: 'live',
  limits: 'live',
  dlp: 'live',
  credential: 'live',
  uplink: 'live',
}
