/** One look at the world: what the driver saw, the roots of the state folder, credentials as far as they can be had silently. */
import { DriverError } from '../../model/errors.ts'
import type { UplinkStatus } from '../../model/control.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { QuietAnswers } from '../../execute/secrets.ts'
import type { DriverObservation } from '../../ports/driver.ts'
import { assemble } from '../../reconcile/snapshot.ts'
import type { Look, RootState } from '../../reconcile/snapshot.ts'
import type { KeysLook } from '../../reconcile/snapshot-git.ts'
import type { Desired } from '../../resources/desired.ts'
import { digestsOf } from '../secrets/others.ts'
import type { Io } from '../io.ts'
import type { Stack } from './stack.ts'

export interface World {
  readonly snapshot: Snapshot
  readonly observation: DriverObservation
  /** The uplink's answer; absent: there is none, or it did not answer. */
  readonly uplink?: UplinkStatus
  readonly endpoint: string
  /** References that give no value here, by SecretId; those that are asked for at apply are not tried. */
  readonly refusedSecrets: QuietAnswers['refused']
  /** Absent: no key is declared, held or on record. */
  readonly keys?: KeysLook
}

/** Throws when the engine does not answer: nothing can be compared then. */
export async function look(
  stack: Stack,
  desired: Pick<Desired, 'secrets' | 'resources'>,
  io: Io,
): Promise<World> {
  const observation = await stack.driver.observe(stack.name)
  const { state } = observation
  if (state.status === 'unreachable') throw unreachable(state)
  const uplink = observation.uplink && 'status' in observation.uplink ? observation.uplink : undefined
  const { found, refused } = await secretsOf(desired, io)
  const git = await gitOf(stack, observation, desired, io)
  const snapshot = assemble({
    now: new Date(io.now()).toISOString(),
    installation: stack.home.installation,
    observations: { [stack.driverName]: observation },
    roots: await rootsOf(stack, observation.engineId),
    credentials: uplink
      ? Object.fromEntries([...found].map(([id, secret]) => [id, secret.digest(uplink.nonce)]))
      : {},
    foreign: digestsOf(found, stack.home, stack.name),
    ...git,
  })
  return {
    snapshot,
    observation,
    ...(uplink && { uplink: uplink.status }),
    endpoint: state.endpoint,
    refusedSecrets: refused,
    ...(git.keys && { keys: git.keys }),
  }
}

export function unreachable({
  reason,
  hint,
}: {
  readonly reason: string
  readonly hint?: string
}): DriverError {
  return new DriverError(`the engine cannot be reached: ${reason}`, {
    code: 'driver-unreachable',
    unreachable: true,
    hint: hint ?? 'bot-bottle doctor',
  })
}

async function rootsOf(stack: Stack, engineId: string | undefined): Promise<readonly RootState[]> {
  if (engineId === undefined) return []
  const { openRoots } = await import('../../state/roots.ts')
  return openRoots({ home: stack.home, engineId, stack: stack.name }).rootStates()
}

/** Keys and identities; nothing where neither a remote nor a key was ever declared. */
async function gitOf(
  stack: Stack,
  { engineId, uplink }: DriverObservation,
  { resources }: Pick<Desired, 'resources'>,
  io: Io,
): Promise<Pick<Look, 'keys' | 'identities'>> {
  if (engineId === undefined) return {}
  const record = uplink && 'status' in uplink ? uplink.status.record : undefined
  const { identityDigests, lookAtKeys } = await import('../secrets/key-look.ts')
  const question = { stack, engineId, resources, record, io }
  const [keys, identities] = await Promise.all([
    lookAtKeys(question),
    uplink && 'nonce' in uplink ? identityDigests(question, uplink.nonce) : {},
  ])
  return { ...(keys && { keys }), identities }
}

async function secretsOf({ secrets }: Pick<Desired, 'secrets'>, io: Io): Promise<QuietAnswers> {
  if (Object.keys(secrets).length === 0) return { found: new Map(), refused: new Map() }
  const { resolveQuietly } = await import('../../execute/secrets.ts')
  return resolveQuietly(secrets, io.env)
}
