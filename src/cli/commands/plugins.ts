/** The plug-ins of the user: which there are (`list`), and whether they keep to what plug-ins keep to (`check`). */
import { basename, resolve } from 'node:path'
import { EXIT, UsageError } from '../../model/errors.ts'
import { findPlugins, pluginAt, pluginsFolder } from '../../plugins/find.ts'
import { mergePlugins } from '../../plugins/merge.ts'
import {
  isBroken,
  PLUGIN_KINDS,
  type BrokenPlugin,
  type Plugin,
  type PluginKind,
} from '../../plugins/plugin.ts'
import { BUILT_IN_PROVIDERS } from '../../providers/registry.ts'
import { pluginCheckLines, pluginTable, type PluginLine } from '../../render/plugins.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { DIALECTS } from '../stack/forges.ts'
import { checkPlugin } from '../stack/plugin-checks.ts'
import { homeOf } from '../stack/home-of.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args } = invocation
  const { dir } = homeOf(invocation)
  const [verb = 'list', which] = args
  if (verb === 'list' && which === undefined) return list(dir, invocation)
  if (verb === 'check') return check(dir, which, invocation)
  throw new UsageError(`\`plugins ${args.join(' ')}\` is not a command`, {
    code: 'bad-option',
    hint: 'bot-bottle plugins list, or bot-bottle plugins check [NAME | FOLDER]',
  })
}

/** What is built in, of each kind: names that a plug-in takes only with `overrides: true`. */
const BUILT_IN: Readonly<Record<PluginKind, readonly string[]>> = {
  provider: BUILT_IN_PROVIDERS.names,
  provisioner: [...DIALECTS.keys()],
  detector: [],
}

function list(home: string, { options, output }: Invocation): number {
  const lines = judged(findPlugins(home)).map(lineOf)
  const place = pluginsFolder(home)
  output.result(
    isJson(options)
      ? safeJson({ version: 1, folder: place, plugins: lines }, 2).split('\n')
      : pluginTable(lines, place, output.style),
  )
  return EXIT.done
}

function check(home: string, which: string | undefined, { options, output, io }: Invocation): number {
  const named = which === undefined ? judged(findPlugins(home)) : judged([chosen(home, which, io.cwd)])
  const checked = named.map(checkPlugin)
  output.result(
    isJson(options)
      ? safeJson({ version: 1, plugins: checked }, 2).split('\n')
      : pluginCheckLines(checked, output.style),
  )
  const right = checked.every(({ checks }) => checks.every(({ problems }) => problems.length === 0))
  return right ? EXIT.done : EXIT.differences
}

const isJson = (options: Invocation['options']): boolean =>
  options.flag('json') || options.text('output') === 'json'

/** A name is one of the user's own; a folder anywhere else has a `/` in it, so that none is meant by accident. */
function chosen(home: string, which: string, cwd: string): Plugin | BrokenPlugin {
  if (which.includes('/') || which === '.' || which === '..') return pluginAt(resolve(cwd, which))
  const all = findPlugins(home)
  const found = all.find(({ name }) => name === which)
  if (found) return found
  throw new UsageError(`there is no plug-in \`${which}\` in ${pluginsFolder(home)}`, {
    code: 'unknown-plugin',
    hint:
      all.length === 0 ? `a folder elsewhere: ./${basename(which)}` : all.map(({ name }) => name).join(', '),
  })
}

/** One that shadows what is built in counts as left out. */
function judged(plugins: readonly (Plugin | BrokenPlugin)[]): readonly (Plugin | BrokenPlugin)[] {
  const left = PLUGIN_KINDS.flatMap((kind) => mergePlugins(kind, BUILT_IN[kind], plugins).leftOut)
  return plugins.map((plugin) => left.find(({ name }) => name === plugin.name) ?? plugin)
}

function lineOf(plugin: Plugin | BrokenPlugin): PluginLine {
  const { name, folder } = plugin
  if (isBroken(plugin))
    return { name, folder, overrides: false, wrong: plugin.diagnostics.map(({ message }) => message) }
  const { kind, version, description, overrides } = plugin
  return {
    name,
    folder,
    kind,
    version,
    ...(description !== undefined && { description }),
    overrides: overrides && BUILT_IN[kind].includes(name),
    wrong: [],
  }
}
