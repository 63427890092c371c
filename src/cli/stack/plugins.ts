/** The user's plug-ins of one kind, as commands ask for them: by name, run only when one is asked for. */
import { findPlugins } from '../../plugins/find.ts'
import { loadPlugin } from '../../plugins/load.ts'
import { mergePlugins } from '../../plugins/merge.ts'
import { isBroken } from '../../plugins/plugin.ts'
import type { BrokenPlugin, Plugin, PluginKind } from '../../plugins/plugin.ts'

export interface PluginsByName {
  /** Those that are left out among them. */
  readonly byName: ReadonlyMap<string, Plugin | BrokenPlugin>
  /** Left out, and with the name of something built in, which is used. */
  readonly passedOver: ReadonlyMap<string, BrokenPlugin>
}

/** `home` is the program's own folder. */
export function pluginsOf(home: string, kind: PluginKind, builtIn: readonly string[] = []): PluginsByName {
  const { used, leftOut } = mergePlugins(kind, builtIn, findPlugins(home))
  const isBuiltIn = ({ name }: BrokenPlugin): boolean => builtIn.includes(name)
  return {
    byName: named([...used, ...leftOut.filter((plugin) => !isBuiltIn(plugin))]),
    passedOver: named(leftOut.filter(isBuiltIn)),
  }
}

const named = <T extends { readonly name: string }>(plugins: readonly T[]): ReadonlyMap<string, T> =>
  new Map(plugins.map((plugin) => [plugin.name, plugin]))

/** What it exports; `unusable`: why nobody can tell. */
export function exportedBy(
  plugin: Plugin | BrokenPlugin,
): { readonly exported: unknown; readonly plugin: Plugin } | { readonly unusable: string } {
  if (isBroken(plugin)) return { unusable: wrongIn(plugin) }
  const loaded = loadPlugin(plugin)
  return 'exported' in loaded ? { exported: loaded.exported, plugin } : { unusable: wrongIn(loaded) }
}

/** Everything that is wrong with it, in words. */
export const wrongIn = ({ diagnostics }: BrokenPlugin): string =>
  diagnostics.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`)).join('; ')
