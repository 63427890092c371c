/**
 * Looks for known secrets in a stream of text, by fingerprints. Of squashed text every fourth place is looked at: the
 * four bytes from there on tell nearly always that no form ends with them, or up to three bytes behind, so the cost per
 * byte does not depend on how many secrets there are. Pieces are one text: what is split between them is found.
 */
import { digestOf, glimpseOf, hashOf, SQUASHED, WINDOW } from './fingerprint.ts'
import { ForeignSecrets } from './foreign.ts'
import { byPair, TWO_BYTES, viewOf } from './view.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { NamedPrint } from '../../src/model/known.ts'

/** Where a known secret stands in the piece just given; `start` is negative when it began in an earlier one. */
export interface KnownHit {
  readonly id: string
  readonly rule: string
  readonly form: string
  readonly start: number
  readonly end: number
}

const isKept = (byte: number | undefined): boolean => SQUASHED[byte ?? 0] !== 0
const COUNT_SHIFT = 16
/** What two bytes are in squashed text, and above that how many are left of them. */
const SQUASHED_PAIRS = byPair(new Uint32Array(TWO_BYTES), (first, second) => {
  const one = SQUASHED[first] as number
  const two = SQUASHED[second] as number
  if (one === 0 || two === 0) return one + two === 0 ? 0 : (1 << COUNT_SHIFT) | one | two
  return (2 << COUNT_SHIFT) | (two << 8) | one
})
/** Squashed bytes by which most places are passed over. */
const GLIMPSE = 4

/** Larger texts are searched in slices: what is squashed stays in the cache of the processor, and none leaves its size behind. */
const SLICE = 16 * 1024

type Found = Pick<Fingerprint, 'id' | 'rule' | 'form' | 'length'>
/** Nobody who reads a refusal learns which. */
const OF_ANOTHER = { id: 'of-another-bottle', rule: 'secret/of-another-bottle', form: 'foreign' } as const
const NONE = { key: Buffer.alloc(0), prints: [] }

/** A set of fingerprints ready to search; shared by all searches. */
export class KnownSecrets {
  readonly #key: Buffer
  readonly #byTail = new Map<number, Fingerprint[]>()
  readonly #foreign: ForeignSecrets
  #scratch: KnownSearch | undefined
  /** By glimpse, a bit for each number of bytes behind it at which a form ends. */
  readonly filter = new Uint8Array(1 << 16)
  /** Of forms kept elsewhere only the last bytes are known: each place has to be looked at. */
  readonly dense: boolean
  /** Squashed bytes of the longest form. */
  readonly longest: number

  /** `key`: the one the digests were made with. `foreign`: values that this process never held. */
  constructor(
    key: Buffer,
    known: readonly Fingerprint[],
    foreign: { readonly key: Buffer; readonly prints: readonly NamedPrint[] } = NONE,
  ) {
    this.#key = key
    this.#foreign = new ForeignSecrets(foreign.key, foreign.prints)
    this.longest = Math.max(0, ...[...known, ...foreign.prints].map(({ length }) => length))
    this.dense = foreign.prints.length > 0
    const { filter } = this
    for (const { glimpse } of foreign.prints) filter[glimpse] = (filter[glimpse] ?? 0) | 1
    for (const one of known) {
      for (const [behind, glimpse] of one.glimpses.entries())
        filter[glimpse] = (filter[glimpse] ?? 0) | (1 << behind)
      const same = this.#byTail.get(one.tail)
      if (same) same.push(one)
      else this.#byTail.set(one.tail, [one])
    }
  }

  /** Searches one text that stands alone. */
  searchWhole(text: Uint8Array): readonly KnownHit[] {
    this.#scratch ??= new KnownSearch(this)
    this.#scratch.reset()
    if (text.length <= SLICE) return this.#scratch.push(text)
    const hits: KnownHit[] = []
    for (let from = 0; from < text.length; from += SLICE)
      for (const hit of this.#scratch.push(text.subarray(from, from + SLICE)))
        hits.push({ ...hit, start: hit.start + from, end: hit.end + from })
    return hits
  }

  get empty(): boolean {
    return this.longest === 0
  }

  /** The secret whose form ends at `end` of squashed text. */
  at(squashed: Uint8Array, end: number): Found | undefined {
    const own = this.#ownAt(squashed, end)
    if (own) return own
    const foreign = this.#foreign.at(squashed, end)
    if (foreign === undefined) return undefined
    const { rule, length } = foreign
    return rule === undefined ? { ...OF_ANOTHER, length } : { ...OF_ANOTHER, id: rule, rule, length }
  }

  #ownAt(squashed: Uint8Array, end: number): Found | undefined {
    if (end < WINDOW) return undefined
    return this.#byTail.get(hashOf(squashed, end - WINDOW, end))?.find(({ length, whole, digest }) => {
      const start = end - length
      return (
        start >= 0 &&
        hashOf(squashed, start, end) === whole &&
        digestOf(this.#key, squashed.subarray(start, end)) === digest
      )
    })
  }
}

export class KnownSearch {
  readonly #known: KnownSecrets
  /** Squashed text: what is carried from earlier pieces, then the piece. */
  #squashed: Uint8Array
  #view: DataView
  #carried = 0
  /** Where each carried byte stands, counted from the beginning of the next piece. */
  readonly #places: Int32Array

