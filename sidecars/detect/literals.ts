/**
 * Where any of many short literals may stand in bytes: a Wu–Manber search with blocks of three bytes. Every literal has
 * at least four places, so one of two neighbouring blocks of it begins at an even distance from where the search began,
 * and looking at every second block finds each literal exactly once: the longest shift that Wu and Manber allow, but
 * constant, so that no step waits for the one before. Both blocks lie in a window of four places, so a block that is
 * known is asked about with the byte behind it or before it, which leaves next to nothing of ordinary text. A place of a
 * literal is a set of bytes, which covers literals in any case and ends like `hf_[A-Za-z]`.
 */
import type { ByteSet } from './shapes/pattern.ts'
import { viewOf } from './view.ts'

export const SHORTEST_LITERAL = 4
/** Hashes of blocks have so many bits. */
const BITS = 19

/** Bytes that are searched at a time; even. */
const SLICE = 8192

/** Called with the index of a literal and the offset where it begins. */
export type OnLiteral = (literal: number, at: number) => void

export class Literals {
  readonly #places: readonly (readonly ByteSet[])[]
  /** Hashes of blocks: one bit each, small enough to stay near the processor. */
  readonly #known = new Bits()
  /** Hashes of windows, as a block and its neighbour. */
  readonly #windows = new Bits()
  /** Known blocks of a slice, by their distance from its beginning: one search runs at a time. */
  readonly #blocks = new Uint16Array(SLICE / 2)
  /** By hash of a known block: where its entries begin in `#entries`. */
  readonly #first = new Map<number, number>()
  /** Runs of (literal, distance of the block from its beginning), each run closed by -1. */
  readonly #entries: Int16Array
  /** By byte: (literal, length) of every proper beginning that can end with that byte; made for the first stream. */
  #beginnings: readonly Int16Array[] | undefined

  constructor(literals: readonly (readonly ByteSet[])[]) {
    if (literals.length > LITERALS || literals.some(({ length }) => length > DISTANCES))
      throw new RangeError('too many literals, or too long')
    this.#places = literals
    const sets = new Sets()
    const entries: number[] = []
    for (const [literal, places] of literals.entries()) {
      if (places.length < SHORTEST_LITERAL) throw new RangeError(`literal ${literal} is too short`)
      const distance = sets.rarestWindow(places)
      const as = sets.members(places[distance])
      const bs = sets.members(places[distance + 1])
      const cs = sets.members(places[distance + 2])
      const ds = sets.members(places[distance + 3])
      for (const b of bs)
        for (const c of cs) {
          for (const a of as) {
            const hash = blockHash(a, b, c)
            this.#known.add(hash)
            entries.push(entryOf(hash, literal, distance))
            for (const d of ds) this.#windows.add(windowHash(hash, d, BEHIND))
          }
          for (const d of ds) {
            const hash = blockHash(b, c, d)
            this.#known.add(hash)
            entries.push(entryOf(hash, literal, distance + 1))
            for (const a of as) this.#windows.add(windowHash(hash, a, BEFORE))
          }
        }
    }
    this.#entries = this.#runsOf(Float64Array.from(entries).sort())
  }

  /** Every literal that lies wholly in bytes, by the place of its block, so nearly in order. */
  find(bytes: Uint8Array, onLiteral: OnLiteral): void {
    const blocks = this.#blocks
    const view = viewOf(bytes)
    for (let from = 0; from < bytes.length - 3; from += SLICE) {
      const count = this.#knownBlocks(view, from)
      for (let index = 0; index < count; index++)
        this.#look(bytes, from + (blocks[index] as number), onLiteral)
    }
    // The last block has no byte behind it, and stands there if its distance is even.
    if (bytes.length >= 3 && bytes.length % 2 === 1) this.#look(bytes, bytes.length - 3, onLiteral)
  }

