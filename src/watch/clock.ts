/** Time as `watch` sees it; tests bring their own. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `wake` once; the returned function takes it back. */
  at(time: number, wake: () => void): () => void
  /** In [0, 1). */
  chance(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  at(time, wake) {
    // A clock that jumps back must not put the next look off for hours: never sleep longer than a resync.
    const timer = setTimeout(wake, Math.min(Math.max(0, time - Date.now()), 66_000))
    return () => clearTimeout(timer)
  },
  chance: () => Math.random(),
}
