/** What a daemon is configured with: what the host leaves out is what the bundle has. Pure but for the digest of the token. */
import type { EgressConfig } from '../../src/model/control.ts'
import { keptKnown } from '../../src/model/gate.ts'
import type { GateConfig, GateStatus } from '../../src/model/gate.ts'
import { keptMarks } from '../../src/model/known.ts'
import { ControlError } from '../control/server.ts'
import { dialToken } from '../control/token.ts'
import { controls } from './controls.ts'

/** Holds secrets. */
export type DaemonConfig = EgressConfig | GateConfig

/** The host keeps neither issuer nor token, and has not every value at hand. `token`: of the bundle, whichever daemon brought it. */
export function completed(
  next: DaemonConfig,
  present: DaemonConfig | undefined,
  token: string | undefined,
): DaemonConfig {
  const { uplinkToken = token } = next
  if (uplinkToken === undefined)
    throw new ControlError('token-missing', 'the first configuration of a bundle has no uplink token')
  if ('remotes' in next) {
    const before = present && 'remotes' in present ? present.known : undefined
    return { ...next, uplinkToken, ...(next.known && { known: keptKnown(next.known, before) }) }
  }
  const before = present && 'policy' in present ? present : undefined
  const { issuer = before?.issuer } = next
  return { ...next, uplinkToken, ...keptMarks(next, before), ...(issuer === undefined ? {} : { issuer }) }
}

/** As the daemon gets it: with a token that only dials. */
export function forDaemon<Config extends DaemonConfig>(config: Config): Config {
  const { uplinkToken: token } = config
  return token === undefined || !controls.on('derived-token')
    ? config
    : { ...config, uplinkToken: dialToken(token) }
}

/** A gate without remotes has nothing to do; egress refuses even where nothing is declared. */
export function needsDaemon(config: DaemonConfig): boolean {
  return !('remotes' in config) || config.remotes.length > 0
}

/** What a gate enforces that does not run because nothing is declared. */
export function idleGate(generation: number): GateStatus {
  return { generation, remotes: [], identities: {}, known: '', connections: 0 }
}
