/** One deploy key out of a forge's answer: the parse point for keys that somebody else's server lists. */

export interface ListedKey {
  readonly forgeId: string
  readonly title: string
  readonly publicKey: string
  readonly readOnly: boolean
  /** ISO 8601. */
  readonly createdAt?: string
  readonly lastUsedAt?: string
}

type Fields = Readonly<Record<'id' | 'title' | 'key' | 'readOnly' | 'createdAt', unknown>> & {
  readonly lastUsedAt?: unknown
}

/** `undefined`: a field that is needed is not there or not of its type. A time that is none is left out. */
export function listedKey(fields: Fields): ListedKey | undefined {
  const { id, title, key, readOnly } = fields
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) return undefined
  if (typeof title !== 'string' || typeof key !== 'string' || typeof readOnly !== 'boolean') return undefined
  const [createdAt, lastUsedAt] = [time(fields.createdAt), time(fields.lastUsedAt)]
  return {
    forgeId: String(id),
    title,
    publicKey: key,
    readOnly,
    ...(createdAt !== undefined && { createdAt }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
  }
}

function time(value: unknown): string | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
