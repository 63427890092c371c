/**
 * Forwards what policy and scanner have passed, and nothing else: one attempt, or another where a kept connection turns
 * out to be closed.
 */
import { isScanned } from '../../detect/scan.ts'
import type { Scanned } from '../../detect/scan.ts'
import { isAllowed } from '../../policy/judge.ts'
import type { Allowed } from '../../policy/judge.ts'
import type { Door } from '../door.ts'
import { Attempt, NO_ANSWER } from '../exchange/exchange.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { Refuse } from '../exchange/request.ts'
import type { ParsedRequest } from '../exchange/request.ts'

/** Methods that may be sent again when a kept connection turns out to be closed (RFC 9110, 9.2.2). */
const REPEATABLE: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'QUERY',
])

/** Resolves whether the client's connection may carry another request. Throws Refuse, WireClosed. */
export async function forward(
  door: Door,
  allowed: Allowed,
  scanned: Scanned,
  exchange: Exchange,
): Promise<boolean> {
  if (!isAllowed(allowed) || !isScanned(scanned)) throw new Refuse('internal')
  try {
    const { request } = exchange.outgoing
    const ends = enter(door, allowed, request)
    // A handshake goes on a connection of its own: a kept one could end under it.
    for (let fresh = exchange.outgoing.opening !== undefined; ; fresh = true) {
      const taken = door.upstreams.take(exchange.target, fresh)
      const lease = taken instanceof Promise ? await taken : taken
      const attempt = new Attempt(door, allowed, scanned, exchange, lease, ends)
      try {
        return await attempt.run()
      } catch (error) {
        attempt.abandon()
        if (error === NO_ANSWER && lease.reused && !fresh && mayRepeat(exchange)) continue
        throw error === NO_ANSWER ? new Refuse('upstream-closed') : error
      }
    }
  } finally {
    scanned.body?.dispose()
  }
}

const mayRepeat = ({ client, outgoing: { request } }: Exchange): boolean =>
  request.framing.kind === 'none' && REPEATABLE.has(request.method) && !client.closed

/** Takes one request of the route's limits, or throws Refuse; when its time is over, milliseconds of `Date.now`. */
export function enter(door: Door, { route }: Allowed, { authority, framing }: ParsedRequest): number {
  door.names.admit(route, authority.host)
  door.quotas.admit(route, framing.kind === 'length' ? framing.length : 0)
  return route.limits?.timeMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + route.limits.timeMs
}
