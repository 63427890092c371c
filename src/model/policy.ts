/**
 * The policy of one bottle as manifest, plan, egress and uplink all speak it: one type, one codec (lessons.md, 12).
 * Values are canonical: hosts lower-case A-labels without a trailing dot, ports numbers, methods upper-case.
 * No secret is in here: a credential is named by its id, the value travels apart.
 */

/** One string test. `regex` is matched in a linear-time engine, anchored at both ends. */
export type TextMatch = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string }

/** All given fields must hold (AND). An absent field allows everything. */
export interface Match {
  readonly methods?: readonly string[]
  /** Any one of them (OR), against the canonical raw path without the query. */
  readonly paths?: readonly TextMatch[]
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, TextMatch>>
  readonly query?: Readonly<Record<string, TextMatch>>
}

/** `secret` and the keys of `aws-sigv4` are SecretIds: names for references (`env:GITHUB_TOKEN`), stable across machines. */
export type Auth =
  | { readonly scheme: 'bearer' | 'token'; readonly secret: string }
  | { readonly scheme: 'basic'; readonly username: string; readonly secret: string }
  | { readonly scheme: 'header'; readonly name: string; readonly secret: string }
  | { readonly scheme: 'query'; readonly name: string; readonly secret: string }
  | SignedAuth
  | { readonly scheme: 'from-agent' }

/** Requests are signed (AWS Signature Version 4); only the session token itself is sent. */
export interface SignedAuth {
  readonly scheme: 'aws-sigv4'
  readonly accessKey: string
  readonly secretKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string
  readonly region: string
  readonly service: string
}

/** Every secret that a route needs, by SecretId; with one of them missing it denies. */
export function secretsOf(auth: Auth | undefined): readonly string[] {
  if (auth === undefined || auth.scheme === 'from-agent') return []
  if (auth.scheme !== 'aws-sigv4') return [auth.secret]
  const { accessKey, secretKey, sessionToken } = auth
  return [accessKey, secretKey, ...(sessionToken === undefined ? [] : [sessionToken])]
}

export interface Limits {
  /** Requests per second, burst of the same size. */
  readonly requestsPerSecond?: number
  readonly bytesOutPerDay?: number
  readonly bodyBytes?: number
  /** Whole exchange, milliseconds. */
  readonly timeMs?: number
}

export interface Dlp {
  readonly outboundOnMatch: 'block' | 'redact' | 'supervise'
  readonly inbound: 'off' | 'warn' | 'block'
  readonly uninspectable: 'block' | 'allow'
  /** Payment cards, bank accounts and wallets are looked for as well; default: false. */
  readonly personal?: boolean
  /** Findings that are known and go out all the same. */
  readonly accepted?: readonly AcceptedFinding[]
}

/** Of a route that says nothing about it. */
export const DLP_DEFAULTS: Dlp = { outboundOnMatch: 'block', inbound: 'off', uninspectable: 'block' }

export interface AcceptedFinding {
  /** Of the scanner: `token/github-pat-classic`, `secret/env:NAME`. */
  readonly rule: string
  /** Exactly this canonical path; absent: any. */
  readonly path?: string
  /** Last day in UTC, YYYY-MM-DD; absent: for ever. */
  readonly until?: string
}

/** One allowed upstream. Identity within a bottle: host and port. */
export interface RoutePolicy {
  /** Exact name, or `*.` + name for exactly one label more. */
  readonly host: string
  readonly port: number
  readonly scheme: 'https' | 'http'
  /** Any one of them (OR). Absent: every request to the host. An empty list allows nothing. */
  readonly matches?: readonly Match[]
  /** Beats `matches`. */
  readonly deny?: readonly Match[]
  readonly auth?: Auth
  /** Decided by SNI, not decrypted, never with `auth`. */
  readonly tlsPassthrough: boolean
  /** Addresses in private ranges are acceptable for this host; link-local and metadata never are. */
  readonly allowPrivate: boolean
  /** What the agent may speak beyond HTTP/1.1. */
  readonly protocols?: readonly ('h2' | 'websocket')[]
  readonly gitFetch: boolean
  /** Repositories of this host that are behind the git gate, lower-case: commits reach them there alone. */
  readonly gated?: readonly string[]
  readonly limits?: Limits
  readonly dlp?: Dlp
  /** Who declared it, for refusals and logs: `bottles.yaml:31` or `provider claude`. Not part of what is compared. */
  readonly from?: string
}

/** What egress of one bottle enforces. */
export interface EgressPolicy {
  readonly log: 'none' | 'blocks' | 'all'
  readonly routes: readonly RoutePolicy[]
}

/** What the uplink may dial for one bottle. A `*.` host admits names of exactly one label more. */
export interface UplinkTarget {
  readonly host: string
  readonly port: number
  readonly allowPrivate: boolean
}

/** The stack's way out (manifest `uplink`). */
export interface UplinkPolicy {
  /** Fixed addresses by name, before any resolver. */
  readonly hosts: Readonly<Record<string, string>>
  /** Resolvers to ask instead of the container's own. */
  readonly dns: readonly string[]
  /** `http://host:port` of a site proxy that is asked by CONNECT with the declared name. */
  readonly proxy?: string
  /** Host suffixes (`.corp.example`) or names dialled directly all the same. */
  readonly noProxy: readonly string[]
  /** Addresses of the host machine, refused always (topology-attack U8). */
  readonly hostAddresses: readonly string[]
}

export function routeKey(route: { readonly host: string; readonly port: number }): string {
  return `${route.host}:${route.port}`
}

/** The port that goes without saying. */
export function schemePort(scheme: 'https' | 'http'): number {
  return scheme === 'https' ? 443 : 80
}

/**
 * Declared hosts as an issuer's name constraints know them: `*.x` is `x` (RFC 5280 has nothing narrower), none at all
 * is `invalid` (RFC 6761), because an empty list would permit everything. Sorted, each once.
 */
export function constrainedNames(hosts: readonly string[]): readonly string[] {
  const names = hosts.map((host) => (host.startsWith('*.') ? host.slice(2) : host))
  return names.length === 0 ? ['invalid'] : [...new Set(names)].sort()
}

/** Milliseconds before its end from which an issuer counts as ended: a new one is made. */
export const ISSUER_LAST_DAY = 86_400_000
