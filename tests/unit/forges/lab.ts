/** One key of a Gitea, and how it is reached, for tests of what lies between. */
import { gitea } from '../../../src/forges/gitea.ts'
import { openForge } from '../../../src/forges/rest/forge.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createSshKey } from '../../../src/model/ssh-key.ts'
import type { Forge, ForgeAccess } from '../../../src/ports/forge.ts'

export const TOKEN = 'gta_canary-0b1c2d3e4f5a6b7c'
export const NEVER = new AbortController().signal
export const KEY = { title: 'a key', publicKey: createSshKey().publicKey, readOnly: true }
export const LISTED = {
  id: 7,
  title: KEY.title,
  key: KEY.publicKey,
  read_only: true,
  created_at: '2026-11-21T12:00:00Z',
}

export function giteaAt(api: string, over: Partial<ForgeAccess> = {}): Forge {
  return openForge(gitea, {
    api,
    token: new Secret(TOKEN),
    tokenName: 'GITEA_TOKEN',
    allowPrivate: true,
    trust: [],
    timeoutMs: 5_000,
    ...over,
  })
}
