/** Halts bottles and keeps them; the record says so, and neither `apply` nor `watch --heal` starts them. */
import type { Invocation } from '../grammar/invocation.ts'
import { halt } from '../apply/halt.ts'

export async function run(invocation: Invocation): Promise<number> {
  return halt(invocation, true)
}
