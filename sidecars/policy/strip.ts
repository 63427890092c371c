/**
 * What the agent sends as a credential of its own is dropped before a request is judged: what is judged is what is
 * sent. Only a `from-agent` route lets it pass.
 */
import type { RoutePolicy } from '../../src/model/policy.ts'
import { controls } from './controls.ts'

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

/** What belongs to a signature of AWS: fields, and parameters of a URL that is signed itself (also by the old version 2). */
const SIGNATURE_FIELD = /^x-amz-(?:date|content-sha256|security-token|s3session-token)$/
const SIGNATURE_PARAMETER =
  /^(?:x-amz-(?:algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|s3session-token)|awsaccesskeyid|signature)$/

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
export function stripFields<Field extends { readonly key: string }>(
  fields: readonly Field[],
  route: RoutePolicy,
): readonly Field[] {
  if (route.auth?.scheme === 'from-agent' || !controls.on('credential-strip')) return fields
  const own = route.auth?.scheme === 'header' ? route.auth.name.toLowerCase() : undefined
  const signed = route.auth?.scheme === 'aws-sigv4'
  return fields.filter(
    ({ key }) =>
      key !== own && !isCredentialField(key) && !(signed && SIGNATURE_FIELD.test(key.replaceAll('_', '-'))),
  )
}

/** The agent's raw query without parameters that carry a credential. */
export function stripQuery(query: string, route: RoutePolicy): string {
  if (query === '' || route.auth?.scheme === 'from-agent' || !controls.on('credential-strip')) return query
  const own = route.auth?.scheme === 'query' ? route.auth.name.toLowerCase() : undefined
  const signed = route.auth?.scheme === 'aws-sigv4'
  // Some servers part pairs at `;` too; what stays keeps the separator it had.
  const pairs = query.match(/[&;]?[^&;]*/g) ?? []
  const kept = pairs.filter((pair) => {
    const name = parameterName(pair)
    return name !== own && !CREDENTIAL_PARAMETER.test(name) && !(signed && SIGNATURE_PARAMETER.test(name))
  })
  return kept.length === pairs.length ? query : kept.join('').replace(/^[&;]/, '')
}

/** Of a pair with the separator before it. */
function parameterName(pair: string): string {
  const from = pair.startsWith('&') || pair.startsWith(';') ? 1 : 0
  const equals = pair.indexOf('=', from)
  const raw = equals === -1 ? pair.slice(from) : pair.slice(from, equals)
  const spaced = raw.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced.trim().toLowerCase()
  try {
    return decodeURIComponent(spaced).trim().toLowerCase()
  } catch {
    return raw.toLowerCase()
  }
}
