/**
 * A forge in the memory world: the port of `src/ports/forge.ts` over the same plain value, so that a test can kill the
 * program and find the forge as it left it. It loses answers where a test says so. For tests only.
 */
import { ForgeError } from '../../model/forge-error.ts'
import { sshFingerprint } from '../../model/ssh-key.ts'
import { safeText } from '../../model/text.ts'
import type { DeployKey, Forge } from '../../ports/forge.ts'
import type { Faults } from './faults.ts'
import { newId } from './world.ts'
import type { LiveKey, World, WorldState } from './world.ts'

export interface MemoryForgeOptions {
  readonly world: World
  readonly provider: string
  readonly api: string
  readonly faults: Faults
  /** Told of each call, as it starts. */
  readonly onCall: (call: string) => void
  /** ISO 8601. */
  readonly now: () => string
}

export function memoryForge({ world, provider, api, faults, onCall, now }: MemoryForgeOptions): Forge {
  const call = <T>(what: string, repository: string, signal: AbortSignal, run: () => T): T => {
    signal.throwIfAborted()
    const name = `forge ${what} ${repository}`
    onCall(name)
    faults.check(name, 'before')
    const result = run()
    faults.check(name, 'after')
    return result
  }
  const listed = (repository: string): readonly DeployKey[] =>
    (world.read().forges[api]?.[repository] ?? []).map(shown)
  return {
    provider,
    api,
    list: async (repository, signal) => call('list', repository, signal, () => listed(repository)),
    find: async (repository, fingerprint, signal) =>
      call('list', repository, signal, () =>
        listed(repository).find((key) => key.fingerprint === fingerprint),
      ),
    create: async (repository, { title, publicKey, readOnly }, signal) =>
      call('create', repository, signal, () =>
        world.change((state) => {
          const keys = keysIn(state, api, repository)
          const present = keys.find((key) => key.publicKey === publicKey)
          const made = present ?? { forgeId: newId(state), title, publicKey, readOnly, createdAt: now() }
          if (!present) keys.push(made)
          return shown(made)
        }),
      ),
    revoke: async (repository, key, signal) =>
      call('revoke', repository, signal, () =>
        world.change((state) => {
          const keys = keysIn(state, api, repository)
          const at = keys.findIndex(({ forgeId }) => forgeId === key.forgeId)
          if (at >= 0) keys.splice(at, 1)
          if (keys.length === 0) delete state.forges[api]?.[repository]
        }),
      ),
  }
}

/** The forge did what it was asked, and nobody heard of it. */
export function lostAnswer(call: string): ForgeError {
  return new ForgeError(`${call}: the answer was lost`, { code: 'forge-timeout', fate: 'unknown' })
}

function keysIn(state: WorldState, api: string, repository: string): LiveKey[] {
  return ((state.forges[api] ??= {})[repository] ??= [])
}

function shown({ publicKey, title, ...rest }: LiveKey): DeployKey {
  const fingerprint = sshFingerprint(publicKey)
  return { ...rest, title: safeText(title), ...(fingerprint !== undefined && { fingerprint }) }
}
