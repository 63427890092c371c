/**
 * Answers of resolvers, kept for as long as they say, within bounds: a burst of dials asks once, also where an answer is
 * said to be over at once, and an address that has moved is not used for longer than a minute. What is kept are answers,
 * never judgements: every use is judged anew. Fixed addresses, failures and names without an address are not kept.
 */
import type { UplinkPolicy } from '../../src/model/policy.ts'
import type { Resolve, Resolved } from './resolver.ts'

const KEPT_MS = { least: 1000, most: 60_000 }
/** Names of all bottles; more are asked each time anew. */
const NAMES_MAX = 2000

export interface Remembered {
  readonly resolve: Resolve
  /** What was answered leads nowhere. */
  forget(name: string, policy: UplinkPolicy): void
}

interface Kept {
  readonly answer: Promise<Resolved>
  /** Absent: it is being asked. */
  until?: number
}

export function remembering(ask: Resolve, now: () => number = Date.now): Remembered {
  const kept = new Map<string, Kept>()
  /** Whether it is kept is settled before anybody has the answer. */
  async function settled(key: string, asked: Promise<Resolved>, entry: () => Kept): Promise<Resolved> {
    let found = NOTHING
    try {
      found = await asked
      return found
    } finally {
      const { addresses, ttlSeconds = 0 } = found
      if (addresses.length > 0)
        entry().until = now() + Math.min(KEPT_MS.most, Math.max(KEPT_MS.least, ttlSeconds * 1000))
      else if (kept.get(key) === entry()) kept.delete(key)
    }
  }
  return {
    resolve(name, policy) {
      if (Object.hasOwn(policy.hosts, name)) return ask(name, policy)
      const key = keyOf(name, policy)
      const known = kept.get(key)
      if (known !== undefined && (known.until === undefined || known.until > now())) return known.answer
      const entry: Kept = { answer: settled(key, ask(name, policy), () => entry) }
      kept.delete(key)
      kept.set(key, entry)
      const oldest = kept.keys().next().value
      if (kept.size > NAMES_MAX && oldest !== undefined) kept.delete(oldest)
      return entry.answer
    },
    forget: (name, policy) => void kept.delete(keyOf(name, policy)),
  }
}

const NOTHING: Resolved = { addresses: [], fixed: false }

/** Other resolvers may say something else. */
const keyOf = (name: string, { dns }: UplinkPolicy): string => `${name} ${dns.join(' ')}`
