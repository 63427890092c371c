/**
 * Placeholders: what an agent holds in place of a credential. In the one slot of the one route that carries the value
 * it may stand, in the forms in which clients write a credential there; that slot is dropped and set anew. Anywhere
 * else it is a finding.
 */
import type { RoutePolicy } from '../../src/model/policy.ts'
import type { Field } from './head.ts'

export interface Slot {
  readonly in: 'header' | 'query'
  /** Lower-case. */
  readonly name: string
  readonly placeholder: string
}

/** Where a placeholder may stand on this route. */
export function slotOf(
  { auth }: RoutePolicy,
  placeholders: Readonly<Record<string, string>> = {},
): Slot | undefined {
  if (auth === undefined || auth.scheme === 'from-agent' || !Object.hasOwn(placeholders, auth.secret))
    return undefined
  const placeholder = placeholders[auth.secret] ?? ''
  switch (auth.scheme) {
    case 'query':
      return { in: 'query', name: auth.name.toLowerCase(), placeholder }
    case 'header':
      return { in: 'header', name: auth.name.toLowerCase(), placeholder }
    default:
      return { in: 'header', name: 'authorization', placeholder }
  }
}

/** The value of a field without the placeholder of the slot, where that stands in it as a credential does. */
export function fieldBeside(slot: Slot | undefined, { key, value }: Field): string {
  if (slot?.in !== 'header' || slot.name !== key) return value
  const { placeholder } = slot
  if (value === placeholder) return ''
  const [, scheme = '', rest = ''] = /^([A-Za-z]{1,20}) +(\S+)$/.exec(value) ?? []
  if (rest === placeholder) return scheme
  if (scheme.toLowerCase() !== 'basic') return value
  const [, user = '', password] = /^([^:]*):(.*)$/s.exec(Buffer.from(rest, 'base64').toString('latin1')) ?? []
  if (password === placeholder) return user
  return user === placeholder ? (password ?? '') : value
}

/** The values of a query, one a line, without the placeholder of the slot. */
export function parametersBeside(slot: Slot | undefined, query: string): string {
  return query
    .split(/[&;]/)
    .map((pair) => {
      const equals = pair.indexOf('=')
      const value = pair.slice(equals + 1)
      const taken = slot?.in === 'query' && value === slot.placeholder
      return taken && pair.slice(0, equals).toLowerCase() === slot.name ? '' : value
    })
    .join('\n')
}
