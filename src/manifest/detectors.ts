/** What a bottle names under `egress.dlp.detectors`, and the kinds of tokens that it is to look for because of it. */
import type { DetectorShapes, TokenShape } from '../model/token-shape.ts'
import type { Place } from '../model/diagnostic.ts'
import { warnPlugin, type PluginOrigin } from './checks/plugin-used.ts'
import type { BottleEnvironment } from './environment.ts'
import { at, itemsOf, text, type Node } from './node.ts'
import { anyOf, quoted, type Report } from './report.ts'
import type { LiveBottle } from './resolve.ts'
import { nearest } from './suggest.ts'

/** Detectors of this host. */
export interface DetectorSource {
  readonly names: readonly string[]
  /** `unusable`: why, in words; `undefined`: there is none of this name. */
  find(name: string): FoundDetector | { readonly unusable: string } | undefined
}

export interface FoundDetector {
  readonly shapes: readonly TokenShape[]
  readonly plugin: PluginOrigin
}

interface NamedDetector {
  readonly name: string
  readonly place: Place
}

export const detectorsNamed = (tree: Node): readonly NamedDetector[] =>
  itemsOf(at(tree, 'egress', 'dlp', 'detectors')).flatMap(({ value }) => {
    const name = text(value)
    return name === undefined ? [] : [{ name, place: value.place }]
  })

/** Of their digests among what egress knows. */
export const detectorPlaces = (tree: Node): Readonly<Record<string, Place>> =>
  Object.fromEntries(detectorsNamed(tree).map(({ name, place }) => [`knows.detector/${name}`, place]))

/** By bottle; one that names none is absent. What is named and cannot be had is an error: nothing goes unlooked at. */
export async function detectorsFor(
  live: readonly LiveBottle[],
  known: () => Promise<DetectorSource>,
  report: Report,
): Promise<ReadonlyMap<string, DetectorShapes>> {
  const naming = live.flatMap(({ name, tree }) => {
    const named = detectorsNamed(tree)
    return named.length === 0 ? [] : [{ bottle: name, named }]
  })
  if (naming.length === 0) return new Map()
  const source = await known()
  return new Map(
    naming.map(({ bottle, named }) => [
      bottle,
      Object.fromEntries(
        named.flatMap((one) => {
          const shapes = shapesOf(one, source, report)
          return shapes ? [[one.name, shapes]] : []
        }),
      ),
    ]),
  )
}

function shapesOf(
  { name, place }: NamedDetector,
  { names, find }: DetectorSource,
  report: Report,
): readonly TokenShape[] | undefined {
  const found = find(name)
  if (!found) {
    const near = nearest(name, names)
    const there =
      names.length === 0 ? 'there is none' : `there are ${anyOf(names.map(quoted)).replace(' or ', ' and ')}`
    report.error(
      'unknown-detector',
      place,
      `there is no detector ${quoted(name)}`,
      near === undefined
        ? `${there}; a detector is a plug-in of yours: docs/plugins.md`
        : `did you mean ${quoted(near)}?`,
    )
    return undefined
  }
  if ('shapes' in found) {
    warnPlugin(place, name, found.plugin, 'detector', report)
    return found.shapes
  }
  report.error('detector-unusable', place, `the detector ${quoted(name)} cannot be used: ${found.unusable}`)
  return undefined
}

/** Egress and the gate of the bottle know them as they know its other marks. */
export function withDetectors(
  environment: BottleEnvironment,
  detectors: DetectorShapes | undefined,
): BottleEnvironment {
  return detectors ? { ...environment, marks: { ...environment.marks, detectors } } : environment
}
