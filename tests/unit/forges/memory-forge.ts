/** A forge in memory, with the port's contract and nothing else: what the life of keys is tried on. */
import { ForgeError } from '../../../src/model/forge-error.ts'
import { sshFingerprint } from '../../../src/model/ssh-key.ts'
import { safeText } from '../../../src/model/text.ts'
import type { DeployKey, Forge } from '../../../src/ports/forge.ts'

export interface MemoryForge extends Forge {
  readonly keys: Map<string, DeployKey>
  /** Called before and after every effect; what it throws is what the caller gets, the effect stands. */
  around: (what: 'create' | 'revoke', when: 'before' | 'after') => void
}

export function memoryForge(): MemoryForge {
  const keys = new Map<string, DeployKey>()
  let last = 0
  const find = (fingerprint: string | undefined) =>
    [...keys.values()].find((key) => key.fingerprint === fingerprint)
  const forge: MemoryForge = {
    provider: 'memory',
    api: 'https://forge.example',
    keys,
    around: () => {},
    list: async () => [...keys.values()],
    find: async (_repository, fingerprint) => find(fingerprint),
    async create(_repository, { title, publicKey, readOnly }) {
      forge.around('create', 'before')
      const fingerprint = sshFingerprint(publicKey) ?? ''
      const forgeId = find(fingerprint)?.forgeId ?? String((last += 1))
      const key = { forgeId, title: safeText(title), fingerprint, readOnly }
      keys.set(forgeId, key)
      forge.around('create', 'after')
      return key
    },
    async revoke(_repository, { forgeId, fingerprint }) {
      forge.around('revoke', 'before')
      if (keys.has(forgeId) && keys.get(forgeId)?.fingerprint !== fingerprint)
        throw new ForgeError('another key', { code: 'forge-key-changed', fate: 'refused' })
      keys.delete(forgeId)
      forge.around('revoke', 'after')
    },
  }
  return forge
}
