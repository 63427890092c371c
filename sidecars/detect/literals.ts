/**
 * Where any of many short literals may stand in bytes: a Wu–Manber search with blocks of three bytes. Every literal has
 * at least four places, so one of two neighbouring blocks of it begins at an even distance from where the search began,
 * and looking at every second block finds each literal exactly once: the longest shift that Wu and Manber allow, but
 * constant, so that no step waits for the one before. Both blocks lie in a window of four places, so a block that is
 * known is asked about with the byte behind it or before it, which leaves next to nothing of ordinary text. A place of a
 * literal is a set of bytes, which covers literals in any case and ends like `hf_[A-Za-z]`.
 */
import type { ByteSet } from './shapes/pattern.ts'

export const SHORTEST_LITERAL = 4
/** Hashes of blocks have so many bits. */
const BITS = 19

/** Called with the index of a literal and the offset where it begins. */
export type OnLiteral = (literal: number, at: number) => void

export class Literals {
  readonly #places: readonly (readonly ByteSet[])[]
  /** Hashes of blocks: one bit each, small enough to stay near the processor. */
  readonly #known = new Bits()
  /** Hashes of windows, as a block and its neighbour. */
  readonly #windows = new Bits()
  /** By hash of a known block: where its entries begin in `#entries`. */
  readonly #first = new Map<number, number>()
  /** Runs of (literal, distance of the block from its beginning), each run closed by -1. */
  readonly #entries: Int16Array
  /** By byte: (literal, length) of every proper beginning that can end with that byte. */
  readonly #beginnings: readonly Int16Array[]

  constructor(literals: readonly (readonly ByteSet[])[]) {
    this.#places = literals
    const runs = new Map<number, number[]>()
    literals.forEach((places, literal) => {
      if (places.length < SHORTEST_LITERAL) throw new RangeError(`literal ${literal} is too short`)
      const distance = rarestWindow(places)
      const enter = (hash: number, from: number): void => {
        const run = runs.get(hash) ?? []
        if (run.at(-2) !== literal || run.at(-1) !== from) run.push(literal, from)
        runs.set(hash, run)
      }
      const [as = [], bs = [], cs = [], ds = []] = places.slice(distance, distance + 4).map(members)
      for (const b of bs)
        for (const c of cs) {
          for (const a of as) enter(blockHash(a, b, c), distance)
          for (const d of ds) enter(blockHash(b, c, d), distance + 1)
          for (const a of as)
            for (const d of ds) {
              this.#windows.add(windowHash(blockHash(a, b, c), d, BEHIND))
              this.#windows.add(windowHash(blockHash(b, c, d), a, BEFORE))
            }
        }
    })
    const entries: number[] = []
    for (const [hash, run] of runs) {
      this.#first.set(hash, entries.length)
      this.#known.add(hash)
      entries.push(...run, -1)
    }
    if (literals.length > 0x7fff) throw new RangeError('too many literals')
    this.#entries = Int16Array.from(entries)
    const beginnings = Array.from({ length: 256 }, (): number[] => [])
    literals.forEach((places, literal) => {
      for (let length = 1; length < places.length; length++)
        for (const byte of members(places[length - 1])) beginnings[byte]?.push(literal, length)
    })
    this.#beginnings = beginnings.map((lists) => Int16Array.from(lists))
  }

  /** Every literal that lies wholly in bytes, by the place of its block, so nearly in order. */
  find(bytes: Uint8Array, onLiteral: OnLiteral): void {
    const known = this.#known.words
    const last = bytes.length - 2
    if (last < 1) return
    let a = bytes[0] ?? 0
    for (let i = 0; i < last; i += 2) {
      const c = bytes[i + 2] ?? 0
      const hash = blockHash(a, bytes[i + 1] ?? 0, c)
      if (((known[hash >>> 5] ?? 0) >>> (hash & 31)) & 1 && this.#isWindow(bytes, i, hash))
        this.#settle(bytes, i, this.#first.get(hash) ?? 0, onLiteral)
      a = c
    }
  }

  #isWindow(bytes: Uint8Array, block: number, hash: number): boolean {
    const windows = this.#windows
    return (
      (block + 3 < bytes.length && windows.has(windowHash(hash, bytes[block + 3] ?? 0, BEHIND))) ||
      (block > 0 && windows.has(windowHash(hash, bytes[block - 1] ?? 0, BEFORE)))
    )
  }

