/**
 * From refusals to the fewest manifest lines that would have allowed them. Pure; works from refusals alone: nothing is
 * let through to find out. What no manifest can allow, what a deny entry refuses and what is no matter of routes is
 * listed apart, never suggested.
 */
import type { Json } from '../../model/json.ts'
import { canonical } from '../../model/json.ts'
import { routeName } from '../../manifest/merge.ts'
import { schemePort } from '../../model/policy.ts'
import type { EgressPolicy, Match, RoutePolicy } from '../../model/policy.ts'
import { isForbiddenName, isLocalName, parseAuthority } from '../../../sidecars/policy/authority.ts'
import type { Authority } from '../../../sidecars/policy/authority.ts'
import { admit, judge } from '../../../sidecars/policy/judge.ts'
import { METHODS } from '../../../sidecars/policy/methods.ts'
import { readingsOf } from '../../../sidecars/policy/path.ts'
import { remedyOf } from '../../../sidecars/policy/remedies.ts'
import { pathTests } from './path-tests.ts'

/** One line of the audit; everything in it comes from behind a door. */
export interface Refused {
  readonly at: string
  readonly rule: string
  readonly host: string
  readonly port: number
  readonly method?: string
  readonly path?: string
}

export interface Counted {
  readonly times: number
  /** ISO 8601. */
  readonly first: string
  readonly last: string
  readonly rules: readonly string[]
}

export interface SuggestedRoute extends Counted {
  /** As it stands in a manifest. */
  readonly route: { readonly [key: string]: Json }
  /** The route that it stands instead of, as it is written now: `bottles.yaml:12 (preset npm)`. */
  readonly instead?: string
  /** A wildcard's route, whose entries it takes along: an exact host stands before it. */
  readonly before?: string
  /** The tunnel was refused before a request was seen; reading is suggested, nothing is known. */
  readonly unseen: boolean
}

export interface Listed extends Counted {
  /** `GET host/path` */
  readonly request: string
}

export interface Suggestion {
  readonly bottle: string
  readonly refusals: number
  /** Refusals that the manifest of now would not make. */
  readonly settled: number
  readonly routes: readonly SuggestedRoute[]
  /** Refused by a deny entry of the manifest. */
  readonly denied: readonly Listed[]
  /** Limits, credentials, findings: a matter of other keys. */
  readonly other: readonly Listed[]
  /** No manifest can allow these. */
  readonly never: readonly Listed[]
}

/** The route of the manifest that is in force, as it is written. */
export type WrittenRoute = (
  route: RoutePolicy,
) => { readonly written: { readonly [key: string]: Json }; readonly place: string } | undefined

/** Audit lines cut paths there. */
const PATH_LOGGED = 256

interface Wish {
  readonly refused: Refused
  readonly authority: Authority
  readonly scheme: 'https' | 'http'
}

export function suggestPolicy(
  bottle: string,
  refusals: readonly Refused[],
  policy: EgressPolicy,
  written: WrittenRoute,
): Suggestion {
  const lists: Record<'denied' | 'other' | 'never', Refused[]> = { denied: [], other: [], never: [] }
  const wishes = new Map<string, Wish[]>()
  let [settled, counted] = [0, 0]
  for (const refused of refusals) {
    const remedy = remedyOf(refused.rule)
    if (remedy === undefined || remedy === 'upstream' || remedy === 'door') continue
    counted += 1
    if (remedy === 'deny') lists.denied.push(refused)
    else if (remedy !== 'route' && remedy !== 'never' && !isSocket(refused)) lists.other.push(refused)
    else {
      const wish = remedy === 'never' ? undefined : wishOf(refused, policy)
      if (wish === undefined) lists.never.push(refused)
      else if (isAllowed(wish, policy)) settled += 1
      else {
        const key = `${wish.authority.host}:${wish.authority.port}:${wish.scheme}`
        wishes.set(key, [...(wishes.get(key) ?? []), wish])
      }
    }
  }
  for (const [key, both] of wishes) {
    const { authority, scheme } = both[0] ?? {}
    if (scheme !== 'http' || authority?.port !== 80 || !wishes.has(`${authority.host}:443:https`)) continue
    wishes.delete(key)
    lists.never.push(...both.map(({ refused }) => refused))
  }
  return {
    bottle,
    refusals: counted,
    settled,
    routes: [...wishes.keys()].sort().map((key) => routeFor(wishes.get(key) ?? [], policy, written)),
    denied: listed(lists.denied),
    other: listed(lists.other),
    never: listed(lists.never),
  }
}

