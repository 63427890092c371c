/** Forges by the name that a manifest gives them (`provisioned_key.provider`), each loaded only when it is asked for. */
import { UsageError } from '../../model/errors.ts'
import type { Forge, ForgeAccess, ForgeDialect } from '../../ports/forge.ts'

type Dialects = ReadonlyMap<string, () => Promise<ForgeDialect>>

const giteaDialect = async () => (await import('../../forges/gitea.ts')).gitea

export const DIALECTS: Dialects = new Map([
  ['gitea', giteaDialect],
  ['forgejo', giteaDialect],
  ['github', async () => (await import('../../forges/github.ts')).github],
  ['gitlab', async () => (await import('../../forges/gitlab.ts')).gitlab],
])

/** `dialects`: those of the program, and what plug-ins add. */
export async function openForgeNamed(
  provider: string,
  access: ForgeAccess,
  dialects: Dialects = DIALECTS,
): Promise<Forge> {
  const dialect = dialects.get(provider)
  if (dialect === undefined) {
    throw new UsageError(`there is no forge \`${provider}\``, {
      code: 'unknown-forge',
      hint: `provider: ${[...dialects.keys()].join(', ')}`,
    })
  }
  const [{ openForge }, known] = await Promise.all([import('../../forges/rest/forge.ts'), dialect()])
  return openForge(known, access)
}
