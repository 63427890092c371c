/** `stop` and `start`: the container and the record change together, the record first when stopping, so that nothing starts it meanwhile. */
import { DriverError, EXIT } from '../../model/errors.ts'
import type { Exit } from '../../model/errors.ts'
import type { StackRecord } from '../../model/record.ts'
import type { Actuator } from '../../ports/driver.ts'
import { safeText } from '../../model/text.ts'
import { liveBottles, theseLive } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { withLock } from '../stack/locked.ts'
import { openStack } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'

export async function halt(invocation: Invocation, stopped: boolean): Promise<Exit> {
  const stack = await openStack(invocation)
  const bottles = await theseLive(stack, invocation.args)
  return withLock(invocation, stack, async (lease) => {
    const actuator = stack.driver.actuator(lease)
    const { signal } = new AbortController()
    for (const bottle of bottles) {
      if (stopped) await record(stack, actuator, bottle, stopped, signal)
      await (stopped ? actuator.stop(bottle, signal) : actuator.start(bottle, signal))
      if (!stopped) await record(stack, actuator, bottle, stopped, signal)
      invocation.output.result([`${safeText(bottle)} ${stopped ? 'stopped, kept as it is' : 'started'}`])
    }
    return EXIT.done
  })
}

/** Starts one that `stop` halted; every other stays as it is. */
export async function startStopped(invocation: Invocation, stack: Stack, bottle: string): Promise<void> {
  const { uplink } = await stack.driver.observe(stack.name)
  const stored = uplink && 'status' in uplink ? uplink.status.record : undefined
  if (stored?.bottles[bottle]?.stopped !== true) return
  await withLock(invocation, stack, async (lease) => {
    const actuator = stack.driver.actuator(lease)
    const { signal } = new AbortController()
    // A container that is gone is made by the plan that follows.
    const live = await liveBottles(stack)
    if (live.includes(bottle)) await actuator.start(bottle, signal).catch(ignoreGone)
    await record(stack, actuator, bottle, false, signal)
  })
}

function ignoreGone(thrown: unknown): void {
  if (!(thrown instanceof DriverError && thrown.code === 'not-found')) throw thrown
}

async function record(
  stack: Stack,
  actuator: Actuator,
  bottle: string,
  stopped: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { uplink } = await stack.driver.observe(stack.name)
  const stored = uplink && 'status' in uplink ? uplink.status.record : undefined
  if (!stored) {
    throw new DriverError(`the record of stack ${stack.name} cannot be read`, {
      code: 'record-unreadable',
      hint: 'bot-bottle apply, then try again',
    })
  }
  const entry = { ...stored.bottles[bottle], stopped }
  const next: StackRecord = {
    ...stored,
    revision: stored.revision + 1,
    bottles: { ...stored.bottles, [bottle]: entry },
  }
  await actuator.controlUplink({ op: 'record', record: next }, signal)
}