/** `undefined`: no line can allow it. */
function wishOf(refused: Refused, policy: EgressPolicy): Wish | undefined {
  const parsed = parseAuthority(`${refused.host}:${refused.port}`)
  if (!parsed.ok || isForbiddenName(parsed.value.host) || isLocalName(parsed.value.host)) return undefined
  const { method, path } = refused
  // One port of one host has one scheme; and what is passed through is not looked into.
  if (refused.rule === 'scheme-undeclared' || refused.rule === 'host-not-inspected') return undefined
  const wish: Wish = { refused, authority: parsed.value, scheme: schemeOf(refused, parsed.value, policy) }
  if (hasOtherScheme(wish, policy)) return undefined
  if (isUnseen(refused)) return wish
  if (method === undefined || !METHODS.has(method) || path === undefined) return undefined
  return readingsOf(path) === undefined || known(path) === undefined ? undefined : wish
}

/** A host is reached by https or by http: a route for the one stands where one for the other would. */
function hasOtherScheme({ authority, scheme }: Wish, policy: EgressPolicy): boolean {
  const name = routeName({ ...authority, scheme })
  return policy.routes.some((route) => route.scheme !== scheme && routeName(route) === name)
}

/** A handshake, judged before the entries of its route were looked at. */
const isSocket = ({ rule }: Refused): boolean => rule === 'websocket-undeclared'

const isUnseen = ({ method, path }: Refused): boolean => method === 'CONNECT' || path === undefined

/** A request is seen before its host is admitted only where it came without TLS. */
function schemeOf(refused: Refused, authority: Authority, policy: EgressPolicy): Wish['scheme'] {
  if (isUnseen(refused)) return 'https'
  if (refused.rule === 'host-undeclared' || refused.rule === 'port-undeclared') return 'http'
  return admit(policy, 'http', authority).admitted || authority.port === 80 ? 'http' : 'https'
}

function isAllowed(wish: Wish, policy: EgressPolicy, upgrade = isSocket(wish.refused)): boolean {
  const { refused, authority, scheme } = wish
  if (isUnseen(refused)) return admit(policy, scheme, authority).admitted
  const { method = '', path = '' } = refused
  const request = { scheme, authority, method, path, query: '', headers: [] }
  return judge(policy, upgrade ? { ...request, upgrade: 'websocket' } : request).allowed
}

function routeFor(wishes: readonly Wish[], policy: EgressPolicy, written: WrittenRoute): SuggestedRoute {
  const [{ authority, scheme } = { authority: { host: '', port: 0 }, scheme: 'https' as const }] = wishes
  const admission = wishes[0] && admit(policy, scheme, wishes[0].authority)
  const present = admission?.route && written(admission.route)
  const seen = wishes.filter(({ refused }) => !isUnseen(refused))
  const unseen = seen.length === 0
  const fetches = seen.some(({ refused }) => refused.rule === 'git-fetch')
  const asked = seen.filter((wish) => !isAllowed(wish, policy, false)).map(({ refused }) => refused)
  const matches = unseen ? [{ methods: ['GET', 'HEAD'] }] : matchesOf(asked)
  const own = {
    host: authority.host,
    ...(scheme === 'http' && { scheme }),
    ...(authority.port !== schemePort(scheme) && { port: authority.port }),
  }
  const entries = present?.written['matches']
  const isOpen = present !== undefined && entries === undefined
  const spoken = present?.written['protocols']
  const speaks = new Set([...(Array.isArray(spoken) ? spoken : []), 'websocket'])
  const git = fetches ? { git: { fetch: true } } : {}
  const sockets = seen.some(({ refused }) => isSocket(refused)) ? { protocols: [...speaks] } : {}
  return {
    route: {
      ...(present ? { ...present.written, host: authority.host } : own),
      ...git,
      ...sockets,
      ...(!isOpen &&
        matches.length > 0 && {
          matches: [...(Array.isArray(entries) ? entries : []), ...matches] as unknown as readonly Json[],
        }),
    },
    ...(present && { [admission.route?.host === authority.host ? 'instead' : 'before']: present.place }),
    unseen,
    ...countOf(wishes.map(({ refused }) => refused)),
  }
}

