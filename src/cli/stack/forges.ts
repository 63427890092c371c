/** Forges by the name that a manifest gives them (`provisioned_key.provider`), each loaded only when it is asked for. */
import { UsageError } from '../../model/errors.ts'
import type { ForgeSource } from '../../manifest/checks/forges.ts'
import { dialectOf } from '../../forges/plugin.ts'
import type { Forge, ForgeAccess, ForgeDialect } from '../../ports/forge.ts'
import { exportedBy, pluginsOf, wrongIn, type PluginsByName } from './plugins.ts'

export type Dialects = ReadonlyMap<string, () => Promise<ForgeDialect>>

const giteaDialect = async () => (await import('../../forges/gitea.ts')).gitea

/** Those of the program. */
export const DIALECTS: Dialects = new Map([
  ['gitea', giteaDialect],
  ['forgejo', giteaDialect],
  ['github', async () => (await import('../../forges/github.ts')).github],
  ['gitlab', async () => (await import('../../forges/gitlab.ts')).gitlab],
])

/** The same with what plug-ins of the user add. `home` is the program's own folder. */
export function dialectsWith(home: string): Dialects {
  const added = [...provisionersIn(home).byName].map(([name, plugin]) => {
    const open = async (): Promise<ForgeDialect> => {
      const exported = exportedBy(plugin)
      const found = 'exported' in exported ? dialectOf(name, exported.exported) : exported
      if ('unusable' in found)
        throw new UsageError(`the forge \`${name}\` cannot be spoken to: ${found.unusable}`, {
          code: 'forge-unusable',
          hint: 'mend the plug-in: docs/plugins.md',
        })
      return found
    }
    return [name, open] as const
  })
  return new Map([...DIALECTS, ...added])
}

/** What manifests can name; a plug-in is run only when it is named. */
export function forgeSource(home: string): ForgeSource {
  const { byName, passedOver } = provisionersIn(home)
  return {
    names: [...new Set([...DIALECTS.keys(), ...byName.keys()])],
    plugin(name) {
      const leftOut = passedOver.get(name)
      if (leftOut) return { leftOut: wrongIn(leftOut) }
      const plugin = byName.get(name)
      if (!plugin) return undefined
      const found = exportedBy(plugin)
      if ('unusable' in found) return found
      const dialect = dialectOf(name, found.exported)
      const { version, folder } = found.plugin
      return 'unusable' in dialect ? dialect : { version, folder, overrides: DIALECTS.has(name) }
    },
  }
}

/** One with the name of a forge of this program stands instead of it only where it says so. */
const provisionersIn = (home: string): PluginsByName => pluginsOf(home, 'provisioner', [...DIALECTS.keys()])

export async function openForgeNamed(
  provider: string,
  access: ForgeAccess,
  dialects: Dialects,
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
