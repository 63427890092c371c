/**
 * Finds tokens of known shapes in bytes. A search for anchors (`literals.ts`) proposes places; at each one its shape
 * looks at the fixed first bytes, then at how far bytes that can belong to it go on, and only then runs its pattern. So the
 * work at one place ends at the shape's longest match, and hostile bytes cost a constant factor, never a square.
 *
 * In a stream: scan what there is; send on everything before `settled`, for nothing that follows can make a hit begin
 * there; scan again what lies from `settled` on with the next piece behind it, and as `previous` the two bytes before
 * it. However a stream is cut, the hits are those of one piece, each reported once, and `last` settles the rest. The one
 * exception: of hits that overlap in a chain longer than `LONGEST`, later ones may begin elsewhere.
 */
import { entropy } from '../checksum.ts'
import { Literals } from '../literals.ts'
import { anchorsOf, compileShape, leadOf } from './compile.ts'
import type { CompiledShape } from './compile.ts'
import type { Row } from './pattern.ts'
import { LONGEST, SHAPES } from './shape.ts'
import type { ScannedShape } from './shape.ts'

export interface Hit {
  /** `token/<id of the shape>`, or of a detector's: `plugin/<detector>/<id>`. */
  readonly rule: string
  readonly start: number
  readonly end: number
  /** A vendor prints this value in documents: nobody's secret. */
  readonly documented: boolean
}

export interface ScanOptions {
  /** Nothing follows. Default: true. */
  readonly last?: boolean
  /** The bytes before the first one, of which two count; default: none, the stream begins here. */
  readonly previous?: Uint8Array | undefined
}

export interface ShapeScan {
  /** By place of their anchors. Matches of different shapes may overlap, those of one shape do not. */
  readonly hits: readonly Hit[]
  /** Bytes before this offset need not be seen again: at most `LONGEST` from the end, the end itself if `last`. */
  readonly settled: number
  /** Bytes looked at beyond the one search for anchors. */
  readonly examined: number
}

export interface ShapeScanner {
  scan(bytes: Buffer, options?: ScanOptions): ShapeScan
}

export function createShapeScanner(shapes: readonly ScannedShape[] = SHAPES): ShapeScanner {
  const anchors = shapes.flatMap((shape, index) => anchorsOf(shape).map((places) => ({ index, places })))
  const literals = new Literals(anchors.map(({ places }) => places))
  const shapeOf = anchors.map(({ index }) => index)
  const leads = shapes.map(leadOf)
  const leading = [...leads.keys()].filter((index) => leads[index] !== 0)
  // Most shapes are never met: a process compiles those that it meets.
  const compiled: (CompiledShape | undefined)[] = shapes.map(() => undefined)
  const compiledAt = (index: number): CompiledShape | undefined => {
    const shape = shapes[index]
    return (compiled[index] ??= shape && compileShape(shape))
  }
  return {
    scan(bytes, { last = true, previous = NOTHING } = {}) {
      const look = new Look(bytes, previous, last)
      literals.find(bytes, (literal, at) => {
        const index = shapeOf[literal] ?? 0
        const shape = compiled[index] ?? compiledAt(index)
        if (shape) look.at(shape, at)
      })
      if (!last) {
        literals.begun(bytes, (literal, length) => look.hold(length + (leads[shapeOf[literal] ?? 0] ?? 0)))
        for (const index of leading) {
          const shape = compiledAt(index)
          if (shape?.leading) look.hold(runBefore(bytes, bytes.length, shape.leading, shape.lead))
        }
      }
      return look.result()
    },
  }
}

/** Text for patterns is made in pieces of at least this many bytes, so that a body is never copied whole. */
const TEXT = 4096

/** One look at one piece. */
class Look {
  readonly #bytes: Buffer
  readonly #previous: Uint8Array
  readonly #last: boolean
  readonly #hits: Hit[] = []
  readonly #latest = new Map<CompiledShape, Hit>()
  #undecided: number
  #examined = 0
  #text = ''
  #textFrom = 0

  constructor(bytes: Buffer, previous: Uint8Array, last: boolean) {
    this.#bytes = bytes
    this.#previous = previous
    this.#last = last
    this.#undecided = bytes.length
  }

  /** The last so many bytes wait. */
  hold(length: number): void {
    this.#undecided = Math.max(0, Math.min(this.#undecided, this.#bytes.length - length))
  }

