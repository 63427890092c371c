/** Goes on with the last conversation of a bottle's agent: brings the bottle in sync and starts its agent so that it continues. */
import { EXIT } from '../../model/errors.ts'
import { DRIVERS } from '../../model/resource.ts'
import { bringInSync } from '../apply/bring-in-sync.ts'
import { liveBottles, openBottle } from '../stack/bottle.ts'
import { openDrivers } from '../stack/drivers.ts'
import { startStopped } from '../apply/halt.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { resumedProgram } from '../program/program.ts'
import { asProgram } from '../program/program-exit.ts'
import { openStack } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'
import { startHere } from '../program/start-here.ts'

export async function run(invocation: Invocation): Promise<number> {
  return asProgram(invocation, async () => {
    const [name = '', ...rest] = invocation.args
    const extra = rest[0] === '--' ? rest.slice(1) : rest
    const one = { ...invocation, args: [name] }
    const stack = await openStack(one)
    const elsewhere = await liveElsewhere(stack, name, invocation)
    await startStopped(one, elsewhere ?? stack, name)
    if (elsewhere) {
      invocation.output.note([
        `${name} lives on driver ${elsewhere.driverName}, which the manifest no longer names: it is resumed there as it is`,
      ])
    } else {
      const synced = await bringInSync(one)
      if (synced !== EXIT.done) return synced
    }
    const bottle = await openBottle(one, name)
    return startHere(
      invocation,
      { ...bottle, ...(elsewhere && { driver: elsewhere.driver }) },
      extra,
      resumedProgram,
    )
  })
}

/** Live state says where a bottle is: bringing it in sync with a manifest that names another driver would remove it there, work and all. */
async function liveElsewhere(stack: Stack, bottle: string, { io }: Invocation): Promise<Stack | undefined> {
  if ((await liveBottles(stack)).includes(bottle)) return undefined
  const drivers = openDrivers(io, stack.home.installation)
  for (const driverName of DRIVERS) {
    if (driverName === stack.driverName) continue
    // One that this version does not have holds nothing that this version made.
    const driver = await drivers(driverName).catch(() => undefined)
    const there = driver && { ...stack, driverName, driver }
    const live = there ? await liveBottles(there).catch((): readonly string[] => []) : []
    if (live.includes(bottle)) return there
  }
  return undefined
}
