/**
 * Looks for known secrets in a stream of text, by fingerprints. One rolling hash over squashed text, so the cost per
 * byte does not depend on how many secrets there are. Pieces are one text: what is split between them is found.
 */
import { digestOf, hashOf, OLDEST, SQUASHED, step, WINDOW } from './fingerprint.ts'
import type { Fingerprint } from './fingerprint.ts'

/** Where a known secret stands in the piece just given; `start` is negative when it began in an earlier one. */
export interface KnownHit {
  readonly id: string
  readonly form: string
  readonly start: number
  readonly end: number
}

/** What a byte still weighs in the hash when it leaves the window. */
const LEAVING = Int32Array.from({ length: 256 }, (_, byte) => Math.imul(OLDEST, byte))

const FILTER_BITS = 16
const filterOf = (hash: number): number => (hash ^ (hash >>> FILTER_BITS)) & ((1 << FILTER_BITS) - 1)

/** A set of fingerprints ready to search; shared by all searches. */
export class KnownSecrets {
  readonly #key: Buffer
  readonly #byTail = new Map<number, Fingerprint[]>()
  readonly filter = new Uint8Array(1 << FILTER_BITS)
  /** Squashed bytes of the longest form. */
  readonly longest: number

  /** `key`: the one the digests were made with. */
  constructor(key: Buffer, known: readonly Fingerprint[]) {
    this.#key = key
    this.longest = Math.max(0, ...known.map(({ length }) => length))
    for (const one of known) {
      this.filter[filterOf(one.tail)] = 1
      const same = this.#byTail.get(one.tail)
      if (same) same.push(one)
      else this.#byTail.set(one.tail, [one])
    }
  }

  get empty(): boolean {
    return this.longest === 0
  }

  /** The secret whose form ends at `end` of squashed text that begins with `from`. */
  at(squashed: Uint8Array, from: number, end: number, tail: number): Fingerprint | undefined {
    return this.#byTail.get(tail)?.find(({ length, whole, digest }) => {
      const start = end - length
      return (
        start >= from &&
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
  /** Where each squashed byte stands in the piece; negative for carried ones. */
  #places: Int32Array
  #carried = 0
  #hash = 0

  constructor(known: KnownSecrets) {
    this.#known = known
    this.#squashed = new Uint8Array(known.longest + 1024)
    this.#places = new Int32Array(known.longest + 1024)
  }

  push(piece: Uint8Array): readonly KnownHit[] {
    const known = this.#known
    if (known.empty) return []
    this.#makeRoom(piece.length)
    const squashed = this.#squashed
    const places = this.#places
    const { filter } = known
    const hits: KnownHit[] = []
    let length = this.#carried
    let hash = this.#hash
    for (let at = 0; at < piece.length; at++) {
      const byte = SQUASHED[piece[at] as number] as number
      if (byte === 0) continue
      hash = step(hash, byte)
      if (length >= WINDOW) hash = (hash - (LEAVING[squashed[length - WINDOW] as number] as number)) | 0
      squashed[length] = byte
      places[length] = at
      length += 1
      if (filter[(hash ^ (hash >>> FILTER_BITS)) & 0xffff] === 0) continue
      const found = known.at(squashed, 0, length, hash)
      if (found === undefined) continue
      hits.push({
        id: found.id,
        form: found.form,
        start: places[length - found.length] as number,
        end: at + 1,
      })
    }
    this.#hash = hash
    this.#carry(length, piece.length)
    return hits
  }

  #carry(length: number, consumed: number): void {
    const keep = Math.min(length, this.#known.longest)
    this.#squashed.copyWithin(0, length - keep, length)
    this.#places.copyWithin(0, length - keep, length)
    for (let at = 0; at < keep; at++) this.#places[at] = (this.#places[at] as number) - consumed
    this.#carried = keep
  }

  #makeRoom(more: number): void {
    const needed = this.#carried + more
    if (needed <= this.#squashed.length) return
    const squashed = new Uint8Array(needed * 2)
    const places = new Int32Array(needed * 2)
    squashed.set(this.#squashed.subarray(0, this.#carried))
    places.set(this.#places.subarray(0, this.#carried))
    this.#squashed = squashed
    this.#places = places
  }
}
