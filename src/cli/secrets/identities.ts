/**
 * The user's own keys that open remotes: read from their files, opened with their passphrase where they have one, and
 * handed on in one form, so that another passphrase or comment makes no other key. Nothing of it is stored.
 */
import type { Address } from '../../model/address.ts'
import { UsageError } from '../../model/errors.ts'
import type { KeyObject } from 'node:crypto'
import { canonical } from '../../model/json.ts'
import type { Resource } from '../../model/resource.ts'
import { describeSecretRef, Secret } from '../../model/secret.ts'
import type { SecretRef } from '../../model/secret.ts'
import { hasPassphrase, privateKey, publicOf } from '../../model/ssh-private.ts'
import { KeyUnusable } from '../../model/ssh-wire.ts'
import type { SecretResolver } from '../../execute/secrets.ts'
import type { RemoteSpec } from '../../resources/remote/spec.ts'

export interface IdentitySources {
  readonly resolver: Pick<SecretResolver, 'variable'>
  /** Absent: there is no terminal. `undefined`: nothing was typed. */
  readonly ask?: (question: string) => Promise<Secret | undefined>
}

export interface OwnIdentity {
  readonly ref: SecretRef
  /** All that it opens. */
  readonly remotes: readonly Address[]
}

/** A passphrase is asked for so often. */
const TRIES = 3

export function ownIdentities(
  resources: readonly Resource[],
  touched: ReadonlySet<string>,
): readonly OwnIdentity[] {
  const found = new Map<string, OwnIdentity>()
  for (const { kind, bottle = '', address, spec } of resources) {
    const { identityRef: ref } = spec as RemoteSpec
    if (kind !== 'remote' || ref === undefined || !touched.has(bottle)) continue
    const name = canonical(ref)
    found.set(name, { ref, remotes: [...(found.get(name)?.remotes ?? []), address] })
  }
  return [...found.values()]
}

/** One after the other: two questions at once cannot be told apart on one terminal. */
export async function openIdentities(
  own: readonly OwnIdentity[],
  sources: IdentitySources,
): Promise<ReadonlyMap<string, Secret>> {
  const opened = new Map<string, Secret>()
  for (const one of own) opened.set(canonical(one.ref), await openIdentity(one, sources))
  return opened
}

/** Throws UsageError with what it is for and the way out. */
export async function openIdentity(own: OwnIdentity, { resolver, ask }: IdentitySources): Promise<Secret> {
  const text = (await resolver.variable(own.ref)).reveal()
  try {
    const key = hasPassphrase(text) ? await withPassphrase(text, own, ask) : privateKey(text)
    publicOf(key)
    return new Secret(String(key.export({ type: 'pkcs8', format: 'pem' })))
  } catch (error) {
    if (!(error instanceof KeyUnusable)) throw error
    throw new UsageError(`the key from ${named(own)} cannot be used: ${error.message}`, {
      code: 'identity-unusable',
      hint: 'name a private key of type ed25519, ecdsa or rsa under `identity`: `ssh-keygen -t ed25519` makes one',
    })
  }
}

async function withPassphrase(
  text: string,
  own: OwnIdentity,
  ask: IdentitySources['ask'],
): Promise<KeyObject> {
  if (ask === undefined)
    throw new UsageError(`the key from ${named(own)} has a passphrase, and there is no terminal to ask on`, {
      code: 'identity-passphrase',
      hint: `run it on a terminal, or name a key without a passphrase: ${withoutPassphrase(own.ref)}`,
    })
  const { unlocked } = await import('./unlock.ts')
  for (let left = TRIES; left > 0; left -= 1) {
    const again = left < TRIES ? 'that was not it; ' : ''
    const passphrase = await ask(`${again}passphrase of ${named(own)}`)
    if (passphrase === undefined)
      throw new UsageError('the question for a passphrase was not answered', {
        code: 'secret-not-given',
        hint: 'nothing was done; run the command again',
      })
    const key = await unlocked(text, passphrase)
    if (key) return key
  }
  throw new UsageError(`the key from ${named(own)} was not opened: ${TRIES} passphrases were not its own`, {
    code: 'identity-passphrase-wrong',
    hint: 'nothing was done; `ssh-keygen -y -f FILE` tells whether a passphrase is right',
  })
}

function withoutPassphrase(ref: SecretRef): string {
  const file = ref.from === 'file' ? ref.path : 'FILE'
  return `\`ssh-keygen -p -f ${file}\` takes it away, \`ssh-keygen -t ed25519 -N "" -f OTHER\` makes one for this alone`
}

const named = ({ ref, remotes }: OwnIdentity): string =>
  `${describeSecretRef(ref)}${remotes.length === 0 ? '' : ` for ${remotes.join(', ')}`}`
