/**
 * The errors of the program: one base, a stable code, the exit code of architecture.md, what happened (message),
 * what to do (hint). Messages name the object and the operation and never hold a secret.
 */
import type { Diagnostic } from './diagnostic.ts'

/** Exit codes (architecture.md, Behaviour contract). */
export const EXIT = {
  done: 0,
  differences: 1,
  invalid: 2,
  busy: 3,
  failed: 4,
  refused: 5,
  stale: 6,
  timeout: 7,
  unreachable: 8,
  internal: 70,
  interrupted: 130,
} as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

export interface ErrorFields {
  /** Stable, kebab-case, greppable; every code has an entry in docs/errors.md. */
  readonly code: string
  /** What to do now: one sentence or one command. */
  readonly hint?: string
  readonly cause?: unknown
}

export class BottleError extends Error {
  override readonly name: string = 'BottleError'
  readonly code: string
  readonly exit: Exit
  readonly hint: string | undefined

  constructor(exit: Exit, message: string, fields: ErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.exit = exit
    this.code = fields.code
    this.hint = fields.hint
  }
}

/** Everything that was found in the manifest, warnings too; nothing was planned. */
export class ManifestError extends BottleError {
  override readonly name = 'ManifestError'
  readonly diagnostics: readonly Diagnostic[]
  /** Text of each file by the name its places use, for the code frames. */
  readonly sources: ReadonlyMap<string, string> | undefined

  constructor(diagnostics: readonly Diagnostic[], sources?: ReadonlyMap<string, string>, hint?: string) {
    const count = diagnostics.filter(({ severity }) => severity === 'error').length
    super(EXIT.invalid, `${count} ${count === 1 ? 'error' : 'errors'} in the manifest`, {
      code: 'manifest-invalid',
      ...(hint !== undefined && { hint }),
    })
    this.diagnostics = diagnostics
    this.sources = sources
  }
}

export class UsageError extends BottleError {
  override readonly name = 'UsageError'
  constructor(message: string, fields: ErrorFields) {
    super(EXIT.invalid, message, fields)
  }
}

/** Another process holds the stack's lock. */
export class BusyError extends BottleError {
  override readonly name = 'BusyError'
  constructor(message: string, fields: ErrorFields) {
    super(EXIT.busy, message, fields)
  }
}

/** Ownership, protection, prune guard, missing consent. Nothing was done. */
export class RefusedError extends BottleError {
  override readonly name = 'RefusedError'
  constructor(message: string, fields: ErrorFields) {
    super(EXIT.refused, message, fields)
  }
}

/** The world moved since the saved plan was made. */
export class StaleError extends BottleError {
  override readonly name = 'StaleError'
  constructor(message: string, fields: ErrorFields) {
    super(EXIT.stale, message, fields)
  }
}

export class TimeoutError extends BottleError {
  override readonly name = 'TimeoutError'
  constructor(message: string, fields: ErrorFields) {
    super(EXIT.timeout, message, fields)
  }
}

/** A driver could not do or could not tell. `transient` is the only licence to retry (execute/retry). */
export class DriverError extends BottleError {
  override readonly name = 'DriverError'
  readonly transient: boolean

  constructor(
    message: string,
    fields: ErrorFields & { readonly transient?: boolean; readonly unreachable?: boolean },
  ) {
    super(fields.unreachable === true ? EXIT.unreachable : EXIT.failed, message, fields)
    this.transient = fields.transient ?? false
  }
}

/** Anything thrown, as a BottleError: what is not ours is an internal error (70). */
export function ensureError(thrown: unknown): BottleError {
  if (thrown instanceof BottleError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new BottleError(EXIT.internal, message, { code: 'internal', cause: thrown })
}
