/**
 * Decides one request under one policy: allowed by which route and entry, or denied by which rule. Pure. Default is
 * deny; an empty list allows nothing; a deny entry beats every match. `Allowed` can be made here and nowhere else.
 */
import type { EgressPolicy, Match, RoutePolicy } from '../../src/model/policy.ts'
import { isForbiddenName, isLocalName } from './authority.ts'
import type { Authority, Host } from './authority.ts'
import { controls } from './controls.ts'
import { isForgeCommit } from './forge-api.ts'
import { isGitFetch, isGitPush } from './git.ts'
import { isMethodParameter } from './override.ts'
import { compileText } from './pattern.ts'
import type { TextTest } from './pattern.ts'
import { queryPairs, readingsOf } from './path.ts'
import type { RuleId } from './rules.ts'
import { unsignable } from './signing.ts'

export interface JudgedRequest {
  readonly scheme: 'https' | 'http'
  readonly authority: Authority
  readonly method: string
  /** As it is sent, without the query. */
  readonly path: string
  /** As it is sent, without `?`. */
  readonly query: string
  /** Lower-case names, in order, repeated where they were. */
  readonly headers: readonly (readonly [string, string])[]
  readonly upgrade?: 'websocket'
}

export interface Denial {
  readonly allowed: false
  readonly rule: RuleId
  /** The route that was found, where there was one. */
  readonly route?: RoutePolicy
}

/** What only `judge` can make: `forward()` of egress takes nothing else. */
export type Allowed = AllowedRequest
export type Verdict = Allowed | Denial

class AllowedRequest {
  readonly allowed = true
  readonly #judged = true
  readonly route: RoutePolicy
  /** Index in `route.matches`; -1 where the route has none and allows every request. */
  readonly entry: number

  constructor(route: RoutePolicy, entry: number) {
    this.route = route
    this.entry = entry
  }

  static made(value: object): boolean {
    return #judged in value && value.#judged
  }
}

/** Whether a value was made by `judge`, also against a caller that lied about its type. */
export const isAllowed = (value: object): value is Allowed => AllowedRequest.made(value)

/** How the route for an authority is treated before any request is seen. */
export type Admission =
  | { readonly admitted: true; readonly route: RoutePolicy }
  | { readonly admitted: false; readonly rule: RuleId; readonly route?: RoutePolicy }

/** What can be decided of a connection: host and port and scheme. */
export function admit(policy: EgressPolicy, scheme: 'https' | 'http', authority: Authority): Admission {
  if (isForbiddenName(authority.host)) return { admitted: false, rule: 'local-name' }
  const compiled = compile(policy)
  const route = compiled.find(authority.host, authority.port)
  if (isLocalName(authority.host) && !(route?.host === authority.host && route.allowPrivate)) {
    return { admitted: false, rule: 'local-name' }
  }
  if (route === undefined) {
    if (!controls.on('default-deny')) return { admitted: true, route: openRoute(scheme, authority) }
    return { admitted: false, rule: compiled.knows(authority.host) ? 'port-undeclared' : 'host-undeclared' }
  }
  if (route.scheme !== scheme)
    return { admitted: false, rule: route.tlsPassthrough ? 'host-not-inspected' : 'scheme-undeclared', route }
  return { admitted: true, route }
}

export function judge(policy: EgressPolicy, request: JudgedRequest): Verdict {
  const admission = admit(policy, request.scheme, request.authority)
  if (!admission.admitted)
    return { allowed: false, rule: admission.rule, ...(admission.route && { route: admission.route }) }
  const { route } = admission
  const deny = (rule: RuleId): Denial => ({ allowed: false, rule, route })
  if (route.tlsPassthrough) return deny('host-not-inspected')
  if (route.auth !== undefined && route.scheme !== 'https' && controls.on('credential-binding'))
    return deny('credential-cleartext')
  const readings = readingsOf(request.path)
  if (readings === undefined) return deny('path-ambiguous')
  if (controls.on('git-by-https')) {
    if (isGitPush(readings, request)) return deny('git-push')
    if (!route.gitFetch && isGitFetch(readings, request)) return deny('git-fetch')
  }
  if (controls.on('forge-commits') && route.gated && isForgeCommit(readings, request, route.gated))
    return deny('forge-commit')
  const compiled = compileRoute(route)
  if (compiled.restrictsMethods && overridesMethod(request)) return deny('method-override')
  if (compiled.deny.some((entry) => readings.some((path) => entry(request, path, 'any'))))
    return deny('request-denied')
  if (request.upgrade !== undefined && route.protocols?.includes(request.upgrade) !== true)
    return deny('websocket-undeclared')
  const unsigned = route.auth?.scheme === 'aws-sigv4' ? unsignable(route.auth, request) : undefined
  if (unsigned !== undefined) return deny(unsigned)
  if (compiled.matches === undefined) return new AllowedRequest(route, -1)
  const entry = compiled.matches.findIndex((match) => match(request, request.path, 'every'))
  if (entry === -1) return deny('request-undeclared')
  const everyReading = readings.every((path) =>
    compiled.matches?.some((match) => match(request, path, 'every')),
  )
  return everyReading ? new AllowedRequest(route, entry) : deny('path-ambiguous')
}

