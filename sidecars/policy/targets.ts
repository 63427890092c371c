/** What routes mean for the two others that hold a table of hosts: the uplink and the issuer. */
import type { RoutePolicy, UplinkTarget } from '../../src/model/policy.ts'

/** One target for each route, sorted, so that the same routes give the same table. */
export function uplinkTargets(routes: readonly UplinkTarget[]): readonly UplinkTarget[] {
  return routes
    .map(({ host, port, allowPrivate }) => ({ host, port, allowPrivate }))
    .sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port))
}

/** Hosts that egress has to show a certificate for, sorted and once each. */
export function issuerHosts(routes: readonly RoutePolicy[]): readonly string[] {
  const hosts = routes
    .filter((route) => route.scheme === 'https' && !route.tlsPassthrough)
    .map((route) => route.host)
  return [...new Set(hosts)].sort()
}
