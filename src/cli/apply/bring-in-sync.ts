/** Makes one bottle what the manifest says, for `run`: nothing is said when there is nothing to do. */
import { EXIT } from '../../model/errors.ts'
import type { Exit } from '../../model/errors.ts'
import { carryOut } from './carry-out.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { requireSupported } from '../stack/load.ts'
import { planNow, planOptions } from './planning.ts'
import { openStack, selectedBottles } from '../stack/stack.ts'

export async function bringInSync(invocation: Invocation): Promise<Exit> {
  const stack = await openStack(invocation)
  if (!stack.loaded) return EXIT.done
  requireSupported(stack.loaded)
  const { desired } = stack.loaded
  const options = {
    ...planOptions(invocation.options, selectedBottles(invocation.args, desired.bottles)),
    prune: false,
  }
  // A look without the lock first: the usual case is in sync, and must not wait for another run.
  const { plan } = await planNow(stack, desired, options, invocation)
  if (plan.actions.length === 0 && !plan.refusal) return EXIT.done
  return carryOut(invocation, stack, { desired, options })
}
