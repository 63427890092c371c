/** Exit codes of run, exec and attach where they differ from the rest: their own failures are 125, 126, 127, as with docker. */
import { EXIT, ensureError } from '../../model/errors.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { sayError } from '../terminal/say-error.ts'

export const OWN_FAILURE = 125
export const NOT_EXECUTABLE = 126
export const NOT_FOUND = 127

/** Runs `body`; what it throws is said, and becomes 125, 126 or 127. Usage and manifest errors keep their own code. */
export async function asProgram(invocation: Invocation, body: () => Promise<number>): Promise<number> {
  try {
    return await body()
  } catch (thrown) {
    const error = ensureError(thrown)
    const exit = sayError(error, [], invocation.io, invocation.output)
    if (error.code === 'not-found' || error.code === 'program-not-found') return NOT_FOUND
    if (error.code === 'not-executable' || error.code === 'program-not-executable') return NOT_EXECUTABLE
    const kept: readonly number[] = [EXIT.invalid, EXIT.refused, EXIT.busy, EXIT.internal, EXIT.interrupted]
    return kept.includes(exit) ? exit : OWN_FAILURE
  }
}
