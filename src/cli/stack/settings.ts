/** What flags and environment ask for, the same for every command. */
import { UsageError } from '../../model/errors.ts'
import { DRIVERS } from '../../model/resource.ts'
import type { DriverName } from '../../model/resource.ts'
import type { Invocation } from '../grammar/invocation.ts'

export interface Settings {
  /** Manifest files as given; empty: look for the usual ones. */
  readonly files: readonly string[]
  readonly sets: readonly string[]
  /** Driver of bottles that name none; an explicit one in the manifest wins. */
  readonly driver: DriverName | undefined
}

export function settingsOf({ options, io }: Pick<Invocation, 'options' | 'io'>): Settings {
  return {
    files: options.list('file'),
    sets: options.list('set'),
    driver: driverName(options.text('driver') ?? (io.env['BOT_BOTTLE_DRIVER'] || undefined)),
  }
}

function driverName(text: string | undefined): DriverName | undefined {
  if (text === undefined) return undefined
  const name = DRIVERS.find((known) => known === text)
  if (name) return name
  throw new UsageError(`there is no driver \`${text}\``, {
    code: 'unknown-driver',
    hint: `drivers: ${DRIVERS.join(', ')}`,
  })
}
