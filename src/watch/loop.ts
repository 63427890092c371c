/** Runs the decisions of `decide` against a clock: single flight, one trailing run, quiet when nothing asks. */
import type { Clock } from './clock.ts'
import { begin, decide } from './decide.ts'
import type { Reason, WatchEvent } from './decide.ts'

export interface Loop {
  ask(reason: Reason): void
  /** Resolves when the signal stopped the loop and the last run ended. */
  readonly ended: Promise<void>
}

/** `run` must not throw: a run that fails says so itself, and the next one comes all the same. */
export function startLoop(
  clock: Clock,
  signal: AbortSignal,
  run: (reasons: readonly Reason[]) => Promise<void>,
): Loop {
  let state = begin(clock.now())
  let cancelWake = (): void => {}
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const on = (event: WatchEvent): void => {
    if (signal.aborted) return state.running && event.type !== 'ended' ? undefined : end()
    const decision = decide(state, event)
    state = decision.state
    cancelWake()
    if (decision.run)
      void run(decision.run).then(() => on({ type: 'ended', at: clock.now(), chance: clock.chance() }))
    if (decision.wakeAt !== undefined)
      cancelWake = clock.at(decision.wakeAt, () => on({ type: 'woken', at: clock.now() }))
  }
  signal.addEventListener('abort', () => {
    cancelWake()
    if (!state.running) end()
  })
  on({ type: 'woken', at: clock.now() })
  return { ask: (reason) => on({ type: 'asked', reason, at: clock.now() }), ended }
}
