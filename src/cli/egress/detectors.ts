/** Detectors of the user by name: what a plug-in exports, tried before any scanner hears of it. */
import { detectorRule } from '../../model/token-shape.ts'
import type { TokenShape } from '../../model/token-shape.ts'
import type { DetectorSource } from '../../manifest/detectors.ts'
import { validate } from '../../plugins/validate-shapes.generated.js'
import type { ShapeEntry } from '../../../sidecars/detect/shapes/shape.ts'
import { unfit } from '../../../sidecars/detect/shapes/trial.ts'
import { exportedBy, pluginsOf } from '../stack/plugins.ts'

/** Shown of all that is wrong with one. */
const SHOWN = 3

/** `home` is the program's own folder. */
export function detectorSource(home: string): DetectorSource {
  const { byName: plugins } = pluginsOf(home, 'detector')
  return {
    names: [...plugins.keys()],
    find(name) {
      const plugin = plugins.get(name)
      if (!plugin) return undefined
      const found = exportedBy(plugin)
      if ('unusable' in found) return found
      const { version, folder } = found.plugin
      const read = shapesIn(name, found.exported)
      return 'unusable' in read ? read : { ...read, plugin: { version, folder, overrides: false } }
    },
  }
}

/** The one place where what a detector exports becomes a type. */
export function shapesIn(
  detector: string,
  exported: unknown,
): { readonly shapes: readonly TokenShape[] } | { readonly unusable: string } {
  if (!isDocument(exported)) return { unusable: listed((validate.errors ?? []).map(wordsOf)) }
  const wrong = unfit(exported.shapes, (id) => detectorRule(detector, id))
  return wrong.length > 0 ? { unusable: listed(wrong) } : { shapes: exported.shapes.map(scanned) }
}

const isDocument = (value: unknown): value is { readonly shapes: readonly ShapeEntry[] } => validate(value)

/** `shapes/0/anchors: minItems (limit 1)`. */
const wordsOf = ({ instancePath, keyword, params }: NonNullable<typeof validate.errors>[number]): string =>
  `${instancePath.slice(1) || 'its default export'}: ${keyword} (${Object.entries(params)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')})`

const listed = (wrong: readonly string[]): string =>
  [...wrong.slice(0, SHOWN), ...(wrong.length > SHOWN ? [`and ${wrong.length - SHOWN} more`] : [])].join('; ')

/** Without what only its author and the trial need. */
function scanned({ vendor: _, title: __, source: ___, samples: ____, ...shape }: ShapeEntry): TokenShape {
  return shape
}
