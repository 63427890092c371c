/** Starts bottles that were stopped; from now on `apply` keeps them running again. */
import type { Invocation } from '../invocation.ts'
import { halt } from '../halt.ts'

export async function run(invocation: Invocation): Promise<number> {
  return halt(invocation, false)
}
