/** The plan: what differs, what will be done about it, and why. A plain value; it cannot write. */
import type { Address, Kind } from './address.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { Cause, Difference, DriverName, Impact, Observed, Resource } from './resource.ts'

export const PLAN_VERSION = 1

export type Verb =
  | 'create'
  | 'update'
  | 'create-then-remove'
  | 'remove-then-create'
  | 'remove'
  | 'adopt'
  | 'blocked'

/** Closings come before openings; `neutral` touches nobody's reach. */
export type Phase = 'narrow' | 'neutral' | 'widen'

export interface Action {
  readonly verb: Verb
  readonly address: Address
  readonly kind: Kind
  readonly driver: DriverName
  readonly bottle?: string
  /** One clause a person can read: `not there yet`, `declared paths changed`, `drift: container is gone`. */
  readonly reason: string
  readonly cause: Cause
  readonly impact: Impact
  /** Never empty for `update`, `create-then-remove`, `remove-then-create`. */
  readonly differences: readonly Difference[]
  /** Actions that must have succeeded before this one starts. */
  readonly after: readonly Address[]
  readonly phase: Phase
  /** Present for everything but `remove`. */
  readonly desired?: Resource
  /** What it acts on; absent for `create`. */
  readonly observed?: Observed
  /** Of what is blocked: the blocked address it waits for; absent where the block begins. */
  readonly because?: Address
  /** Where a block begins: what to do about it. */
  readonly hint?: string
  /** In a bottle that is blocked: only what the change closes is done. Default: all of it. */
  readonly only?: 'closing'
  /** Said beside the action: `its volumes are lost: 12 files, 3 unpushed commits`. */
  readonly notes: readonly string[]
}

export interface Plan {
  readonly version: typeof PLAN_VERSION
  readonly program: string
  readonly stack: string
  readonly installation: string
  readonly origin: string
  readonly engines: Readonly<Partial<Record<DriverName, string>>>
  /** In the order in which they may start. */
  readonly actions: readonly Action[]
  readonly warnings: readonly Diagnostic[]
  /** Said in the first lines: `applied last from another checkout: …`. */
  readonly notes: readonly string[]
  /** Set when nothing may be carried out: another owner, an empty manifest, nothing that is not blocked. `apply` refuses with it (5). */
  readonly refusal?: { readonly code: string; readonly message: string; readonly hint: string }
  /** Everything desired, so that a saved plan can be compared with the world again. */
  readonly desired: readonly Resource[]
  /** Asks before it goes on: it removes, recreates or restarts something alive. */
  readonly disturbs: boolean
}

/** A container that does not run is started: nothing alive notices. */
export function startsOnly({ kind, verb, impact, observed }: Action): boolean {
  return (
    kind === 'bottle' &&
    verb === 'update' &&
    impact === 'restart-agent' &&
    observed?.fields['running'] === false
  )
}