  #settle(bytes: Uint8Array, block: number, run: number, onLiteral: OnLiteral): void {
    const entries = this.#entries
    for (let entry = run; (entries[entry] ?? -1) >= 0; entry += 2) {
      const literal = entries[entry] ?? 0
      const begin = block - (entries[entry + 1] ?? 0)
      const places = this.#places[literal]
      if (places !== undefined && stands(bytes, begin, places, places.length)) onLiteral(literal, begin)
    }
  }

  /** Literals that the end of bytes may be the beginning of, with how many bytes of each are there. */
  begun(bytes: Uint8Array, onBegun: (literal: number, length: number) => void): void {
    const beginnings = this.#beginnings[bytes[bytes.length - 1] ?? 0]
    if (bytes.length === 0 || beginnings === undefined) return
    for (let entry = 0; entry < beginnings.length; entry += 2) {
      const literal = beginnings[entry] ?? 0
      const length = beginnings[entry + 1] ?? 0
      const places = this.#places[literal]
      if (places !== undefined && stands(bytes, bytes.length - length, places, length))
        onBegun(literal, length)
    }
  }
}

/** A set of hashes. */
class Bits {
  readonly words = new Int32Array(1 << (BITS - 5))

  add(hash: number): void {
    this.words[hash >>> 5] = (this.words[hash >>> 5] ?? 0) | (1 << (hash & 31))
  }

  has(hash: number): boolean {
    return (((this.words[hash >>> 5] ?? 0) >>> (hash & 31)) & 1) === 1
  }
}

/** Knuth's multiplicative hash of three bytes. */
function blockHash(a: number, b: number, c: number): number {
  return Math.imul((a << 16) | (b << 8) | c, 0x9e3779b1) >>> (32 - BITS)
}

/** Of a block by its hash, and the byte beside it; odd factors tell the sides apart. */
function windowHash(block: number, beside: number, side: number): number {
  return Math.imul((block << 8) ^ beside, side) >>> (32 - BITS)
}

const BEHIND = 0x85ebca6b
const BEFORE = 0xc2b2ae35

function stands(bytes: Uint8Array, begin: number, places: readonly ByteSet[], length: number): boolean {
  if (begin < 0 || begin + length > bytes.length) return false
  for (let place = 0; place < length; place++) {
    const set = places[place]
    if (set === undefined || (set[bytes[begin + place] ?? 0] ?? 0) === 0) return false
  }
  return true
}

/** Where the four places begin that ordinary text has least often. */
function rarestWindow(places: readonly ByteSet[]): number {
  const weights = places.map((set) => members(set).reduce((sum, byte) => sum + weight(byte), 0))
  let rarest = 0
  let least = Infinity
  for (let begin = 0; begin + SHORTEST_LITERAL <= places.length; begin++) {
    const [a = 0, b = 0, c = 0, d = 0] = weights.slice(begin, begin + SHORTEST_LITERAL)
    const often = a * b * c + b * c * d
    if (often < least) {
      least = often
      rarest = begin
    }
  }
  return rarest
}

/** About how often a byte stands in text and in code, per hundred. */
function weight(byte: number): number {
  const sign = String.fromCharCode(byte)
  if ('etaoinsr'.includes(sign)) return 6
  if ('hldcumfpgwyb'.includes(sign)) return 2.5
  if (/[a-z ]/.test(sign)) return 1
  if (/[0-9A-Z"=:,.;()/]/.test(sign)) return 0.7
  return 0.4
}

function members(set: ByteSet | undefined): readonly number[] {
  const bytes: number[] = []
  for (let byte = 0; byte < 256; byte++) if (set?.[byte] === 1) bytes.push(byte)
  return bytes
}