/** Whether some entry of the route tells methods apart, so that a request must not name another one. */
export const restrictsMethods = (route: RoutePolicy): boolean => compileRoute(route).restrictsMethods

/** Whether `pattern` (exact, or `*.` and exactly one label more) covers the host. */
export function coversHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host
  const dot = host.indexOf('.')
  return dot > 0 && host.slice(dot + 1) === pattern.slice(2)
}

// ── compiled forms, made once for each policy value ──────────────────────────────────────────────

type Repeated = 'any' | 'every'
type Entry = (request: JudgedRequest, path: string, repeated: Repeated) => boolean

interface CompiledPolicy {
  find(host: Host, port: number): RoutePolicy | undefined
  knows(host: Host): boolean
}

interface CompiledRoute {
  readonly matches?: readonly Entry[]
  readonly deny: readonly Entry[]
  readonly restrictsMethods: boolean
}

const policies = new WeakMap<EgressPolicy, CompiledPolicy>()
const routes = new WeakMap<RoutePolicy, CompiledRoute>()

/** Compiles everything a policy holds; throws for a regular expression that cannot be had. */
export function compile(policy: EgressPolicy): CompiledPolicy {
  const known = policies.get(policy)
  if (known) return known
  const exact = new Map<string, RoutePolicy>()
  const wild = new Map<string, RoutePolicy>()
  const hosts = new Set<string>()
  for (const route of policy.routes) {
    compileRoute(route)
    hosts.add(route.host)
    const table = route.host.startsWith('*.') ? wild : exact
    table.set(`${route.host}:${route.port}`, route)
  }
  const parent = (host: string): string => `*${host.slice(host.indexOf('.'))}`
  const made: CompiledPolicy = {
    // An exact name is more specific than a wildcard.
    find: (host, port) => exact.get(`${host}:${port}`) ?? wild.get(`${parent(host)}:${port}`),
    knows: (host) => hosts.has(host) || hosts.has(parent(host)),
  }
  policies.set(policy, made)
  return made
}

function compileRoute(route: RoutePolicy): CompiledRoute {
  const known = routes.get(route)
  if (known) return known
  const made: CompiledRoute = {
    ...(route.matches && { matches: route.matches.map(compileMatch) }),
    deny: (route.deny ?? []).map(compileMatch),
    restrictsMethods: [...(route.matches ?? []), ...(route.deny ?? [])].some(
      (match) => match.methods !== undefined,
    ),
  }
  routes.set(route, made)
  return made
}

function compileMatch(match: Match): Entry {
  const paths = match.paths?.map(compileText)
  const headers = Object.entries(match.headers ?? {}).map(
    ([name, test]) => [name, compileText(test)] as const,
  )
  const query = Object.entries(match.query ?? {}).map(([name, test]) => [name, compileText(test)] as const)
  return (request, path, repeated) =>
    (match.methods === undefined || match.methods.includes(request.method)) &&
    (paths === undefined || paths.some((test) => test(path))) &&
    headers.every(([name, test]) => holds(test, valuesOf(request.headers, name), repeated)) &&
    (query.length === 0 || queryHolds(query, request.query, repeated))
}

function queryHolds(
  tests: readonly (readonly [string, TextTest])[],
  rawQuery: string,
  repeated: Repeated,
): boolean {
  const pairs = queryPairs(rawQuery)
  return tests.every(([name, test]) => holds(test, valuesOf(pairs, name), repeated))
}

/** A repeated field allows only if every value does, and denies as soon as one does. */
function holds(test: TextTest, values: readonly string[], repeated: Repeated): boolean {
  if (values.length === 0) return false
  return repeated === 'every' ? values.every(test) : values.some(test)
}

const valuesOf = (pairs: readonly (readonly [string, string])[], name: string): readonly string[] =>
  pairs.filter(([key]) => key === name).map(([, value]) => value)

const overridesMethod = (request: JudgedRequest): boolean =>
  queryPairs(request.query).some(([name]) => isMethodParameter(name))

const openRoute = (scheme: 'https' | 'http', authority: Authority): RoutePolicy => ({
  host: authority.host,
  port: authority.port,
  scheme,
  tlsPassthrough: false,
  allowPrivate: false,
  gitFetch: true,
})
