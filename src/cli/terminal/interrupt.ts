/** Ctrl-C and SIGTERM: once finishes what runs and starts nothing new, twice aborts. */
import type { Io } from '../io.ts'

export interface Interrupt {
  /** Aborted by the first: start nothing new. */
  readonly soft: AbortSignal
  /** Aborted by the second: give up what runs. */
  readonly hard: AbortSignal
  /** Stops listening. */
  release(): void
}

/** `gone`: nobody hears any more what is said; the same as the first. */
export function interruptible(io: Io, said: (words: string) => void, gone?: AbortSignal): Interrupt {
  const soft = new AbortController()
  const hard = new AbortController()
  const heard = (): void => {
    if (!soft.signal.aborted) {
      said('stopping: finishing what runs, starting nothing new; once more to abort')
      soft.abort()
    } else if (!hard.signal.aborted) {
      said('aborting')
      hard.abort()
    }
  }
  gone?.addEventListener('abort', () => soft.abort(), { once: true })
  const undo = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => io.onSignal(signal, heard))
  return {
    soft: soft.signal,
    hard: hard.signal,
    release: () => {
      for (const step of undo) step()
    },
  }
}