/** Methods with the same paths share an entry. */
function matchesOf(seen: readonly Refused[]): readonly Match[] {
  const byMethod = new Map<string, string[]>()
  const add = (method: string, path: string): void =>
    void byMethod.set(method, [...(byMethod.get(method) ?? []), path])
  for (const { method = '', path = '', rule } of seen) {
    const [, repository] = /^(.*)\/(?:info\/refs|git-upload-pack)\/*$/.exec(path) ?? []
    if (rule === 'git-fetch' && repository !== undefined) {
      // A fetch is both, and the first refusal ends it.
      add('GET', `${repository}/info/refs`)
      add('POST', `${repository}/git-upload-pack`)
    } else add(method, path)
  }
  const entries = new Map<string, { methods: string[]; paths: NonNullable<Match['paths']> }>()
  for (const method of [...byMethod.keys()].sort()) {
    const paths = testsOf(byMethod.get(method) ?? [])
    const key = canonical(paths as unknown as Json)
    const same = entries.get(key)
    if (same) same.methods.push(method)
    else entries.set(key, { methods: [method], paths })
  }
  return [...entries.values()]
}

function testsOf(paths: readonly string[]): NonNullable<Match['paths']> {
  const whole = paths.filter((path) => path.length < PATH_LOGGED)
  const cut = [
    ...new Set(paths.filter((path) => path.length >= PATH_LOGGED).flatMap((path) => known(path) ?? [])),
  ]
  const tests = pathTests(whole)
  const prefixes = tests.flatMap((test) => ('prefix' in test ? [test.prefix] : []))
  return [
    ...tests,
    ...cut
      .filter((path) => !prefixes.some((prefix) => path.startsWith(prefix)))
      .sort()
      .map((prefix) => ({ prefix })),
  ]
}

/** All of a path, or of one that was cut the folders that are certain; `undefined` where that is nothing. */
function known(path: string): string | undefined {
  if (path.length < PATH_LOGGED) return path
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  return folder.length > 1 && readingsOf(folder)?.length === 1 ? folder : undefined
}

function listed(refusals: readonly Refused[]): readonly Listed[] {
  const groups = new Map<string, Refused[]>()
  for (const refused of refusals) {
    const { method, host, port, path, rule } = refused
    const authority = port === 443 || port === 80 || port === 0 ? host : `${host}:${port}`
    const request = `${method === undefined ? '' : `${method} `}${authority}${path ?? ''}`.trim()
    const key = `${request}\0${rule}`
    groups.set(key, [...(groups.get(key) ?? []), refused])
  }
  return [...groups.keys()]
    .sort()
    .map((key) => ({ request: key.split('\0', 1)[0] ?? '', ...countOf(groups.get(key) ?? []) }))
}

function countOf(refusals: readonly Refused[]): Counted {
  const times = refusals.map(({ at }) => at).sort()
  return {
    times: refusals.length,
    first: times[0] ?? '',
    last: times.at(-1) ?? '',
    rules: [...new Set(refusals.map(({ rule }) => rule))].sort(),
  }
}
