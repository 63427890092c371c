/** Bytes that routes have used up today, as egress told them: kept over its lives, so that a crash gives nothing back. */
import type { Spent } from './ipc.ts'

/** Routes with a limit; one that says more has been taken over. */
const ROUTES_MAX = 10_000

export class SpentBytes {
  readonly #routes = new Map<string, Spent>()

  /** Only rises within a day: what was told once is not taken back. */
  keep(spent: Spent): void {
    const before = this.#routes.get(spent.route)
    if (before === undefined && this.#routes.size >= ROUTES_MAX) return
    if (before && (before.day > spent.day || (before.day === spent.day && before.bytes >= spent.bytes)))
      return
    this.#routes.set(spent.route, spent)
  }

  get all(): readonly Spent[] {
    return [...this.#routes.values()]
  }
}
