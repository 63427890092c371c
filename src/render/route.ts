/** Details under a new object: a route as `host[:port] [git fetch] [auth:scheme] [passthrough, not inspected] [from: …]`, environment as names only. */
import type { Resource } from '../model/resource.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import type { ImageSpec } from '../resources/image/spec.ts'
import type { KeySpec } from '../resources/key/spec.ts'
import type { RemoteSpec } from '../resources/remote/spec.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import { safeText } from '../model/text.ts'
import { duration, placeOf } from './words.ts'

/** What is said of a resource that is not there yet; empty where the address says it all. */
export function detailsOf(resource: Resource, arrow = '→'): readonly string[] {
  if (isRoute(resource)) return [routeLine(resource)]
  if (resource.kind === 'image') return imageLines(resource as Resource<ImageSpec>)
  if (resource.kind === 'remote') return [remoteLine(resource as Resource<RemoteSpec>, arrow)]
  if (resource.kind === 'key') return [keyLine(resource as Resource<KeySpec>)]
  if (isGuest(resource)) {
    const names = environmentNames(resource.spec)
    return [...(names.length === 0 ? [] : [`env: ${names.join(', ')}`]), ...committerOf(resource.spec)]
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

/** `NAME VERSION on bot-bottle/base:… [Dockerfile]`; an image that is not built here says all in its address. */
function imageLines({ spec }: Resource<ImageSpec>): readonly string[] {
  if (spec.role !== 'agent') return []
  const { program, dockerfile } = spec.inputs
  return [`${safeText(program)} on ${safeText(spec.base)}${dockerfile === undefined ? '' : ' [Dockerfile]'}`]
}

/** `origin → gitea.acme.example:2222 [push: refs/heads/agent/*]` */
function remoteLine({ address, spec, places }: Resource<RemoteSpec>, arrow: string): string {
  const { url, push, allowPrivate, identityRef } = spec
  const place = places['']
  const may = [
    ...(push.force ? ['force'] : []),
    ...(push.delete ? ['delete'] : []),
    ...(push.tags ? ['tags'] : []),
  ]
  return [
    `${safeText(address.split('/')[2] ?? '')} ${arrow} ${safeText(url.host)}:${url.port}`,
    push.allow.length === 0 ? '[no push]' : `[push: ${safeText([...push.allow, ...may].join(', '))}]`,
    ...(push.scan === 'block' ? [] : [`[scan: ${push.scan}]`]),
    ...(identityRef ? ['[identity of yours]'] : []),
    ...(allowPrivate ? ['[private addresses]'] : []),
    ...(place ? [`[from: ${placeOf(place)}]`] : []),
  ].join(' ')
}

/** `gitea acme/app at https://gitea.acme.example/api/v1 [fetch only]` */
function keyLine({ spec }: Resource<KeySpec>): string {
  const { provider, repository, api, readOnly, allowPrivate, rotate } = spec
  return [
    `${safeText(provider)} ${safeText(repository)} at ${safeText(api)}`,
    readOnly ? '[fetch only]' : '[fetch and push]',
    ...(rotate === undefined ? [] : [`[anew after ${duration(rotate)}]`]),
    ...(allowPrivate ? ['[private addresses]'] : []),
  ].join(' ')
}

/** `commits as Acme Bot <bot@acme.example>` */
function committerOf({ git }: GuestSpec): readonly string[] {
  const { name, email } = git?.user ?? {}
  const words = [...(name === undefined ? [] : [name]), ...(email === undefined ? [] : [`<${email}>`])]
  return words.length === 0 ? [] : [`commits as ${safeText(words.join(' '))}`]
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
