/** The one place that tries again, and only where a driver says `transient` (architecture.md, Core rules 8). */
import { DriverError } from '../model/errors.ts'
import { ForgeError } from '../model/forge-error.ts'
import type { Clock } from './clock.ts'

export interface RetryOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Default 5, the first one included. */
  readonly attempts?: number
  /** Told before each wait. */
  readonly onRetry?: (error: DriverError, waitMs: number) => void
}

/** Milliseconds before the second attempt; doubled for each further one, at most `LONGEST`. */
const FIRST = 200
const LONGEST = 5_000
/** What somebody asks to wait beyond this is left to the next run. */
const LONGEST_ASKED = 60_000

export async function retry<T>(effect: () => Promise<T>, options: RetryOptions): Promise<T> {
  const attempts = options.attempts ?? 5
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await effect()
    } catch (error) {
      if (!(error instanceof DriverError) || !error.transient) throw error
      if (attempt >= attempts || options.signal.aborted) throw error
      const asked = error instanceof ForgeError ? (error.retryAfterMs ?? 0) : 0
      if (asked > LONGEST_ASKED) throw error
      const waitMs = Math.max(asked, Math.min(FIRST * 2 ** (attempt - 1), LONGEST))
      options.onRetry?.(error, waitMs)
      await options.clock.sleep(waitMs, options.signal)
    }
  }
}
