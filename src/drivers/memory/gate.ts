/** The git gate as the control protocol shows it, and the upstreams behind it as far as a verification meets them. */
import type { SupervisorRequest } from '../../model/control.ts'
import { DriverError } from '../../model/errors.ts'
import { keptKnown } from '../../model/gate.ts'
import type { GateConfig, GateRemote, GateStatus, GateVerdict, UpstreamTrouble } from '../../model/gate.ts'
import { digestOf, equal } from '../../model/json.ts'
import { Secret } from '../../model/secret.ts'
import { publicLineOf } from '../../model/ssh-private.ts'
import type { LiveBundle, WorldState } from './world.ts'

export function configureGate(bundle: LiveBundle, config: GateConfig): unknown {
  if (!hasGate(bundle)) throw refusal('daemon-not-enabled', 'git-gate is not enabled in this bundle')
  if (config.generation <= (bundle.gate?.generation ?? 0))
    throw refusal('generation-old', `generation ${config.generation} is not newer than the present one`)
  // The supervisor fills in what egress was handed.
  const uplinkToken = config.uplinkToken ?? bundle.gate?.uplinkToken ?? bundle.config?.uplinkToken
  if (uplinkToken === undefined) throw refusal('token-missing', 'the first configuration has no uplink token')
  const isKept = (name: string) =>
    config.identities[name] === bundle.gate?.identities[name] &&
    equal(
      config.remotes.find((remote) => remote.name === name)?.url,
      bundle.gate?.remotes.find((remote) => remote.name === name)?.url,
    )
  bundle.unverified = Object.fromEntries(
    Object.entries(bundle.unverified ?? {}).filter(([name]) => isKept(name)),
  )
  const known = config.known && keptKnown(config.known, bundle.gate?.known)
  bundle.gate = { ...config, uplinkToken, ...(known && { known }) }
  return { generation: config.generation }
}

export function hasGate({ fields }: LiveBundle): boolean {
  const { daemons } = fields
  return Array.isArray(daemons) && daemons.includes('git-gate')
}

export function gateStatus({ gate, unverified = {} }: LiveBundle, nonce: string): GateStatus {
  return {
    generation: gate?.generation ?? 0,
    remotes: gate?.remotes ?? [],
    identities: Object.fromEntries(
      Object.entries(gate?.identities ?? {}).map(([name, value]) => [
        name,
        new Secret(publicLineOf(value) ?? '').digest(nonce),
      ]),
    ),
    known: gate?.known === undefined ? '' : digestOf(JSON.stringify(gate.known)),
    connections: 0,
    unverified,
  }
}

export function verdictOf(
  state: WorldState,
  bundle: LiveBundle,
  { remote: name, identity }: Extract<SupervisorRequest, { op: 'verify' }>,
): GateVerdict {
  const { gate } = bundle
  const remote = gate?.remotes.find((one) => one.name === name)
  if (gate === undefined || remote === undefined)
    throw refusal('config-invalid', 'no remote of this name is declared here')
  const trouble = troubleAt(state, remote, identity ?? gate.identities[name])
  if (identity === undefined) {
    const { [name]: _, ...others } = bundle.unverified ?? {}
    bundle.unverified = trouble ? { ...others, [name]: trouble.rule } : others
  }
  return { generation: gate.generation, ...(trouble && { trouble }) }
}

/** A key that this program made opens what a forge lists it for, if there is one here; any other opens everything. */
function troubleAt(
  { closedHosts = {}, forges }: WorldState,
  { name, url }: GateRemote,
  identity: string | undefined,
): UpstreamTrouble | undefined {
  if (identity === undefined)
    return { rule: 'identity-missing', message: `the gate has no key for the remote ${name}.` }
  const closed = closedHosts[url.host]
  if (closed !== undefined) return { rule: closed, message: `${url.host}:${url.port} takes no key.` }
  if (Object.keys(forges).length === 0) return undefined
  const repository = url.path.replace(/^\//, '').replace(/\.git$/, '')
  const listed = Object.values(forges).flatMap((each) => each[repository] ?? [])
  const opens = listed.some(({ publicKey }) => publicKey === publicLineOf(identity))
  if (opens || !isOfProgram(identity)) return undefined
  return {
    rule: 'identity-refused',
    message: `${url.host}:${url.port} does not accept the key of this remote for user ${url.user}.`,
  }
}

/** Its comment is the title that it has at the forge. */
function isOfProgram(identity: string): boolean {
  return Buffer.from(identity.replaceAll(/-----.*-----/g, ''), 'base64').includes('bot-bottle ')
}

function refusal(code: string, message: string): DriverError {
  return new DriverError(message, { code })
}
