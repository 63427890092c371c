/** What a kind of token is, and the one place where shapes.json is read. A new kind is a new entry there. */
import { isChecksum } from '../checksum.ts'
import type { Checksum } from '../checksum.ts'
import data from './shapes.json' with { type: 'json' }

export interface Shape {
  /** Stable: rules in policies and audits are `token/<id>`. */
  readonly id: string
  readonly vendor: string
  readonly title: string
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
  /** The vendor's document, or its well-known name. */
  readonly source: string
  /** Values that vendors print in documents; a hit of one is marked. */
  readonly documented: readonly string[]
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

export const SHAPES: readonly Shape[] = data.shapes.map(readShape)

/** An entry of shapes.json; shapes.schema.json describes it, and a test holds the two together. */
export interface ShapeEntry {
  readonly id: string
  readonly vendor: string
  readonly title: string
  readonly anchors: readonly string[]
  readonly offset?: number
  readonly lookback?: Lookback
  readonly pattern: string
  readonly anyCase?: boolean
  readonly before?: string
  readonly after?: string
  readonly checksum?: string
  readonly entropy?: number
  readonly source: string
  readonly documented?: readonly (readonly string[])[]
  readonly samples: Samples
}

function readShape(entry: ShapeEntry): Shape {
  const { checksum } = entry
  if (checksum !== undefined && !isChecksum(checksum))
    throw new TypeError(`shape ${entry.id}: no checksum ${checksum}`)
  return {
    id: entry.id,
    vendor: entry.vendor,
    title: entry.title,
    anchors: entry.anchors,
    offset: entry.offset ?? 0,
    lookback: entry.lookback,
    pattern: entry.pattern,
    anyCase: entry.anyCase ?? false,
    before: entry.before,
    after: entry.after,
    checksum,
    entropy: entry.entropy ?? LEAST_ENTROPY,
    source: entry.source,
    documented: (entry.documented ?? []).map((parts) => parts.join('')),
    samples: entry.samples,
  }
}
