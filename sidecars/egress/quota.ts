/** Limits of a route: requests per second with a burst of the same size, bytes out per day, body size. Counted per route of this bottle, in memory. */
import type { RoutePolicy } from '../../src/model/policy.ts'
import { routeKey } from '../../src/model/policy.ts'
import { Refuse } from './request.ts'

interface Counts {
  tokens: number
  at: number
  bytesOut: number
  day: number
}

const DAY_MS = 86_400_000

export class Quotas {
  readonly #counts = new Map<string, Counts>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
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
    if (limits.bytesOutPerDay !== undefined && counts.bytesOut > limits.bytesOutPerDay)
      throw new Refuse('limit-bytes-out')
  }

  #of(route: RoutePolicy): Counts {
    const key = routeKey(route)
    const now = this.#now()
    const day = Math.floor(now / DAY_MS)
    const counts = this.#counts.get(key) ?? {
      tokens: Math.max(1, route.limits?.requestsPerSecond ?? 0),
      at: now,
      bytesOut: 0,
      day,
    }
    if (counts.day !== day) Object.assign(counts, { day, bytesOut: 0 })
    this.#counts.set(key, counts)
    return counts
  }
}
