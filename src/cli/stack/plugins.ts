/** The user's plug-ins of one kind, as commands ask for them: by name, run only when one is asked for. */
import { findPlugins } from '../../plugins/find.ts'
import { loadPlugin } from '../../plugins/load.ts'
import { mergePlugins } from '../../plugins/merge.ts'
import { isBroken } from '../../plugins/plugin.ts'
import type { BrokenPlugin, Plugin, PluginKind } from '../../plugins/plugin.ts'

/** Those that are left out among them. `home` is the program's own folder. */
export function pluginsOf(
  home: string,
  kind: PluginKind,
  builtIn: readonly string[] = [],
): ReadonlyMap<string, Plugin | BrokenPlugin> {
  const { used, leftOut } = mergePlugins(kind, builtIn, findPlugins(home))
  return new Map([...used, ...leftOut].map((plugin) => [plugin.name, plugin]))
}

/** What it exports; `unusable`: why nobody can tell. */
export function exportedBy(
  plugin: Plugin | BrokenPlugin,
): { readonly exported: unknown; readonly plugin: Plugin } | { readonly unusable: string } {
  if (isBroken(plugin)) return unusable(plugin)
  const loaded = loadPlugin(plugin)
  return 'exported' in loaded ? { exported: loaded.exported, plugin } : unusable(loaded)
}

const unusable = ({ diagnostics }: BrokenPlugin): { readonly unusable: string } => ({
  unusable: diagnostics
    .map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`))
    .join('; '),
})
