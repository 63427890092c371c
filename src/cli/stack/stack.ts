/** The stack a command works on: its name, its driver, the state folder; with its manifest where there is one. */
import { ManifestError, UsageError } from '../../model/errors.ts'
import type { DriverName } from '../../model/resource.ts'
import { isName } from '../../model/names.ts'
import type { Driver } from '../../ports/driver.ts'
import type { Home } from '../../state/home.ts'
import { openDrivers } from './drivers.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { loadFor, manifestIsThere } from './load.ts'
import type { Loaded } from './load.ts'
import { noManifest, withWayAround } from './no-manifest.ts'
import { homeOf } from './home-of.ts'
import { settingsOf } from './settings.ts'

export interface Stack {
  readonly name: string
  readonly driverName: DriverName
  readonly driver: Driver
  readonly home: Home
  /** Absent with `--stack`, and where there is no manifest. */
  readonly loaded?: Loaded
}

/** From the manifest, or `--stack`; throws when there is neither. */
export async function openStack(invocation: Invocation): Promise<Stack> {
  const found = await openStackOrNone(invocation)
  if (found) return found
  throw noManifest(invocation)
}

export async function openStackOrNone(invocation: Invocation): Promise<Stack | undefined> {
  const { io, options } = invocation
  const settings = settingsOf(invocation)
  const named = options.text('stack')
  if (named !== undefined && !isName(named))
    throw new UsageError(`\`${named}\` is no name of a stack`, { code: 'bad-name' })
  const home = homeOf(invocation)
  const drivers = openDrivers(io, home.installation)
  if (named !== undefined) {
    const driverName = settings.driver ?? 'docker'
    return { name: named, driverName, driver: await drivers(driverName), home }
  }
  if (!manifestIsThere(settings, io)) return undefined
  const loaded = await loadFor(invocation, home).catch((thrown: unknown) => {
    throw thrown instanceof ManifestError ? withWayAround(thrown, invocation) : thrown
  })
  const driverName = driverOf(loaded, settings.driver)
  return { name: loaded.desired.stack, driverName, driver: await drivers(driverName), home, loaded }
}

/** One driver holds a stack's uplink and therefore its lock. */
function driverOf({ desired }: Loaded, chosen: DriverName | undefined): DriverName {
  const [first, ...others] = new Set(desired.resources.map((resource) => resource.driver))
  if (others.length > 0) {
    throw new UsageError(
      `stack ${desired.stack} asks for several drivers: ${[first, ...others].join(', ')}`,
      {
        code: 'not-supported-yet',
        hint: 'give the bottles of one driver a stack of their own',
      },
    )
  }
  return first ?? chosen ?? 'docker'
}

/** Names given on the command line, checked against what the stack has; a file among them gets the hint it needs. */
export function selectedBottles(
  names: readonly string[],
  known: readonly string[],
): readonly string[] | undefined {
  if (names.length === 0) return undefined
  for (const name of names) {
    if (known.includes(name)) continue
    if (/\.ya?ml$|\//.test(name))
      throw new UsageError(`\`${name}\` is not a bottle`, {
        code: 'unknown-bottle',
        hint: `to read a manifest: -f ${name}`,
      })
    if (name.endsWith('.json'))
      throw new UsageError(`\`${name}\` is not a bottle`, {
        code: 'unknown-bottle',
        hint: `to carry out a saved plan: --plan ${name}`,
      })
    throw new UsageError(`there is no bottle \`${name}\``, {
      code: 'unknown-bottle',
      hint: known.length === 0 ? 'the stack has no bottles' : `bottles: ${known.join(', ')}`,
    })
  }
  return [...new Set(names)]
}
