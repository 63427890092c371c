/** Drivers by name, each made once per run and loaded only when it is asked for. */
import { UsageError } from '../../model/errors.ts'
import type { DriverName } from '../../model/resource.ts'
import type { Driver } from '../../ports/driver.ts'
import type { Io } from '../io.ts'

export type Drivers = (name: DriverName) => Promise<Driver>

export function openDrivers(io: Io, installation: string): Drivers {
  const made = new Map<DriverName, Promise<Driver>>()
  return (name) => {
    const driver = made.get(name) ?? makeDriver(name, io, installation)
    made.set(name, driver)
    return driver
  }
}

async function makeDriver(name: DriverName, io: Io, installation: string): Promise<Driver> {
  const given = io.drivers?.[name]
  if (given) return given({ env: io.env, installation })
  if (name === 'docker') {
    const { dockerDriver } = await import('../../drivers/docker/index.ts')
    return dockerDriver(io.env, { installation })
  }
  throw new UsageError(`driver \`${name}\` is not supported by this version`, {
    code: 'not-supported-yet',
    hint: 'driver: docker',
  })
}
