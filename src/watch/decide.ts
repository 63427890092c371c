/**
 * When `watch` looks at the world: edits wait 300 ms for the next one, one run at a time, what comes meanwhile gives
 * exactly one run more, and without any event a look each 60 s ± 10 %. Pure: time and chance come with the events.
 */

/** Milliseconds without a further edit before a run. */
export const DEBOUNCE = 300
/** Milliseconds after which a run starts although edits go on. */
export const DEBOUNCE_MAX = 3_000
/** Milliseconds between two looks without any event. */
export const RESYNC = 60_000
export const RESYNC_SPREAD = 0.1

export const REASONS = ['start', 'edit', 'engine', 'resync'] as const
export type Reason = (typeof REASONS)[number]

export interface WatchState {
  readonly running: boolean
  /** What asked for the next run, in the order of REASONS; empty: nobody. */
  readonly reasons: readonly Reason[]
  /** When the first of them came. */
  readonly since?: number
  /** When the next run is due for them. */
  readonly due?: number
  readonly resyncAt: number
}

export type WatchEvent =
  | { readonly type: 'asked'; readonly reason: Reason; readonly at: number }
  | { readonly type: 'woken'; readonly at: number }
  /** `chance` in [0, 1) spreads the resync, so that many machines do not ask at once. */
  | { readonly type: 'ended'; readonly at: number; readonly chance: number }

export interface Decision {
  readonly state: WatchState
  /** Start a run now, for these reasons. */
  readonly run?: readonly Reason[]
  /** Wake at this time; absent while a run goes on. */
  readonly wakeAt?: number
}

export function begin(at: number): WatchState {
  return { running: false, reasons: ['start'], since: at, due: at, resyncAt: at + RESYNC }
}

export function decide(state: WatchState, event: WatchEvent): Decision {
  switch (event.type) {
    case 'asked':
      return next(asked(state, event.reason, event.at), event.at)
    case 'woken':
      return next(
        event.at >= state.resyncAt && !state.running ? asked(state, 'resync', event.at) : state,
        event.at,
      )
    case 'ended':
      return next({ ...state, running: false, resyncAt: resyncAfter(event.at, event.chance) }, event.at)
  }
}

export function resyncAfter(at: number, chance: number): number {
  return at + Math.round(RESYNC * (1 + RESYNC_SPREAD * (2 * chance - 1)))
}

function asked(state: WatchState, reason: Reason, at: number): WatchState {
  const since = state.since ?? at
  const wait = reason === 'edit' || reason === 'engine' ? DEBOUNCE : 0
  return {
    ...state,
    reasons: REASONS.filter((known) => known === reason || state.reasons.includes(known)),
    since,
    due: Math.min(at + wait, since + DEBOUNCE_MAX),
  }
}

function next(state: WatchState, at: number): Decision {
  if (state.running) return { state }
  if (state.due !== undefined && at >= state.due) {
    return { state: { running: true, reasons: [], resyncAt: state.resyncAt }, run: state.reasons }
  }
  return { state, wakeAt: Math.min(state.due ?? Infinity, state.resyncAt) }
}