  /** What begins in bytes that are looked at again, or goes on into them, is found again. */
  result(): ShapeScan {
    const least = this.#bytes.length - LONGEST
    const late = this.#last ? [] : this.#hits.filter(({ start, end }) => start >= least && end > least)
    for (let moved = true; moved;) {
      const cut = late.find(({ start, end }) => start < this.#undecided && end > this.#undecided)
      moved = cut !== undefined
      if (cut) this.#undecided = cut.start
    }
    const settled = this.#undecided
    return { hits: this.#hits.filter(({ start }) => start < settled), settled, examined: this.#examined }
  }

  at(shape: CompiledShape, anchor: number): void {
    const bytes = this.#bytes
    const { leading, lead, searched, before } = shape
    const latest = this.#latest.get(shape)
    const start = anchor - (searched && leading ? runBefore(bytes, anchor, leading, lead) : lead)
    if (start < 0 || (latest && latest.start <= start && start < latest.end)) return
    if (before?.[this.#byte(start - 1)] === 1 && !this.#isEscape(start - 2)) return
    const extent = this.#extent(shape, start)
    if (extent === 0) return
    // Bytes of the shape up to the end, and one more could still matter.
    if (!this.#last && start + extent === bytes.length && extent <= shape.max) {
      this.hold(extent)
      return
    }
    if (extent >= shape.min) this.#settle(shape, start, Math.min(extent, shape.max))
  }

  /** -1 where the stream begins. */
  #byte(at: number): number {
    return (at < 0 ? this.#previous[this.#previous.length + at] : this.#bytes[at]) ?? -1
  }

  /** A line break or tabulator as JSON and programs write them, whose letter is not a neighbour's. */
  #isEscape(at: number): boolean {
    return this.#byte(at) === BACKSLASH && ESCAPES.includes(this.#byte(at + 1))
  }

  /** How far from start, at most one beyond the longest match, a match may go on; 0: none can begin so. */
  #extent({ head, rest, max }: CompiledShape, start: number): number {
    const bytes = this.#bytes
    const end = Math.min(bytes.length, start + max + 1)
    let at = start
    for (let place = 0; place < head.length && at < end; place++, at++) {
      if (head[place]?.[bytes[at] ?? 0] !== 1) {
        this.#examined += at - start + 1
        return 0
      }
    }
    // Far from the end nothing hangs on where the run stops, and for a short shape the pattern finds that out sooner.
    if (max <= SHORT && start + max < bytes.length) at = Math.max(at, start + max)
    else while (at < end && rest[bytes[at] ?? 0] === 1) at++
    this.#examined += at - start
    return at - start
  }

  #settle(shape: CompiledShape, start: number, extent: number): void {
    const { expression, rule, row, after, holds, documented } = shape
    if (row && !hasRow(this.#bytes, start, start + extent, row)) return
    const text = this.#textAt(start, extent)
    expression.lastIndex = start - this.#textFrom
    const found = expression.exec(text)
    this.#examined += extent
    if (!found) return
    const end = start + found[0].length
    if (after !== undefined && end < this.#bytes.length && after[this.#bytes[end] ?? 0] === 1) return
    const value = found[1] ?? found[0]
    if (holds && !holds(value)) return
    if (value.length >= EVEN && entropy(value) < shape.entropy) return
    const hit = { rule, start, end, documented: documented.has(value) }
    this.#latest.set(shape, hit)
    this.#hits.push(hit)
  }

  /** Text that holds the place; `#textFrom` is where it begins. */
  #textAt(start: number, extent: number): string {
    const missing = start < this.#textFrom || start + extent > this.#textFrom + this.#text.length
    if (missing) {
      this.#text = this.#bytes.toString('latin1', start, start + Math.max(TEXT, extent))
      this.#textFrom = start
    }
    return this.#text
  }
}

/** Bytes: a longest match up to which patterns run at once. */
const SHORT = 224

const NOTHING = new Uint8Array(0)
const BACKSLASH = 0x5c
const ESCAPES = Buffer.from('nrt')

/** Shorter values can be anything; of these, entropy says nothing. */
const EVEN = 8

/** Looks backwards from where a row would be long enough. */
function hasRow(bytes: Buffer, start: number, end: number, { set, length }: Row): boolean {
  for (let from = start; from + length <= end;) {
    let last = from + length - 1
    while (last >= from && set[bytes[last] as number] === 1) last -= 1
    if (last < from) return true
    from = last + 1
  }
  return false
}

function runBefore(bytes: Buffer, end: number, set: Uint8Array, most: number): number {
  let begin = end
  const least = Math.max(0, end - most)
  while (begin > least && set[bytes[begin - 1] ?? 0] === 1) begin--
  return end - begin
}
