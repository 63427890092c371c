/**
 * Asks the gate of one bottle whether an upstream takes its key: a real `ls-remote`, by the way that fetches and pushes
 * go. What a forge lists is no proof that it opens anything.
 */
import { address } from '../model/address.ts'
import { DriverError } from '../model/errors.ts'
import type { GateVerdict, UpstreamTrouble } from '../model/gate.ts'
import { describeSecretRef } from '../model/secret.ts'
import type { Secret } from '../model/secret.ts'
import { currentRow } from '../resources/key/rows.ts'
import { iso } from './clock.ts'
import type { Clock } from './clock.ts'
import type { GateDeps, WantedRemote } from './gate.ts'

export interface VerifyDeps extends GateDeps {
  readonly clock: Clock
}

/** The identity in force. A deploy key that opened its upstream stands from here on before one that nobody has tried. */
export async function verifyServed(bottle: string, wanted: WantedRemote, deps: VerifyDeps): Promise<void> {
  await ask(bottle, wanted, undefined, deps)
  const row = wanted.identityRef ? undefined : currentRow(deps.keys.rows().rows, wanted.identity)
  if (row?.ended) deps.keys.verified(row.id, iso(deps.clock))
}

/** An identity that is not in force: what is in force goes on meanwhile, and where this throws. */
export async function verifyNext(
  bottle: string,
  wanted: WantedRemote,
  identity: Secret,
  deps: VerifyDeps,
): Promise<void> {
  deps.revealed(identity)
  await ask(bottle, wanted, identity, deps)
}

async function ask(
  bottle: string,
  wanted: WantedRemote,
  identity: Secret | undefined,
  { actuator, signal, retry }: VerifyDeps,
): Promise<void> {
  const request = {
    op: 'verify',
    daemon: 'git-gate',
    remote: wanted.remote.name,
    ...(identity && { identity: identity.reveal() }),
  } as const
  await retry(async () => {
    const { trouble } = asVerdict(await actuator.controlBundle(bottle, request, signal), bottle)
    if (trouble) throw notVerified(bottle, wanted, trouble, identity !== undefined)
  })
}

function notVerified(
  bottle: string,
  wanted: WantedRemote,
  { rule, message }: UpstreamTrouble,
  isNext: boolean,
): DriverError {
  const at = address.remote(bottle, wanted.remote.name)
  const { code, hint } = WAYS_OUT[rule]
  const stays = isNext ? '; until then the key before it stays in force' : ''
  return new DriverError(`${at}: its upstream was asked and did not answer: ${message}`, {
    code,
    hint: `${hint(wanted)}, then \`bot-bottle apply\`${stays}`,
    // A forge may take a moment until its SSH server knows a key that its API has taken.
    transient: rule === 'identity-refused' && wanted.identityRef === undefined,
  })
}

interface WayOut {
  readonly code: UpstreamTrouble['rule']
  readonly hint: (wanted: WantedRemote) => string
}

const WAYS_OUT: Readonly<Record<UpstreamTrouble['rule'], WayOut>> = {
  'identity-refused': {
    code: 'identity-refused',
    hint: ({ remote: { url }, identityRef }) =>
      identityRef
        ? `register the public half of ${describeSecretRef(identityRef)} at ${url.host}, or name another key under \`identity\``
        : `see at ${url.host} that deploy keys may be used, and that \`url\` has the user that it expects (\`${url.user}\` now)`,
  },
  'identity-missing': {
    code: 'identity-missing',
    hint: () => 'see that `bot-bottle keys` lists one',
  },
  'repository-refused': {
    code: 'repository-refused',
    hint: ({ remote: { url } }) =>
      `see that \`url\` names the repository (\`${url.path}\`) and that the key may read it`,
  },
  'host-key-changed': {
    code: 'host-key-changed',
    hint: ({ remote: { url } }) =>
      `find out why ${url.host} shows another key before \`host_key\` is changed (\`ssh-keyscan -p ${url.port} ${url.host}\`)`,
  },
  'upstream-unreachable': {
    code: 'upstream-unreachable',
    hint: ({ remote: { url } }) => `see that ${url.host}:${url.port} can be reached from this machine`,
  },
}

/** The parse point of a gate's answer. */
function asVerdict(answer: unknown, bottle: string): GateVerdict {
  const { generation, trouble } = Object(answer) as Partial<GateVerdict>
  const isTrouble =
    trouble === undefined || (Object.hasOwn(WAYS_OUT, trouble.rule) && typeof trouble.message === 'string')
  if (typeof generation === 'number' && isTrouble) return { generation, ...(trouble && { trouble }) }
  throw new DriverError(`the gate of ${bottle} gave an answer that is no verdict`, {
    code: 'control-answer-invalid',
  })
}