  constructor(known: KnownSecrets) {
    this.#known = known
    this.#squashed = new Uint8Array(known.longest + 1024)
    this.#view = new DataView(this.#squashed.buffer)
    this.#places = new Int32Array(known.longest)
  }

  /** The next piece begins another text. */
  reset(): void {
    this.#carried = 0
  }

  push(piece: Uint8Array): readonly KnownHit[] {
    const known = this.#known
    if (known.empty) return []
    this.#makeRoom(piece.length)
    const squashed = this.#squashed
    const begin = this.#carried
    const length = squashInto(this.#view, begin, piece)
    const place = this.#placing(piece)
    const hits: KnownHit[] = []
    const look = (end: number): void => {
      const found = known.at(squashed, end)
      if (found === undefined) return
      const { id, rule, form } = found
      hits.push({ id, rule, form, start: place(end - found.length), end: place(end - 1) + 1 })
    }
    if (known.dense) this.#atEach(begin, length, look)
    else this.#atFourth(begin, length, look)
    this.#carry(length, piece)
    return hits
  }

  /** Tells every place behind `begin`, up to `end`, where a form may end. */
  #atFourth(begin: number, end: number, onEnd: (end: number) => void): void {
    const { filter } = this.#known
    const view = this.#view
    // What ends less than four behind the last place before `begin` may end behind `begin`.
    const first = Math.max(0, (begin - GLIMPSE - 2) & -GLIMPSE)
    for (let at = first; at + GLIMPSE <= end; at += GLIMPSE) {
      const ends = filter[glimpseOf(view.getInt32(at))] as number
      if (ends === 0) continue
      for (let behind = 0; behind < GLIMPSE; behind++) {
        const formEnd = at + GLIMPSE + behind
        if (((ends >> behind) & 1) === 1 && formEnd > begin && formEnd <= end) onEnd(formEnd)
      }
    }
  }

  #atEach(begin: number, end: number, onEnd: (end: number) => void): void {
    const { filter } = this.#known
    const squashed = this.#squashed
    let glimpse = 0
    for (let at = Math.max(0, begin - GLIMPSE + 1); at < begin; at++)
      glimpse = (glimpse << 8) | (squashed[at] as number)
    for (let at = begin; at < end; at++) {
      glimpse = (glimpse << 8) | (squashed[at] as number)
      if (((filter[glimpseOf(glimpse)] as number) & 1) === 1) onEnd(at + 1)
    }
  }

  /** Where a squashed byte stands in the piece. Ends of hits rise, so that the walk over the piece is one. */
  #placing(piece: Uint8Array): (at: number) => number {
    const begin = this.#carried
    let reached = begin - 1
    let place = -1
    return (at) => {
      if (at < begin) return this.#places[at] as number
      for (; reached < at; reached++) {
        place += 1
        while (!isKept(piece[place])) place += 1
      }
      for (; reached > at; reached--) {
        place -= 1
        while (!isKept(piece[place])) place -= 1
      }
      return place
    }
  }

  #carry(length: number, piece: Uint8Array): void {
    const keep = Math.min(length, this.#known.longest)
    const before = Math.max(0, keep - (length - this.#carried))
    const places = this.#places
    for (let at = 0; at < before; at++)
      places[at] = (places[this.#carried - before + at] as number) - piece.length
    let place = piece.length
    for (let at = keep - 1; at >= before; at--) {
      place -= 1
      while (!isKept(piece[place])) place -= 1
      places[at] = place - piece.length
    }
    this.#squashed.copyWithin(0, length - keep, length)
    this.#carried = keep
  }

  #makeRoom(more: number): void {
    // Two more: what is not kept is written and then overwritten.
    const needed = this.#carried + more + 2
    if (needed <= this.#squashed.length) return
    const squashed = new Uint8Array(needed * 2)
    squashed.set(this.#squashed.subarray(0, this.#carried))
    this.#squashed = squashed
    this.#view = new DataView(squashed.buffer)
  }
}

/** Appends what a piece is when squashed. */
function squashInto(squashed: DataView, begin: number, piece: Uint8Array): number {
  const fours = piece.length & ~3
  let length = squashFours(squashed, begin, viewOf(piece), fours)
  for (let at = fours; at < piece.length; at++) {
    const byte = SQUASHED[piece[at] as number] as number
    squashed.setUint8(length, byte)
    length += byte === 0 ? 0 : 1
  }
  return length
}

/**
 * Without a branch, since text has no pattern that a processor could learn; and nothing behind the loop, for which
 * code that was compiled within it would be thrown away.
 */
function squashFours(squashed: DataView, begin: number, piece: DataView, end: number): number {
  let length = begin
  for (let at = 0; at < end; at += 4) {
    const four = piece.getInt32(at, true)
    const first = SQUASHED_PAIRS[four & 0xffff] as number
    const second = SQUASHED_PAIRS[four >>> 16] as number
    squashed.setInt16(length, first, true)
    length += first >>> COUNT_SHIFT
    squashed.setInt16(length, second, true)
    length += second >>> COUNT_SHIFT
  }
  return length
}
