/**
 * Looks through one text and every text it carries, to a fixed depth and within a fixed amount of work. What is beyond
 * either is a finding of its own: not looked at is never clean.
 */
import { readings } from './decode.ts'
import type { KnownSearch, KnownSecrets } from './known.ts'
import type { personalIn } from './personal.ts'
import type { Gathered, Layer } from './reading.ts'
import type { ShapeScanner } from './shapes/scanner.ts'

/** Layers of encoding that are undone, one inside the other. */
export const DEPTH = 4
/** Bytes looked at for each byte given, all layers together; ordinary traffic needs less than 3. */
const WORK_FACTOR = 24
const WORK_MIN = 256 * 1024
/** Bytes that all packed content of one text may be together, and how many are looked at for each. */
const UNPACKED = 16 * 1024 * 1024
const UNPACKED_FACTOR = 4

export interface Detectors {
  readonly known: KnownSecrets
  readonly shapes: ShapeScanner
  /** Absent: nobody asked for it. */
  readonly personal?: typeof personalIn
}

export interface Hit {
  /** Stable: `secret/<id>`, `placeholder/<id>`, `canary`, `token/<kind>`, `plugin/<detector>/<kind>`, `personal/<kind>`, `uninspectable/<why>`. */
  readonly rule: string
  /** In the text given; `start` is negative where it began before it. */
  readonly start: number
  readonly end: number
  /** Encodings undone on the way, outermost first. */
  readonly layers: readonly string[]
}

/** A piece of a stream: its first `seen` bytes have been looked at with what came before. */
export interface Streaming {
  readonly search: KnownSearch
  readonly seen: number
  /** The two bytes before the piece, as far as there are any. */
  readonly previous: Uint8Array
  /** Nothing follows. */
  readonly last: boolean
}

export interface Look {
  readonly hits: readonly Hit[]
  /** What follows cannot make a hit begin before here. */
  readonly settled: number
}

/** Without `streaming` the text stands alone. */
export function lookThrough(text: Buffer, detectors: Detectors, streaming?: Streaming): Look {
  const { known, shapes: tokens } = detectors
  const seen = streaming?.seen ?? 0
  const hits: Hit[] = []
  const found = streaming ? streaming.search.push(text.subarray(seen)) : known.searchWhole(text)
  for (const { rule, start, end } of found)
    hits.push({ rule, start: start + seen, end: end + seen, layers: [] })
  const shapes = tokens.scan(text, streaming)
  for (const { rule, start, end, documented } of shapes.hits)
    if (!documented) hits.push({ rule, start, end, layers: [] })
  const before = Buffer.from(streaming?.previous ?? [])
    .toString('latin1')
    .slice(-1)
  for (const hit of detectors.personal?.(text, streaming?.last, before) ?? [])
    hits.push({ ...hit, layers: [] })
  const inner = new Inner(detectors, Math.max(WORK_MIN, text.length * WORK_FACTOR))
  inner.look(text, [], (rule, start, end, layers) => hits.push({ rule, start, end, layers }))
  return { hits, settled: shapes.settled }
}

/** Looks at a text as it stands. */
export function lookAt(text: Buffer, { known, shapes }: Detectors): readonly Hit[] {
  const tokens = shapes.scan(text).hits.filter(({ documented }) => !documented)
  return [...known.searchWhole(text), ...tokens].map(({ rule, start, end }) => ({
    rule,
    start,
    end,
    layers: [],
  }))
}

type Report = (rule: string, start: number, end: number, layers: readonly string[]) => void

class Inner {
  readonly #detectors: Detectors
  #left: number
  #unpacked = UNPACKED

  constructor(detectors: Detectors, work: number) {
    this.#detectors = detectors
    this.#left = work
  }

  /** Reports with the place in `text`; `goesOn`: another reading has the rest of it; `isText`, `texts`: see `readings`. */
  look(
    text: Buffer,
    above: readonly string[],
    report: Report,
    goesOn = false,
    isText?: true,
    texts?: Buffer,
  ): void {
    for (const reading of readings(text, isText, texts)) {
      if ('each' in reading) {
        if (this.#isClean(reading, above)) continue
        for (const layer of reading.each()) if (!this.#look(layer, text, above, report, goesOn)) return
        continue
      }
      if ('opaque' in reading) {
        const { opaque, encoding, start, end } = reading
        if (opaque !== 'cut' || !goesOn) report(`uninspectable/${opaque}`, start, end, [...above, encoding])
        continue
      }
      if (!this.#look(reading, text, above, report, goesOn)) return
    }
  }

  /** Whether there is work left for another. */
  #look(reading: Layer, text: Buffer, above: readonly string[], report: Report, goesOn: boolean): boolean {
    const { encoding, bytes, texts, start, end } = reading
    const layers = [...above, encoding]
    if (reading.packed === true) {
      this.#unpacked -= bytes.length
      if (this.#unpacked < 0) {
        report('uninspectable/too-large', start, end, layers)
        return false
      }
      this.#left += bytes.length * UNPACKED_FACTOR
    }
    this.#left -= bytes.length
    if (this.#left < 0) {
      report('uninspectable/nested', 0, text.length, layers)
      return false
    }
    this.#detect(bytes, (rule) => report(rule, start, end, layers), texts)
    if (layers.length < DEPTH)
      this.look(
        bytes,
        layers,
        (rule, _start, _end, deep) => report(rule, start, end, deep),
        goesOn || reading.goesOn === true,
        undefined,
        texts,
      )
    return true
  }

  /** Whether nothing is found in layers that are looked through together; if not, each has to be looked at. */
  #isClean({ texts, letters }: Gathered, above: readonly string[]): boolean {
    let isClean = true
    const dirty = (): void => void (isClean = false)
    this.#left -= texts.length + letters.length
    if (this.#left < 0) return false
    if (this.#detectors.known.searchWhole(letters).length > 0) return false
    if (texts.length === 0) return true
    this.#detect(texts, dirty)
    const layers = [...above, 'gathered']
    if (isClean && layers.length < DEPTH) this.look(texts, layers, dirty, false, true)
    return isClean
  }

  #detect(bytes: Buffer, found: (rule: string) => void, texts = bytes): void {
    for (const { rule } of this.#detectors.known.searchWhole(bytes)) found(rule)
    for (const { rule, documented } of this.#detectors.shapes.scan(texts).hits) if (!documented) found(rule)
    for (const { rule } of this.#detectors.personal?.(texts) ?? []) found(rule)
  }
}
