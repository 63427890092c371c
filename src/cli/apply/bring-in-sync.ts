/** Makes one bottle what the manifest says, for `run`: nothing is said when there is nothing to do. */
import { EXIT } from '../../model/errors.ts'
import type { Exit } from '../../model/errors.ts'
import type { Action } from '../../model/plan.ts'
import { changesAlone } from '../../resources/guest/alone.ts'
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
  const exit = await carryOut(invocation, stack, { desired, options })
  if (exit !== EXIT.failed) return exit
  const { plan: left } = await planNow(stack, desired, options, invocation)
  return left.actions.length > 0 && left.actions.every(keepsNoProgram) ? EXIT.done : exit
}

/** A program that knows none of its MCP servers starts all the same. */
function keepsNoProgram(action: Action): boolean {
  return changesAlone('mcp', action)
}
