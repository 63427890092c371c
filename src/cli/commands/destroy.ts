/** Removes bottles and everything made for them. Needs no manifest: live state says what there is. */
import { carryOut } from '../apply/carry-out.ts'
import { liveBottles } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { nothingDesired, planOptions } from '../apply/planning.ts'
import { openStack, selectedBottles } from '../stack/stack.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, args } = invocation
  const stack = await openStack(invocation)
  const live = args.length === 0 ? [] : await liveBottles(stack)
  const bottles = selectedBottles(args, live)
  const origin = stack.loaded?.desired.origin ?? (await recordedOrigin(stack.driver, stack.name)) ?? ''
  return carryOut(invocation, stack, {
    desired: nothingDesired(stack.name, origin),
    options: { ...planOptions(options, bottles), prune: true, allowEmpty: true },
    reason: 'destroyed',
    nothing: bottles ? 'nothing of it is there' : `nothing of stack ${stack.name} is there`,
    view: { did: 'removed', afterwards: bottles ? '' : 'nothing is left', again: 'bot-bottle destroy' },
  })
}

/** Without a manifest the stack is its own witness: whoever may destroy is decided by installation, not by checkout. */
async function recordedOrigin(
  driver: { observe(stack: string): Promise<{ readonly uplink?: unknown }> },
  stack: string,
): Promise<string | undefined> {
  const { uplink } = await driver.observe(stack)
  const record = new Map(Object.entries(Object(new Map(Object.entries(Object(uplink))).get('status')))).get(
    'record',
  )
  const origin = new Map(Object.entries(Object(record))).get('origin')
  return typeof origin === 'string' ? origin : undefined
}
