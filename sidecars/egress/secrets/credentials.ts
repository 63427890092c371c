/**
 * Credentials: exactly one is set, bound to the route that named it, after those of the agent were dropped. A
 * missing or unsendable value refuses the request; nothing is ever sent without it. What a request is signed with is
 * not sent itself.
 */
import { secretsOf } from '../../../src/model/policy.ts'
import type { Auth, RoutePolicy } from '../../../src/model/policy.ts'
import type { RuleId } from '../../policy/rules.ts'
import { controls } from '../../policy/controls.ts'

/** What is put on a request. */
export type Credential =
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'query'; readonly pair: string }
  /** Made for each request, when its body is known. */
  | { readonly kind: 'signature'; readonly key: SigningKey }
  | { readonly kind: 'fields'; readonly fields: readonly SetField[] }

export interface SetField {
  readonly name: string
  readonly value: string
}

/** What requests of a route are signed with (AWS Signature Version 4). */
export interface SigningKey {
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken?: string
  readonly region: string
  readonly service: string
}

export type Credentials =
  | { readonly ok: true; readonly credential?: Credential }
  | { readonly ok: false; readonly rule: RuleId }

/** Shorter values could not be told from ordinary text on the way back. */
const SHORTEST = 4
const TOKEN_VALUE = /^[\x21-\x7e]+$/
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
/** No sign that parts the fields of a signature. */
const ACCESS_KEY = /^[\w.-]+$/
const SCOPE_NAME = /^[a-z0-9-]+$/
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** The credential of a route, rendered; none for routes without `auth`. */
export function credentialOf(route: RoutePolicy, secrets: Readonly<Record<string, string>>): Credentials {
  const { auth } = route
  if (auth === undefined || auth.scheme === 'from-agent') return { ok: true }
  const held = secretsOf(auth).map((id) => (Object.hasOwn(secrets, id) ? secrets[id] : undefined))
  const values = held.flatMap((value) => (value === undefined || value === '' ? [] : [value]))
  if (values.length < held.length) {
    return controls.on('credential-binding') ? { ok: false, rule: 'credential-missing' } : { ok: true }
  }
  const credential = values.some(({ length }) => length < SHORTEST) ? undefined : render(auth, values)
  return credential === undefined ? { ok: false, rule: 'credential-invalid' } : { ok: true, credential }
}

/** `values`: as `secretsOf` names them. */
function render(
  auth: Exclude<Auth, { scheme: 'from-agent' }>,
  values: readonly string[],
): Credential | undefined {
  const [value = '', secretKey = '', sessionToken] = values
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
    case 'aws-sigv4': {
      const { region, service } = auth
      return ACCESS_KEY.test(value) &&
        [secretKey, sessionToken ?? '-'].every((text) => TOKEN_VALUE.test(text)) &&
        [region, service].every((text) => SCOPE_NAME.test(text))
        ? {
            kind: 'signature',
            key: {
              accessKey: value,
              secretKey,
              ...(sessionToken !== undefined && { sessionToken }),
              region,
              service,
            },
          }
        : undefined
    }
  }
}
