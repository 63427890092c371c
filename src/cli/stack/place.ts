/** Where a command works that names no manifest: the driver of the command line, under the program's own folder. */
import type { Invocation } from '../grammar/invocation.ts'
import { openDrivers } from './drivers.ts'
import { homeOf } from './home-of.ts'
import { settingsOf } from './settings.ts'
import type { Stack } from './stack.ts'

/** Of no stack in particular. */
export type Place = Pick<Stack, 'driver' | 'driverName' | 'home'>

export async function placeOf(invocation: Pick<Invocation, 'io' | 'options'>): Promise<Place> {
  const driverName = settingsOf(invocation).driver ?? 'docker'
  const home = homeOf(invocation)
  return { home, driverName, driver: await openDrivers(invocation.io, home.installation)(driverName) }
}
