/** The providers of this release and of the user's plug-ins, as one registry. */
import type { Provider } from '../model/provider.ts'
import type { Providers } from '../model/providers.ts'
import { loadPlugin } from './load.ts'
import { mergePlugins } from './merge.ts'
import { isBroken, type BrokenPlugin, type Plugin } from './plugin.ts'
import { readProvider } from './provider.ts'

interface BuiltIn {
  readonly names: readonly string[]
  find(name: string): Promise<Provider | undefined>
}

export function providersWith(builtIn: BuiltIn, found: readonly (Plugin | BrokenPlugin)[]): Providers {
  const { used, leftOut } = mergePlugins('provider', builtIn.names, found)
  return {
    builtIn: builtIn.names,
    plugins: used.map(({ name }) => name),
    leftOut,
    async find(name) {
      const plugin = used.find((one) => one.name === name)
      if (!plugin) {
        const provider = await builtIn.find(name)
        return provider && { provider }
      }
      const loaded = loadPlugin(plugin)
      if (isBroken(loaded)) return loaded
      const provider = readProvider(plugin, loaded.exported)
      if (isBroken(provider)) return provider
      const { version, folder, dockerfile } = plugin
      const overrides = builtIn.names.includes(name)
      return { provider, plugin: { version, folder, overrides, ...(dockerfile && { dockerfile }) } }
    },
  }
}
