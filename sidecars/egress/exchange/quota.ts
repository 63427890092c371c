/** Limits of a route: requests per second with a burst of the same size, bytes out per day, body size. Counted per route of this bottle, in memory; bytes also with the supervisor, which outlives this process. */
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { routeKey } from '../../../src/model/policy.ts'
import type { Spent } from '../../supervisor/ipc.ts'
import { Refuse } from './request.ts'

interface Counts {
  tokens: number
  at: number
  bytesOut: number
  /** Told to the supervisor; never less than `bytesOut`. */
  reserved: number
  day: number
}

const DAY_MS = 86_400_000

export class Quotas {
  readonly #counts = new Map<string, Counts>()
  readonly #now: () => number
  readonly #spend: (spent: Spent) => void

  /** `spend` hears of bytes before they are sent, in steps: what a crash loses was counted already. */
  constructor(now: () => number, spend: (spent: Spent) => void = () => {}) {
    this.#now = now
    this.#spend = spend
  }

  /** What earlier lives of this daemon have used up. */
  restore(spent: readonly Spent[]): void {
    for (const { route, day, bytes } of spent) {
      const counts = this.#counts.get(route) ?? {
        tokens: Infinity,
        at: this.#now(),
        bytesOut: 0,
        reserved: 0,
        day,
      }
      if (counts.day !== day || counts.bytesOut >= bytes) continue
      this.#counts.set(route, { ...counts, bytesOut: bytes, reserved: bytes })
    }
  }

  /** Takes one request of a known length, or throws Refuse. */
  admit(route: RoutePolicy, bodyBytes: number): void {
    const { limits } = route
    if (limits === undefined) return
    const counts = this.#of(route)
    if (limits.bodyBytes !== undefined && bodyBytes > limits.bodyBytes) throw new Refuse('limit-body')
    if (limits.bytesOutPerDay !== undefined && counts.bytesOut + bodyBytes > limits.bytesOutPerDay)
      throw new Refuse('limit-bytes-out')
    const rate = limits.requestsPerSecond
    if (rate === undefined) return
    const burst = Math.max(1, rate)
    const now = this.#now()
    counts.tokens = Math.min(burst, counts.tokens + ((now - counts.at) / 1000) * rate)
    counts.at = now
    if (counts.tokens < 1) throw new Refuse('limit-rate')
    counts.tokens -= 1
  }

  /** Counts a piece of a body; `sent` is the body so far with it. Throws Refuse. */
  count(route: RoutePolicy, piece: number, sent: number): void {
    const { limits } = route
    if (limits === undefined) return
    if (limits.bodyBytes !== undefined && sent > limits.bodyBytes) throw new Refuse('limit-body')
    const counts = this.#of(route)
    counts.bytesOut += piece
    if (limits.bytesOutPerDay === undefined) return
    if (counts.bytesOut > counts.reserved) {
      counts.reserved = counts.bytesOut + stepOf(limits.bytesOutPerDay)
      this.#spend({ route: routeKey(route), day: counts.day, bytes: counts.reserved })
    }
    if (counts.bytesOut > limits.bytesOutPerDay) throw new Refuse('limit-bytes-out')
  }

  #of(route: RoutePolicy): Counts {
    const key = routeKey(route)
    const now = this.#now()
    const day = Math.floor(now / DAY_MS)
    const counts = this.#counts.get(key) ?? {
      tokens: Math.max(1, route.limits?.requestsPerSecond ?? 0),
      at: now,
      bytesOut: 0,
      reserved: 0,
      day,
    }
    if (counts.day !== day) Object.assign(counts, { day, bytesOut: 0, reserved: 0 })
    this.#counts.set(key, counts)
    return counts
  }
}

/** What is counted too much after a crash, at most; few enough messages for any limit. */
const stepOf = (limit: number): number => Math.floor(limit / 64)