  /** Notes known blocks of one slice, and says how many: nearly all the time is spent here, on nothing else. */
  #knownBlocks(view: DataView, from: number): number {
    const known = this.#known.words
    const blocks = this.#blocks
    const last = Math.min(view.byteLength - 3, from + SLICE)
    let count = 0
    for (let at = from; at < last; at += 2) {
      const hash = hashOfBlock(view.getInt32(at, true))
      blocks[count] = at - from
      count += ((known[hash >>> 5] as number) >>> (hash & 31)) & 1
    }
    return count
  }

  #look(bytes: Uint8Array, block: number, onLiteral: OnLiteral): void {
    const hash = blockHash(bytes[block] ?? 0, bytes[block + 1] ?? 0, bytes[block + 2] ?? 0)
    if (!this.#isWindow(bytes, block, hash)) return
    const run = this.#first.get(hash)
    if (run !== undefined) this.#settle(bytes, block, run, onLiteral)
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

  /** Of entries in ascending order. */
  #runsOf(entries: Float64Array): Int16Array {
    const runs = new Int16Array(3 * entries.length + 1)
    let length = 0
    let last = -1
    let previous = -1
    for (const entry of entries) {
      // Two blocks of one literal can have one hash.
      if (entry === previous) continue
      previous = entry
      const distance = entry % DISTANCES
      const numbered = (entry - distance) / DISTANCES
      const literal = numbered % LITERALS
      const hash = (numbered - literal) / LITERALS
      if (hash !== last) {
        if (last !== -1) runs[length++] = -1
        this.#first.set(hash, length)
        last = hash
      }
      runs[length++] = literal
      runs[length++] = distance
    }
    runs[length++] = -1
    return runs.slice(0, length)
  }

  /** Literals that the end of bytes may be the beginning of, with how many bytes of each are there. */
  begun(bytes: Uint8Array, onBegun: (literal: number, length: number) => void): void {
    this.#beginnings ??= beginningsOf(this.#places)
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

const LITERALS = 1 << 15
const DISTANCES = 1 << 8

/** One number in the order of hash, literal, distance. */
function entryOf(hash: number, literal: number, distance: number): number {
  return (hash * LITERALS + literal) * DISTANCES + distance
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

const blockHash = (a: number, b: number, c: number): number => hashOfBlock((c << 16) | (b << 8) | a)

/** Knuth's multiplicative hash of the three lowest bytes. */
function hashOfBlock(four: number): number {
  return Math.imul(four << 8, 0x9e3779b1) >>> (32 - BITS)
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

function beginningsOf(literals: readonly (readonly ByteSet[])[]): readonly Int16Array[] {
  const sets = new Sets()
  const beginnings = Array.from({ length: 256 }, (): number[] => [])
  for (const [literal, places] of literals.entries())
    for (let length = 1; length < places.length; length++)
      for (const byte of sets.members(places[length - 1])) beginnings[byte]?.push(literal, length)
  return beginnings.map((lists) => Int16Array.from(lists))
}

/** What is asked of sets of bytes, once of each: literals have few. */
class Sets {
  readonly #members = new Map<ByteSet, readonly number[]>()
  readonly #weights = new Map<ByteSet, number>()

  members(set: ByteSet | undefined): readonly number[] {
    if (set === undefined) return []
    let members = this.#members.get(set)
    if (members === undefined) {
      members = [...set.keys()].filter((byte) => set[byte] === 1)
      this.#members.set(set, members)
    }
    return members
  }

  /** Where the four places begin that ordinary text has least often. */
  rarestWindow(places: readonly ByteSet[]): number {
    const weights = places.map((set) => this.#weight(set))
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

  #weight(set: ByteSet): number {
    let weight = this.#weights.get(set)
    if (weight === undefined) {
      weight = this.members(set).reduce((sum, byte) => sum + frequency(byte), 0)
      this.#weights.set(set, weight)
    }
    return weight
  }
}

/** About how often a byte stands in text and in code, per hundred. */
function frequency(byte: number): number {
  const sign = String.fromCharCode(byte)
  if ('etaoinsr'.includes(sign)) return 6
  if ('hldcumfpgwyb'.includes(sign)) return 2.5
  if (/[a-z ]/.test(sign)) return 1
  if (/[0-9A-Z"=:,.;()/]/.test(sign)) return 0.7
  return 0.4
}
