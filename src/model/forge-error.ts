/** A forge could not do or could not tell. */
import { DriverError } from './errors.ts'
import type { ErrorFields } from './errors.ts'

/**
 * What became of the request: `unsent`: the forge never had it; `refused`: it answered that it did nothing; `unknown`:
 * it may have been carried out, and its answer was lost or says nothing.
 */
export type RequestFate = 'unsent' | 'refused' | 'unknown'

export interface ForgeErrorFields extends ErrorFields {
  readonly fate: RequestFate
  /** Default false. */
  readonly transient?: boolean
  /** Milliseconds that the forge asks to wait. */
  readonly retryAfterMs?: number
}

/** A dialect says something that cannot be sent; whoever asked it knows for what. */
export class DialectFault extends Error {}

/** A `DriverError`, so that the one place that tries again knows it; `transient` is the only licence to. */
export class ForgeError extends DriverError {
  readonly fate: RequestFate
  readonly retryAfterMs: number | undefined

  constructor(message: string, fields: ForgeErrorFields) {
    super(message, fields)
    this.fate = fields.fate
    this.retryAfterMs = fields.retryAfterMs
  }

  /** The same failure of a request that came after one that changed something. */
  afterEffect(): ForgeError {
    const { code, hint, cause, transient, retryAfterMs } = this
    return new ForgeError(this.message, {
      code,
      fate: 'unknown',
      transient,
      ...(hint !== undefined && { hint }),
      ...(cause !== undefined && { cause }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }
}
