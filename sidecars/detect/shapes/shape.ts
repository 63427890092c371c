/** What a kind of token is, and the one place where shapes.json is read. A new kind is a new entry there. */
import { isChecksum } from '../checksum.ts'
import type { Checksum } from '../checksum.ts'
import type { TokenShape } from '../../../src/model/token-shape.ts'
import data from './shapes.json' with { type: 'json' }

/** What a scanner needs of a shape. */
export interface ScannedShape {
  /** Stable: policies and audits name it. */
  readonly rule: string
  /** One of these stands in every match: four bytes or more, a class counts for one: `hf_[A-Za-z]`. */
  readonly anchors: readonly string[]
  /** Bytes of a match before the anchor; default: 0. */
  readonly offset: number
  /** Instead of `offset`: a match begins where the run of this class before the anchor does, at most `max` back. */
  readonly lookback: Lookback | undefined
  /** In the language of `pattern.ts`. A capture is the value, on which checksum, entropy and `documented` look. */
  readonly pattern: string
  /** Letters of the whole pattern in any case; default: false. */
  readonly anyCase: boolean
  /** A class that must not stand directly before, and after, a match; default: anything may. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly checksum: Checksum | undefined
  /** Least bits per byte of the value. Default: what tells a token from `xxxx…`. */
  readonly entropy: number
  /** Values that vendors print in documents; a hit of one is marked. */
  readonly documented: readonly string[]
}

export interface Shape extends ScannedShape {
  readonly id: string
  readonly vendor: string
  readonly title: string
  /** The vendor's document, or its well-known name. */
  readonly source: string
  readonly samples: Samples
}

interface Lookback {
  readonly class: string
  readonly max: number
}

/** Texts in parts that are joined, so that none stands whole in the repository; templates: `samples.ts`. */
export interface Samples {
  readonly true: readonly (readonly string[])[]
  readonly alike: readonly (readonly string[])[]
}

/** Bytes of the longest match of any shape, and what must not stand behind it. */
export const LONGEST = 1536

/** A token whose bytes are this evenly chosen from a handful is a placeholder. */
const LEAST_ENTROPY = 2.2

export const SHAPES: readonly Shape[] = data.shapes.map((entry: ShapeEntry) =>
  readShape(entry, `token/${entry.id}`),
)

/** An entry of shapes.json; shapes.schema.json describes it, and a test holds the two together. */
export interface ShapeEntry extends TokenShape {
  readonly vendor: string
  readonly title: string
  readonly source: string
  readonly samples: Samples
}

export function readShape(entry: ShapeEntry, rule: string): Shape {
  const { id, vendor, title, source, samples } = entry
  return { ...scannedShape(entry, rule), id, vendor, title, source, samples }
}

/** Throws for a checksum that there is not. */
export function scannedShape(entry: TokenShape, rule: string): ScannedShape {
  const { checksum } = entry
  if (checksum !== undefined && !isChecksum(checksum))
    throw new TypeError(`shape ${entry.id}: no checksum ${checksum}`)
  return {
    rule,
    anchors: entry.anchors,
    offset: entry.offset ?? 0,
    lookback: entry.lookback,
    pattern: entry.pattern,
    anyCase: entry.anyCase ?? false,
    before: entry.before,
    after: entry.after,
    checksum,
    entropy: entry.entropy ?? LEAST_ENTROPY,
    documented: (entry.documented ?? []).map((parts) => parts.join('')),
  }
}
