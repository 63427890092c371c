/** Starts bottles that were stopped; from now on `apply` keeps them running again. */
import type { Invocation } from '../grammar/invocation.ts'
import { halt } from '../apply/halt.ts'

export async function run(invocation: Invocation): Promise<number> {
  return halt(invocation, false)
}
