/** What a test lets go wrong: by call, before its effect, in the middle, or after it with the answer lost. */
import { DriverError } from '../../model/errors.ts'

export type Moment = 'before' | 'middle' | 'after'

export interface Fault {
  /** The call, `perform create bottle/dev`, `bundle configure dev`, `uplink attach dev`, `observe`; a regular expression matches many. */
  readonly call: string | RegExp
  readonly moment: Moment
  /** How often; default 1. */
  readonly times?: number
  /** Default: a lasting DriverError. */
  readonly error?: (call: string) => Error
}

export interface Faults {
  add(fault: Fault): void
  /** Throws when a fault is due here. */
  check(call: string, moment: Moment): void
}

export function faults(): Faults {
  const due: { readonly fault: Fault; left: number }[] = []
  return {
    add: (fault) => due.push({ fault, left: fault.times ?? 1 }),
    check(call, moment) {
      const found = due.find(({ fault, left }) => left > 0 && fault.moment === moment && matches(fault, call))
      if (!found) return
      found.left -= 1
      throw found.fault.error?.(call) ?? new DriverError(`${call} failed`, { code: 'memory-fault' })
    },
  }
}

export function transientError(call: string): DriverError {
  return new DriverError(`${call} did not answer in time`, { code: 'memory-slow', transient: true })
}

function matches({ call }: Fault, made: string): boolean {
  return typeof call === 'string' ? call === made : call.test(made)
}
