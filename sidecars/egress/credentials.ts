/**
 * Credentials: every one the agent sends is dropped, then exactly one is set, bound to the route that named it. A
 * missing or unsendable value refuses the request; nothing is ever sent without it.
 */
import type { Auth, RoutePolicy } from '../../src/model/policy.ts'
import type { RuleId } from '../policy/rules.ts'
import { controls } from './controls.ts'
import type { Field } from './head.ts'

/** What is put on a request. */
export type Credential =
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'query'; readonly pair: string }

export type Credentials =
  | { readonly ok: true; readonly credential?: Credential }
  | { readonly ok: false; readonly rule: RuleId }

/** Shorter values could not be told from ordinary text on the way back. */
const SHORTEST = 4
const TOKEN_VALUE = /^[\x21-\x7e]+$/
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** The credential of a route, rendered; none for routes without `auth`. */
export function credentialOf(route: RoutePolicy, secrets: Readonly<Record<string, string>>): Credentials {
  const { auth } = route
  if (auth === undefined || auth.scheme === 'from-agent') return { ok: true }
  const value = Object.hasOwn(secrets, auth.secret) ? secrets[auth.secret] : undefined
  if (value === undefined || value === '') {
    return controls.on('credential-binding') ? { ok: false, rule: 'credential-missing' } : { ok: true }
  }
  const credential = value.length < SHORTEST ? undefined : render(auth, value)
  return credential === undefined ? { ok: false, rule: 'credential-invalid' } : { ok: true, credential }
}

function render(auth: Exclude<Auth, { scheme: 'from-agent' }>, value: string): Credential | undefined {
  const header = (name: string, text: string): Credential => ({ kind: 'header', name, value: text })
  switch (auth.scheme) {
    case 'bearer':
      return TOKEN_VALUE.test(value) ? header('Authorization', `Bearer ${value}`) : undefined
    case 'token':
      return TOKEN_VALUE.test(value) ? header('Authorization', `token ${value}`) : undefined
    case 'basic':
      // A colon ends the user's name (RFC 7617); controls are in neither part.
      return /[:\p{Cc}]/u.test(auth.username) || /\p{Cc}/u.test(value)
        ? undefined
        : header('Authorization', `Basic ${Buffer.from(`${auth.username}:${value}`).toString('base64')}`)
    case 'header':
      return HEADER_VALUE.test(value) && FIELD_NAME.test(auth.name) ? header(auth.name, value) : undefined
    case 'query':
      return /\p{Cc}/u.test(value)
        ? undefined
        : { kind: 'query', pair: `${encodeURIComponent(auth.name)}=${encodeURIComponent(value)}` }
  }
}

const CREDENTIAL_FIELDS: ReadonlySet<string> = new Set([
  'authorization', 'authentication', 'proxy-authorization', 'cookie', 'cookie2', 'x-api-key', 'api-key', 'apikey', 'x-apikey', 'x-auth', 'x-auth-key',
  'x-auth-email', 'x-access-key', 'x-authorization', 'x-goog-api-key', 'x-functions-key', 'ocp-apim-subscription-key', 'x-subscription-key', 'x-rapidapi-key',
  'x-nuget-apikey', 'dd-api-key', 'dd-application-key', 'x-honeycomb-team', 'x-algolia-api-key', 'x-session-id', 'x-session', 'x-amz-security-token', 'x-ms-copy-source-authorization',
]) // prettier-ignore
/** The class behind the list: fields that say what they carry. */
const CREDENTIAL_FIELD =
  /(?:^|-)(?:token|api-?key|secret|secret-?key|password|passwd|credentials?|jwt|authorization)$/
const CREDENTIAL_PARAMETER =
  /^(?:key|api[_-]?key|access[_-]?token|auth[_-]?token|oauth[_-]?token|private[_-]?token|id[_-]?token|refresh[_-]?token|token|auth|authorization|client[_-]?secret|secret|password|passwd|pwd|x-api-key)$/

/** Whether a request field carries a credential of the agent's. Servers fold `_` to `-` (CGI). */
export function isCredentialField(key: string): boolean {
  const known = decided.get(key)
  if (known !== undefined) return known
  const folded = key.replaceAll('_', '-')
  const found = CREDENTIAL_FIELDS.has(folded) || CREDENTIAL_FIELD.test(folded)
  if (decided.size < DECIDED_MAX) decided.set(key, found)
  return found
}

/** Clients send the same few names over and over. */
const decided = new Map<string, boolean>()
const DECIDED_MAX = 512

/** The agent's fields without its credentials; as they are on a `from-agent` route. */
export function stripFields(fields: readonly Field[], route: RoutePolicy): readonly Field[] {
  if (route.auth?.scheme === 'from-agent' || !controls.on('credential-strip')) return fields
  const own = route.auth?.scheme === 'header' ? route.auth.name.toLowerCase() : undefined
  return fields.filter(({ key }) => key !== own && !isCredentialField(key))
}

/** The agent's raw query without parameters that carry a credential. */
export function stripQuery(query: string, route: RoutePolicy): string {
  if (query === '' || route.auth?.scheme === 'from-agent' || !controls.on('credential-strip')) return query
  const own = route.auth?.scheme === 'query' ? route.auth.name.toLowerCase() : undefined
  // Some servers part pairs at `;` too; what stays keeps the separator it had.
  const pairs = query.match(/[&;]?[^&;]*/g) ?? []
  const kept = pairs.filter((pair) => {
    const name = parameterName(pair.replace(/^[&;]/, ''))
    return name !== own && !CREDENTIAL_PARAMETER.test(name)
  })
  return kept.length === pairs.length ? query : kept.join('').replace(/^[&;]/, '')
}

function parameterName(pair: string): string {
  const raw = pair.split('=', 1)[0] ?? ''
  try {
    return decodeURIComponent(raw.replaceAll('+', ' ')).trim().toLowerCase()
  } catch {
    return raw.toLowerCase()
  }
}
