/**
 * Short runs, decoded side by side and weighed: what is text in them is kept as texts, what can only hold a known secret as
 * letters, and what has to stand alone as it is.
 */
import { decodeBase64, decodeHex } from './bases.ts'
import type { Gathered, Layer } from './reading.ts'
import { FOLDED_MIN, HEX_SHIFTS, endOfHex, isEscapedSign, nextHex, SHIFTS } from './run-layers.ts'
import type { Place } from './run-layers.ts'
import { viewOf } from './view.ts'
import {
  ALONE, copyRows, ESCAPE, LETTERS, mayWeigh, PACKED_PAIR, TEXT, weightOf, WHOLE,
} from './weight.ts' // prettier-ignore

/** Longest run that is gathered. */
export const SHORT = 1024
/** Runs up to this length mostly weigh nothing, which is asked before they are decoded. */
const LIGHT = 128

/** Bytes of texts and of letters that are gathered before they are looked through. */
const PAGE = 32 * 1024
/** What one run can add to either: 3,072 bytes of base64 at all alignments, 1,024 of hexadecimal, and what ends its parts. */
const RUN_MOST = 8192
/**
 * Stands between gathered texts, so that what is found in one is found in all of them: no shape goes on over the end of a
 * line where it could end, no run and no escape goes on over two, and what tells text by its surroundings sees no more.
 */
export const BETWEEN = Buffer.alloc(24, '\n')

/** Whether packed content or an escape is in a text that stands alone. */
export type StandsAlone = (bytes: Buffer) => boolean
/** All layers of the run at a place. */
export type LayersAt = (place: Place) => Iterable<Layer>

interface Pages {
  readonly texts: Buffer
  readonly letters: Buffer
  /** A run without the ends of its lines. */
  readonly flat: Buffer
  /** What a run is, decoded. */
  readonly decoded: Buffer
}

/** Of gatherings that are over: one for each layer at most, since texts within texts are looked through first. */
const spare: Pages[] = []
const newPages = (): Pages => ({
  texts: Buffer.allocUnsafeSlow(PAGE + RUN_MOST),
  letters: Buffer.allocUnsafeSlow(PAGE + RUN_MOST),
  flat: Buffer.allocUnsafeSlow(SHORT),
  decoded: Buffer.allocUnsafeSlow(SHORT),
})

export class Gathering {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #layersAt: LayersAt
  readonly #standsAlone: StandsAlone
  readonly #pages = spare.pop() ?? newPages()
  #places: number[] = []
  #alone: Layer[] = []
  #textsEnd = 0
  #lettersEnd = 0

  constructor(bytes: Buffer, layersAt: LayersAt, standsAlone: StandsAlone) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#layersAt = layersAt
    this.#standsAlone = standsAlone
  }

  get hasRoom(): boolean {
    return Math.max(this.#textsEnd, this.#lettersEnd) <= PAGE
  }

  /** Base64, and what is hexadecimal in it. */
  add(start: number, end: number): void {
    this.#places.push(start, end)
    if (end - start <= FOLDED_MIN) return this.#read(this.#bytes, this.#view, start, end, start, end)
    const { flat } = this.#pages
    this.#read(flat, viewOf(flat), 0, flatten(this.#bytes, start, end, flat), start, end)
  }

  addHex(start: number, end: number): void {
    this.#places.push(start, end)
    this.#readHex(this.#bytes, start, end, start, end)
  }

  /** What was added, once; what is read is good until the next is asked for. */
  *readings(): Generator<Layer | Gathered> {
    const { texts, letters } = this.#pages
    const places = this.#places
    const layersAt = this.#layersAt
    yield* this.#alone
    yield {
      texts: texts.subarray(0, this.#textsEnd),
      letters: letters.subarray(0, this.#lettersEnd),
      *each() {
        for (let at = 0; at < places.length; at += 2)
          yield* layersAt({ start: places[at] as number, end: places[at + 1] as number })
      },
    }
    this.#places = []
    this.#alone = []
    this.#textsEnd = this.#lettersEnd = 0
  }

  /** The last that is asked of it. */
  close(): void {
    spare.push(this.#pages)
  }

  /** A run in bytes or without the ends of its lines; `start` and `end`: where it stands. */
  #read(bytes: Buffer, view: DataView, from: number, to: number, start: number, end: number): void {
    const { decoded } = this.#pages
    const isLight = to - from <= LIGHT
    for (let shift = 0; shift < SHIFTS; shift++) {
      if (isLight && !mayWeigh(view, from + shift, to)) continue
      this.#weigh('base64', decodeBase64(view, from + shift, to, decoded, 0), start, end)
    }
    this.#readHex(bytes, from, to, start, end)
  }

  #readHex(bytes: Buffer, from: number, to: number, start: number, end: number): void {
    const { decoded } = this.#pages
    let hexEnd = 0
    for (let at = nextHex(bytes, from, to); at !== -1; at = nextHex(bytes, hexEnd, to)) {
      hexEnd = endOfHex(bytes, at, to)
      for (let shift = 0; shift < HEX_SHIFTS; shift++)
        this.#weigh('hex', decodeHex(bytes, at + shift, hexEnd, decoded, 0), start, end)
    }
  }

  /** Of what has been decoded, so many bytes, is kept what can hold anything. */
  #weigh(encoding: string, length: number, start: number, end: number): void {
    const { decoded } = this.#pages
    let weight = weightOf(decoded, 0, length, PACKED_PAIR | ESCAPE)
    // Two bytes look like the beginning of either by chance, mostly.
    if (weight === ALONE && !this.#standsAlone(decoded.subarray(0, length)))
      weight = weightOf(decoded, 0, length, 0)
    switch (weight) {
      case WHOLE:
        this.#keep(length)
        break
      case TEXT:
        this.#keepRows(length)
        break
      case LETTERS:
        this.#keepLetters(length)
        break
      case ALONE: {
        const goesOn = encoding === 'base64' && isEscapedSign(this.#bytes, end)
        this.#alone.push({ encoding, bytes: Buffer.from(decoded.subarray(0, length)), start, end, goesOn })
      }
    }
  }

  #keep(length: number): void {
    const { texts, decoded } = this.#pages
    this.#textsEnd += decoded.copy(texts, this.#textsEnd, 0, length)
    this.#textsEnd += BETWEEN.copy(texts, this.#textsEnd)
  }

  /** What is text, and for a known secret all of it where that is not all text. */
  #keepRows(length: number): void {
    const { texts, decoded } = this.#pages
    const rowsEnd = copyRows(decoded, 0, length, texts, this.#textsEnd)
    if (rowsEnd - this.#textsEnd < length) this.#keepLetters(length)
    this.#textsEnd = rowsEnd + BETWEEN.copy(texts, rowsEnd)
  }

  #keepLetters(length: number): void {
    const { letters, decoded } = this.#pages
    this.#lettersEnd += decoded.copy(letters, this.#lettersEnd, 0, length)
  }
}

const [LF, CR, BACKSLASH, N, R] = [0x0a, 0x0d, 0x5c, 0x6e, 0x72]

/** Leaves out the ends of lines, and says how long the rest is. */
function flatten(bytes: Buffer, start: number, end: number, to: Buffer): number {
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === LF || byte === CR) continue
    if (byte === BACKSLASH && (bytes[at + 1] === N || bytes[at + 1] === R)) {
      at += 1
      continue
    }
    to[length++] = byte
  }
  return length
}
