/** A plug-in of the user, as its manifest (`plugin.yaml`) says it; nothing of its module has run. */
import type { Diagnostic, Place } from '../model/diagnostic.ts'

export const PLUGIN_KINDS = ['provider', 'provisioner', 'detector'] as const
export type PluginKind = (typeof PLUGIN_KINDS)[number]

export interface Plugin {
  readonly name: string
  /** Of the plug-in, not of a program that it brings. */
  readonly version: string
  readonly kind: PluginKind
  readonly description?: string
  /** It stands instead of a built-in one of the same name. */
  readonly overrides: boolean
  /** Absolute. */
  readonly folder: string
  /** Absolute; an ES module. */
  readonly module: string
  /** Of a provider. */
  readonly dockerfile?: PluginDockerfile
  /** Of its name in the manifest: what is said about the plug-in points here. */
  readonly place: Place
}

export interface PluginDockerfile {
  /** Absolute. */
  readonly path: string
  /** Absolute paths of files and folders. */
  readonly context: readonly string[]
  readonly network: 'default' | 'none'
}

/** One that is left out. */
export interface BrokenPlugin {
  /** Of its folder. */
  readonly name: string
  /** Absolute. */
  readonly folder: string
  /** Errors; one at least. */
  readonly diagnostics: readonly Diagnostic[]
}

export const isBroken = (plugin: object): plugin is BrokenPlugin => 'diagnostics' in plugin
