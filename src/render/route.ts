/** Details under a new object: a route as `host[:port] [git fetch] [auth:scheme] [passthrough, not inspected] [from: …]`, environment as names only. */
import type { Resource } from '../model/resource.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import { safeText } from '../model/text.ts'
import { placeOf } from './words.ts'

/** What is said of a resource that is not there yet; empty where the address says it all. */
export function detailsOf(resource: Resource): readonly string[] {
  if (isRoute(resource)) return [routeLine(resource)]
  if (isGuest(resource)) {
    const names = environmentNames(resource.spec)
    return names.length === 0 ? [] : [`env: ${names.join(', ')}`]
  }
  return []
}

export function routeLine(resource: Resource<RouteSpec>): string {
  const { host, port, scheme, auth, tlsPassthrough, allowPrivate, gitFetch, dlp } = resource.spec
  const place = resource.places[''] ?? Object.values(resource.places)[0]
  const usual = port === (scheme === 'http' ? 80 : 443)
  return [
    safeText(usual ? host : `${host}:${port}`),
    ...(scheme === 'http' ? ['[http]'] : []),
    ...(gitFetch ? ['[git fetch]'] : []),
    ...(auth ? [`[auth:${safeText(auth.scheme)}]`] : []),
    ...(tlsPassthrough ? ['[passthrough, not inspected]'] : []),
    ...(host.startsWith('*.') ? ['[wildcard]'] : []),
    ...(allowPrivate ? ['[private addresses]'] : []),
    ...(dlp?.outboundOnMatch === 'redact' ? ['[redacts]'] : []),
    ...(dlp && dlp.inbound !== 'off' ? [`[answers: ${dlp.inbound}]`] : []),
    ...(dlp?.uninspectable === 'allow' ? ['[uninspectable passes]'] : []),
    ...(dlp?.personal === true ? ['[personal data]'] : []),
    ...(dlp?.accepted ?? []).map(({ rule }) => `[accepts ${safeText(rule)}]`),
    ...(place ? [`[from: ${placeOf(place)}]`] : []),
  ].join(' ')
}

/** Names that a person wrote; what the program or a provider adds stays hidden. */
export function environmentNames(spec: GuestSpec): readonly string[] {
  return Object.entries(spec.env)
    .filter(([, entry]) => entry.from !== 'program')
    .map(([name]) => safeText(name))
    .sort()
}

function isRoute(resource: Resource): resource is Resource<RouteSpec> {
  return resource.kind === 'route'
}

function isGuest(resource: Resource): resource is Resource<GuestSpec> {
  return resource.kind === 'guest'
}
