/** What an apply has done so far, folded from its events; live and plain progress, tables and JSON read this one value. */
import type { Address } from '../model/address.ts'
import type { ApplyEvent, Ending } from '../model/event.ts'
import type { Action, Verb } from '../model/plan.ts'

export interface Row {
  readonly address: Address
  readonly verb: Verb
  readonly status: 'waiting' | 'running' | Ending
  /** Why it runs, what it is doing, or what it did. */
  readonly text: string
  /** Milliseconds since the epoch; absent while waiting. */
  readonly startedAt?: number
  readonly duration?: number
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
  readonly because?: Address
}

export interface Progress {
  readonly stack: string
  readonly rows: readonly Row[]
  readonly ended?: Extract<ApplyEvent, { type: 'ended' }>
}

/** Until the action itself says what it is at. */
const DOING: Readonly<Record<Verb, string>> = {
  create: 'creating',
  update: 'updating',
  'create-then-remove': 'replacing',
  'remove-then-create': 'recreating',
  remove: 'removing',
  adopt: 'taking over',
  blocked: 'blocked',
}

export const NOTHING_YET: Progress = { stack: '', rows: [] }

export function fold(progress: Progress, event: ApplyEvent): Progress {
  switch (event.type) {
    case 'started':
      return { stack: event.stack, rows: event.actions.map(waiting) }
    case 'action-started':
      return change(progress, event, (row) => ({
        ...row,
        status: 'running',
        text: DOING[row.verb],
        startedAt: Date.parse(event.at),
      }))
    case 'action-progress':
      return change(progress, event, (row) => ({ ...row, text: event.text }))
    case 'action-ended':
      return change(progress, event, (row) => ({
        ...row,
        status: event.outcome,
        duration: event.duration,
        text: event.did ?? row.text,
        ...(event.error && { error: event.error }),
        ...(event.because && { because: event.because }),
      }))
    case 'ended':
      return { ...progress, ended: event }
  }
}

function waiting(action: Action): Row {
  return { address: action.address, verb: action.verb, status: 'waiting', text: action.reason }
}

function change(
  progress: Progress,
  event: { readonly address: Address; readonly verb?: Verb },
  made: (row: Row) => Row,
): Progress {
  // One address can have two actions (a removal and a creation): the verb tells them apart where the event has it.
  const at = progress.rows.findIndex(
    (row) =>
      row.address === event.address &&
      (event.verb === undefined ? row.status === 'running' : row.verb === event.verb),
  )
  return { ...progress, rows: progress.rows.map((row, index) => (index === at ? made(row) : row)) }
}
