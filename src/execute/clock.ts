/** Time as the executor sees it; tests give their own. */
import { setTimeout as wait } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds since some moment: what a wait is measured by, because the time of day may jump. */
  elapsed(): number
  /** Rejects when `signal` aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (milliseconds, signal) => wait(milliseconds, undefined, { ...(signal && { signal }) }),
}

export function iso(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}
