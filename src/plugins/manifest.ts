/** From the text of a `plugin.yaml` to the plug-in that it says, or everything that is wrong with it. Pure. */
import { basename, dirname, join } from 'node:path'
import { at, entry, itemsOf, plain, scalar, text, type MapNode, type Node } from '../manifest/node.ts'
import { quoted, Report } from '../manifest/report.ts'
import { checkSchema } from '../manifest/schema-errors.ts'
import { decode, type Source } from '../manifest/source.ts'
import { readValue } from '../manifest/yaml.ts'
import { PLUGIN_KINDS, type BrokenPlugin, type Plugin, type PluginDockerfile } from './plugin.ts'
import { validate } from './validate.generated.js'

/** `source.folder` is the plug-in's. */
export function readPlugin(source: Source): Plugin | BrokenPlugin {
  const report = new Report()
  const plugin = pluginIn(source, report)
  if (plugin && report.errors === 0) return plugin
  return { name: basename(source.folder), folder: source.folder, diagnostics: report.diagnostics }
}

function pluginIn(source: Source, report: Report): Plugin | undefined {
  const { folder } = source
  const decoded = decode(source, report)
  const root = decoded && readValue(decoded, report)
  if (root?.kind !== 'map') {
    if (report.errors === 0)
      report.error(
        'wrong-type',
        root?.place ?? { file: source.file, line: 1, column: 1 },
        'a plug-in is a map with the keys `api`, `name`, `version`, `kind` and `module`',
      )
    return undefined
  }
  checkSchema(root, plain(root), report, undefined, validate)
  checkName(root, folder, report)
  const kind = PLUGIN_KINDS.find((one) => one === text(at(root, 'kind')))
  const dockerfile = entry(root, 'dockerfile')
  if (dockerfile && kind !== 'provider')
    report.error('key-not-with', dockerfile.place, '`dockerfile` is a matter of providers alone')
  if (report.errors > 0 || kind === undefined) return undefined
  const description = text(at(root, 'description'))
  return {
    name: basename(folder),
    version: text(at(root, 'version')) ?? '',
    kind,
    ...(description !== undefined && { description }),
    overrides: scalar(at(root, 'overrides')) === true,
    folder,
    module: join(folder, text(at(root, 'module')) ?? ''),
    ...(dockerfile && { dockerfile: dockerfileIn(dockerfile.value, folder) }),
    place: at(root, 'name')?.place ?? root.place,
  }
}

/** One folder, one name: so no two plug-ins have the same. */
function checkName(root: MapNode, folder: string, report: Report): void {
  const written = at(root, 'name')
  const name = text(written)
  if (written && name !== undefined && name !== basename(folder))
    report.error(
      'plugin-name',
      written.place,
      `the plug-in is called ${quoted(name)} and its folder ${quoted(basename(folder))}`,
      `rename one of them: ${join(dirname(folder), name)}`,
    )
}

function dockerfileIn(written: Node, folder: string): PluginDockerfile {
  return {
    path: join(folder, text(at(written, 'path')) ?? ''),
    context: itemsOf(at(written, 'context')).flatMap(({ value }) => {
      const path = text(value)
      return path === undefined ? [] : [join(folder, path)]
    }),
    network: text(at(written, 'network')) === 'none' ? 'none' : 'default',
  }
}
