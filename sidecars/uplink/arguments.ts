/** What the uplink is started with; nothing in it is a secret. */
import { parseArgs } from 'node:util'
import { NAME_PATTERN } from '../../src/model/names.ts'

export interface UplinkOptions {
  readonly stack: string
  readonly version: string
  /** The shared volume: dial socket and record. Default `/run/up`. */
  readonly volume: string
  /** Folder of the control socket, never in the volume. Default `/run/uplink`. */
  readonly run: string
}

export function parseUplinkArguments(argv: readonly string[], builtVersion: string): UplinkOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      stack: { type: 'string', default: '' },
      version: { type: 'string', default: builtVersion },
      volume: { type: 'string', default: '/run/up' },
      run: { type: 'string', default: '/run/uplink' },
    },
  })
  if (!NAME_PATTERN.test(values.stack)) throw new Error('--stack NAME is missing or no name')
  return values
}
