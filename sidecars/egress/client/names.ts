/**
 * How many names under a wildcard may be asked for: each is looked up by whoever serves the zone, so that a name is a
 * message to them. Counted per route of this bottle, in memory, of bounded size.
 */
import { routeKey } from '../../../src/model/policy.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { scanName } from '../../detect/scan.ts'
import type { Authority } from '../../policy/authority.ts'
import { controls } from '../../policy/controls.ts'
import type { Door } from '../door.ts'
import { Refuse, refuseFinding } from '../exchange/request.ts'
import type { Running } from '../running.ts'
import { labelUnder, scanRules } from '../exchange/scanning.ts'

/** New names at once, and how long until there may be another one. */
export const NAMES_AT_ONCE = 256
export const NAME_EVERY_MS = 60_000
/** Names that are remembered per route; the one that was asked for longest ago is forgotten, and new again. */
export const NAMES_KEPT = 1024

interface Counts {
  readonly seen: Set<string>
  left: number
  at: number
}

export class Names {
  readonly #now: () => number
  readonly #counts = new Map<string, Counts>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes a name that has not been asked for, or throws Refuse. */
  admit(route: RoutePolicy, host: string): void {
    if (labelUnder(route, host) === undefined) return
    const counts = this.#of(route)
    if (!counts.seen.delete(host)) {
      const now = this.#now()
      counts.left = Math.min(NAMES_AT_ONCE, counts.left + (now - counts.at) / NAME_EVERY_MS)
      counts.at = now
      if (counts.left < 1 && controls.on('name-budget')) throw new Refuse('name-budget')
      counts.left -= 1
    }
    counts.seen.add(host)
    for (const oldest of counts.seen) {
      if (counts.seen.size <= NAMES_KEPT) break
      counts.seen.delete(oldest)
    }
  }

  /** Forgets what was counted for other routes. */
  retain(routes: readonly RoutePolicy[]): void {
    const kept = new Set(routes.map(routeKey))
    for (const key of this.#counts.keys()) if (!kept.has(key)) this.#counts.delete(key)
  }

  #of(route: RoutePolicy): Counts {
    const key = routeKey(route)
    const counts = this.#counts.get(key) ?? { seen: new Set(), left: NAMES_AT_ONCE, at: this.#now() }
    this.#counts.set(key, counts)
    return counts
  }
}

/** Where nothing but the name is seen before it is dialled. Throws Refuse. */
export function admitName({ names }: Door, running: Running, route: RoutePolicy, { host }: Authority): void {
  const today = new Date().toISOString().slice(0, 10)
  const rules = scanRules(running.detectors, route, { path: '', today })
  const finding = scanName(host, labelUnder(route, host), rules)
  if (finding) throw refuseFinding(finding)
  names.admit(route, host)
}
