/** Waits until everything is ready, within a limit. */
import type { Clock } from './clock.ts'

/** Milliseconds between two looks. */
const LOOK_EVERY = 250

export async function readyWithin(
  ready: (signal: AbortSignal) => Promise<boolean>,
  timeoutMs: number,
  signal: AbortSignal,
  clock: Clock,
): Promise<'done' | 'timeout' | 'interrupted'> {
  const until = clock.elapsed() + timeoutMs
  for (;;) {
    try {
      if (await ready(signal)) return 'done'
      if (signal.aborted) return 'interrupted'
      if (clock.elapsed() >= until) return 'timeout'
      await clock.sleep(Math.min(LOOK_EVERY, until - clock.elapsed()), signal)
    } catch (error) {
      if (signal.aborted) return 'interrupted'
      throw error
    }
  }
}
