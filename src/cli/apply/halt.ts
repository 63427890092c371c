/** `stop` and `start`: the container and the record change together, the record first when stopping, so that nothing starts it meanwhile. */
import { DriverError, EXIT } from '../../model/errors.ts'
import type { Exit } from '../../model/errors.ts'
import type { StackRecord } from '../../model/record.ts'
import type { Actuator } from '../../ports/driver.ts'
import { safeText } from '../../model/text.ts'
import { liveBottles, notThere } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { withLock } from '../stack/locked.ts'
import { openStack, selectedBottles } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'

export async function halt(invocation: Invocation, stopped: boolean): Promise<Exit> {
  const stack = await openStack(invocation)
  const live = await liveBottles(stack)
  const declared = stack.loaded?.desired.bottles ?? []
  const bottles = selectedBottles(invocation.args, [...live, ...declared]) ?? []
  const absent = bottles.find((bottle) => !live.includes(bottle))
  if (absent !== undefined) throw notThere(absent, stack, live)
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
