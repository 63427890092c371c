/**
 * What egress would say to one request, decided here by the same policy code and without asking anything live. Pure:
 * a manifest's resources and a request in, the decision with the line that made it out.
 */
import type { Place } from '../../model/diagnostic.ts'
import { UsageError } from '../../model/errors.ts'
import { routeKey, schemePort, secretsOf } from '../../model/policy.ts'
import type { EgressPolicy, RoutePolicy } from '../../model/policy.ts'
import type { Resource } from '../../model/resource.ts'
import { desiredPolicy } from '../../execute/routes.ts'
import type { RouteSpec } from '../../resources/route/spec.ts'
import { parseAuthority } from '../../../sidecars/policy/authority.ts'
import type { Authority } from '../../../sidecars/policy/authority.ts'
import { admit, judge } from '../../../sidecars/policy/judge.ts'
import type { JudgedRequest } from '../../../sidecars/policy/judge.ts'
import { METHODS } from '../../../sidecars/policy/methods.ts'
import { isQuery } from '../../../sidecars/policy/path.ts'
import type { RuleId } from '../../../sidecars/policy/rules.ts'
import { stripFields, stripQuery } from '../../../sidecars/policy/strip.ts'
import { refusalOf } from '../../../sidecars/policy/words.ts'

/** A request as it is asked about: what a client would send for it. */
export interface AskedRequest {
  readonly method: string
  readonly url: string
  readonly scheme: 'https' | 'http'
  /** Not judged yet. */
  readonly authority: string
  readonly path: string
  readonly query: string
  readonly headers: readonly (readonly [string, string])[]
  /** A URL of `wss` or `ws` asks for a WebSocket. */
  readonly upgrade?: 'websocket'
}

export interface Decision {
  readonly bottle: string
  readonly allowed: boolean
  /** Of the refusal; `passthrough` where nothing but the host was judged. */
  readonly rule?: RuleId | 'passthrough'
  readonly status?: number
  readonly message?: string
  /** The route, and where it has one the entry, that decided. */
  readonly decidedBy?: {
    readonly address: string
    readonly entry?: string
    readonly place?: Place
    /** Where the manifest asked for the preset that says it. */
    readonly asked?: Place
  }
  /** The references of the credential that would be put on; none: it is the agent's own. No value is here. */
  readonly credential?: {
    readonly scheme: string
    readonly references: readonly string[]
    readonly place?: Place
  }
  /** Manifest line that would allow it, where a line can. */
  readonly allow?: string
}

