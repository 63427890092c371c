/**
 * Credentials: exactly one is set, bound to the route that named it, after those of the agent were dropped. A
 * missing or unsendable value refuses the request; nothing is ever sent without it.
 */
import type { Auth, RoutePolicy } from '../../src/model/policy.ts'
import type { RuleId } from '../policy/rules.ts'
import { controls } from './controls.ts'

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
