/**
 * Placeholders: what an agent holds in place of a credential. In the slot of the one route that carries the value
 * it may stand, in the forms in which clients write a credential there; that slot is dropped and set anew. Anywhere
 * else it is a finding.
 */
import { secretsOf } from '../../../src/model/policy.ts'
import type { Auth, RoutePolicy } from '../../../src/model/policy.ts'
import type { Field } from '../../http/head.ts'

export interface Slot {
  readonly in: 'header' | 'query'
  /** Lower-case. */
  readonly name: string
  readonly placeholder: string
}

const NONE: readonly Slot[] = []

/** Where placeholders may stand on this route. */
export function slotsOf(
  { auth }: RoutePolicy,
  placeholders?: Readonly<Record<string, string>>,
): readonly Slot[] {
  if (auth === undefined || placeholders === undefined) return NONE
  return secretsOf(auth).flatMap((id) => {
    const place = Object.hasOwn(placeholders, id) ? placeOf(auth, id) : undefined
    return place ? [{ ...place, placeholder: placeholders[id] ?? '' }] : []
  })
}

/** What signs is sent by nobody, and has no place. */
function placeOf(auth: Auth, id: string): Omit<Slot, 'placeholder'> | undefined {
  switch (auth.scheme) {
    case 'query':
      return { in: 'query', name: auth.name.toLowerCase() }
    case 'header':
      return { in: 'header', name: auth.name.toLowerCase() }
    case 'aws-sigv4':
      if (id === auth.accessKey) return { in: 'header', name: 'authorization' }
      return id === auth.sessionToken ? { in: 'header', name: 'x-amz-security-token' } : undefined
    default:
      return { in: 'header', name: 'authorization' }
  }
}

/** The value of a field without the placeholder of the slot, where that stands in it as a credential does. */
export function fieldBeside(slots: readonly Slot[], { key, value }: Field): string {
  if (slots.length === 0) return value
  const slot = slots.find(({ in: where, name }) => where === 'header' && name === key)
  if (slot === undefined) return value
  const { placeholder } = slot
  if (value === placeholder) return ''
  const [, signer, signature = ''] = /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)(\/.*)$/.exec(value) ?? []
  if (signer === placeholder) return signature
  const [, scheme = '', rest = ''] = /^([A-Za-z]{1,20}) +(\S+)$/.exec(value) ?? []
  if (rest === placeholder) return scheme
  if (scheme.toLowerCase() !== 'basic') return value
  const [, user = '', password] = /^([^:]*):(.*)$/s.exec(Buffer.from(rest, 'base64').toString('latin1')) ?? []
  if (password === placeholder) return user
  return user === placeholder ? (password ?? '') : value
}

/** The values of a query, one a line, without the placeholder of the slot. */
export function parametersBeside(slots: readonly Slot[], query: string): string {
  if (query === '') return query
  const slot = slots.find(({ in: where }) => where === 'query')
  return query
    .split(/[&;]/)
    .map((pair) => {
      const equals = pair.indexOf('=')
      const value = pair.slice(equals + 1)
      return slot !== undefined &&
        value === slot.placeholder &&
        pair.slice(0, equals).toLowerCase() === slot.name
        ? ''
        : value
    })
    .join('\n')
}
