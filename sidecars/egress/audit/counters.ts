/** What went through the doors since this process began, by declared route. Nothing an agent sent becomes a name here. */
import { routeKey } from '../../../src/model/policy.ts'
import type { RouteCounters } from '../../../src/model/control.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import type { RuleId } from '../../policy/rules.ts'

/** Stands for every route that is none. No key of a route is like it: those have a port. */
const UNDECLARED = 'undeclared'
const REMOVED = 'removed'

interface Counts {
  allowed: number
  readonly refused: Map<RuleId, number>
  bytesOut: number
  bytesIn: number
}

export interface Moved {
  readonly bytesOut?: number
  readonly bytesIn?: number
}

export class Counters {
  readonly #routes = new Map<string, Counts>()
  /** The same counts, by the routes of this configuration. */
  #known = new WeakMap<RoutePolicy, Counts>()

  allowed(route: RoutePolicy): void {
    this.#of(route).allowed++
  }

  refused(route: RoutePolicy | undefined, rule: RuleId): void {
    const { refused } = this.#of(route)
    refused.set(rule, (refused.get(rule) ?? 0) + 1)
  }

  moved(route: RoutePolicy | undefined, { bytesOut = 0, bytesIn = 0 }: Moved): void {
    if (bytesOut === 0 && bytesIn === 0) return
    const counts = this.#of(route)
    counts.bytesOut += bytesOut
    counts.bytesIn += bytesIn
  }

  /** What other routes have counted goes on in one sum: as many are kept as a policy declares. */
  retain(routes: readonly RoutePolicy[]): void {
    this.#known = new WeakMap()
    const kept = new Set([...routes.map(routeKey), UNDECLARED, REMOVED])
    for (const [key, counts] of this.#routes) {
      if (kept.has(key)) continue
      this.#routes.delete(key)
      add(this.#at(REMOVED), counts)
    }
  }

  get all(): readonly RouteCounters[] {
    return [...this.#routes].map(([route, { allowed, refused, bytesOut, bytesIn }]) => ({
      route,
      allowed,
      refused: Object.fromEntries(refused),
      bytesOut,
      bytesIn,
    }))
  }

  #of(route: RoutePolicy | undefined): Counts {
    if (route === undefined) return this.#at(UNDECLARED)
    const known = this.#known.get(route)
    if (known !== undefined) return known
    const counts = this.#at(routeKey(route))
    this.#known.set(route, counts)
    return counts
  }

  #at(key: string): Counts {
    const counts = this.#routes.get(key) ?? { allowed: 0, refused: new Map(), bytesOut: 0, bytesIn: 0 }
    this.#routes.set(key, counts)
    return counts
  }
}

function add(sum: Counts, counts: Counts): void {
  sum.allowed += counts.allowed
  sum.bytesOut += counts.bytesOut
  sum.bytesIn += counts.bytesIn
  for (const [rule, times] of counts.refused) sum.refused.set(rule, (sum.refused.get(rule) ?? 0) + times)
}