/** `GET https://host/path`, or a URL with the method apart; `headers` as `name: value`. Throws UsageError. */
export function askedRequest(
  written: string,
  method: string | undefined,
  headers: readonly string[],
): AskedRequest {
  const [, first, rest] = /^([A-Za-z-]+)\s+(\S.*)$/.exec(written.trim()) ?? []
  if (first !== undefined && method !== undefined && first !== method)
    throw new UsageError(`--url says ${first}, --method says ${method}`, { code: 'bad-option' })
  const url = rest ?? written.trim()
  const match = /^(https?|wss?):\/\/([^/?#\s]*)([^?#\s]*)(?:\?([^#\s]*))?(?:#\S*)?$/i.exec(url)
  if (!match)
    throw new UsageError(`--url takes \`METHOD URL\` with https, http, wss or ws, not \`${written}\``, {
      code: 'bad-option',
      hint: "for example --url 'GET https://api.github.com/repos/acme/app'",
    })
  const [, scheme = '', authority = '', path = '', query = ''] = match
  return {
    method: first ?? method ?? 'GET',
    url,
    scheme: /^(?:http|ws)$/i.test(scheme) ? 'http' : 'https',
    ...(/^ws/i.test(scheme) && { upgrade: 'websocket' as const }),
    authority,
    path: path === '' ? '/' : path,
    query,
    headers: headers.map(headerOf),
  }
}

function headerOf(written: string): readonly [string, string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(written) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError(`--header takes \`name: value\`, not \`${written}\``, { code: 'bad-option' })
  return [name.toLowerCase(), value]
}

export function decide(resources: readonly Resource[], bottle: string, asked: AskedRequest): Decision {
  const { egress } = desiredPolicy(resources, bottle)
  const parsed = parseAuthority(asked.authority, schemePort(asked.scheme))
  const authority = parsed.ok ? parsed.value : undefined
  const refuse = (rule: RuleId, route?: RoutePolicy, entry?: string): Decision => {
    const { method, path, scheme } = asked
    const { status, message, allow } = refusalOf({
      rule,
      scheme,
      method,
      path,
      ...(authority && { authority }),
      ...(route && { route }),
    })
    const decidedBy = route && decidingLine(resources, bottle, route, entry)
    return {
      bottle,
      allowed: false,
      rule,
      status,
      message,
      ...(decidedBy && { decidedBy }),
      ...(allow !== undefined && { allow }),
    }
  }
  if (!parsed.ok) return refuse(parsed.rule)
  const admission = admit(egress, asked.scheme, parsed.value)
  if (!admission.admitted) return refuse(admission.rule, admission.route)
  const { route } = admission
  if (route.tlsPassthrough)
    return {
      bottle,
      allowed: true,
      rule: 'passthrough',
      decidedBy: decidingLine(resources, bottle, route, undefined),
    }
  if (!METHODS.has(asked.method)) return refuse('method-refused', route)
  if (!isQuery(asked.query)) return refuse('request-malformed', route)
  const request = judgedRequest(asked, parsed.value, route)
  const verdict = judge(egress, request)
  if (!verdict.allowed) {
    const denied = verdict.rule === 'request-denied' ? denyingEntry(egress, route, request) : undefined
    return refuse(verdict.rule, route, denied)
  }
  const credential = credentialOf(resources, bottle, route)
  return {
    bottle,
    allowed: true,
    decidedBy: decidingLine(
      resources,
      bottle,
      route,
      verdict.entry === -1 ? undefined : `matches[${verdict.entry}]`,
    ),
    ...(credential && { credential }),
  }
}

function judgedRequest(asked: AskedRequest, authority: Authority, route: RoutePolicy): JudgedRequest {
  const fields = stripFields(
    asked.headers.map(([key, value]) => ({ key, value })),
    route,
  )
  return {
    scheme: asked.scheme,
    authority,
    method: asked.method,
    path: asked.path,
    query: stripQuery(asked.query, route),
    headers: fields.map(({ key, value }) => [key, value]),
    ...(asked.upgrade && { upgrade: asked.upgrade }),
  }
}

/** The first entry of `deny` that refuses by itself. */
function denyingEntry(policy: EgressPolicy, route: RoutePolicy, request: JudgedRequest): string | undefined {
  const index = (route.deny ?? []).findIndex((entry) => {
    const verdict = judge({ ...policy, routes: [{ ...route, deny: [entry] }] }, request)
    return !verdict.allowed && verdict.rule === 'request-denied'
  })
  return index === -1 ? undefined : `deny[${index}]`
}

/** The resource of a route of this bottle. */
export function routeResource(
  resources: readonly Resource[],
  bottle: string,
  route: RoutePolicy,
): Resource | undefined {
  return resources.find(
    ({ kind, bottle: of, spec }) =>
      kind === 'route' && of === bottle && routeKey(spec as RouteSpec) === routeKey(route),
  )
}

function decidingLine(
  resources: readonly Resource[],
  bottle: string,
  route: RoutePolicy,
  entry: string | undefined,
): NonNullable<Decision['decidedBy']> {
  const resource = routeResource(resources, bottle, route)
  const whole = resource?.places['']
  const place = resource?.places[entry ?? ''] ?? whole
  return {
    address: resource?.address ?? `route/${bottle}/${route.host}`,
    ...(entry !== undefined && { entry }),
    ...(place && { place }),
    ...(whole && whole !== place && whole.preset !== undefined && { asked: whole }),
  }
}

function credentialOf(
  resources: readonly Resource[],
  bottle: string,
  route: RoutePolicy,
): Decision['credential'] {
  const { auth } = route
  if (auth === undefined) return undefined
  const place = routeResource(resources, bottle, route)?.places['auth']
  return {
    scheme: auth.scheme,
    references: secretsOf(auth),
    ...(place && { place }),
  }
}
