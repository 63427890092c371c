/** Everything that can be looked for in one plug-in here, as `plugins check` does. Its module runs. */
import { readFileSync } from 'node:fs'
import { dialectOf } from '../../forges/plugin.ts'
import { buildContext } from '../../manifest/build-context.ts'
import { refusedLines } from '../../manifest/dockerfile.ts'
import { ensureError } from '../../model/errors.ts'
import { checked, type Checked } from '../../plugins/conformance/check.ts'
import { PROVIDER_CHECKS, sampleSettings } from '../../plugins/conformance/provider.ts'
import { loadPlugin } from '../../plugins/load.ts'
import { isBroken, type BrokenPlugin, type Plugin } from '../../plugins/plugin.ts'
import { readProvider } from '../../plugins/provider.ts'
import type { PluginChecks } from '../../render/plugins.ts'
import { shapesIn } from '../egress/detectors.ts'

export function checkPlugin(plugin: Plugin | BrokenPlugin): PluginChecks {
  const { name, folder } = plugin
  const isThere = {
    says: 'lies where you alone can write, and its manifest says what it is',
    problems: isBroken(plugin) ? wordsOf(plugin) : [],
  }
  if (isBroken(plugin)) return { name, folder, checks: [isThere] }
  const { kind, version } = plugin
  return { name, folder, kind, version, checks: [isThere, ...moduleChecks(plugin)] }
}

function moduleChecks(plugin: Plugin): readonly Checked[] {
  const loaded = loadPlugin(plugin)
  const can: Checked = {
    says: 'has a module that can be loaded by itself',
    problems: isBroken(loaded) ? wordsOf(loaded) : [],
  }
  return isBroken(loaded) ? [can] : [can, ...exportChecks(plugin, loaded.exported)]
}

function exportChecks(plugin: Plugin, exported: unknown): readonly Checked[] {
  switch (plugin.kind) {
    case 'provider':
      return providerChecks(plugin, exported)
    case 'provisioner':
      return [unusable('exports every part of a provisioner, and no other', dialectOf(plugin.name, exported))]
    case 'detector':
      return [
        unusable(
          'has kinds of tokens that find their samples, and not what only looks alike',
          shapesIn(plugin.name, exported),
        ),
      ]
  }
}

const unusable = (says: string, read: object): Checked => ({
  says,
  problems: 'unusable' in read ? [String(read.unusable)] : [],
})

function providerChecks(plugin: Plugin, exported: unknown): readonly Checked[] {
  const provider = readProvider(plugin, exported)
  const is: Checked = { says: 'exports a provider', problems: isBroken(provider) ? wordsOf(provider) : [] }
  if (isBroken(provider)) return [is]
  const subject = {
    provider,
    settings: sampleSettings(provider.settings),
    dockerfile: plugin.dockerfile !== undefined,
  }
  return [
    is,
    ...checked(PROVIDER_CHECKS, subject),
    ...(plugin.dockerfile
      ? [{ says: 'has a Dockerfile that can be built', problems: dockerfileProblems(plugin.dockerfile) }]
      : []),
  ]
}

function dockerfileProblems({ path, context }: NonNullable<Plugin['dockerfile']>): readonly string[] {
  try {
    buildContext(path, context)
    return refusedLines(readFileSync(path, 'utf8')).map(
      ({ line, what }) => `line ${line} asks the build for more than a network and its context: ${what}`,
    )
  } catch (thrown) {
    return [ensureError(thrown).message]
  }
}

const wordsOf = ({ diagnostics }: BrokenPlugin): readonly string[] =>
  diagnostics.map(({ message, hint }) => (hint === undefined ? message : `${message}; ${hint}`))
