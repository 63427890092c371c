/** What a push is searched for, made of what the host told: nothing here holds a secret or could give one back. */
import type { KnownPrints } from '../../src/model/gate.ts'
import { KnownSecrets } from '../detect/known.ts'

export function knownSecrets({ key, prints, values = {}, named = [] }: KnownPrints): KnownSecrets {
  const keyed = Buffer.from(key, 'hex')
  const elsewhere = Object.entries(values).flatMap(([id, each]) => {
    const rule = named.includes(id) ? { rule: `secret/${id}` } : {}
    return (each ?? []).map((print) => ({ ...print, ...rule }))
  })
  return new KnownSecrets(keyed, prints, { key: keyed, prints: elsewhere })
}
