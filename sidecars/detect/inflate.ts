/**
 * Deflate (RFC 1951) from any place of bytes, with what zlib does not give: the output before a fault, at next to no cost
 * where there is nothing packed. Checksums are not compared: what reads is looked at.
 */

/** `damaged` and `cut`: output is what came before. `too-large`: the first `most` bytes of it. */
export interface Inflated {
  readonly bytes: Buffer
  readonly end: 'done' | 'cut' | 'damaged' | 'too-large'
}

export function inflate(bytes: Uint8Array, from: number, most: number): Inflated {
  const stream = new Stream(bytes, from, most)
  const end = stream.run()
  // Most attempts read nothing.
  return { bytes: stream.length === 0 ? NOTHING : Buffer.from(output.subarray(0, stream.length)), end }
}

const NOTHING = Buffer.alloc(0)

const shortAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8)

/** Room for what is read, shared by all calls: one runs at a time. */
let output = new Uint8Array(16 * 1024)

const LONGEST_CODE = 15
/** Codes of up to so many bits are looked up at once. */
const DIRECT = 9

/** A canonical Huffman code. */
interface Code {
  /** By the next `DIRECT` bits: symbol << 4 | length; 0: longer, or none. */
  readonly direct: Uint16Array
  /** Number of codes by length. */
  readonly counts: Uint16Array
  /** Symbols by code. */
  readonly symbols: Uint16Array
}

/** What zlib takes: complete codes, and codes of one bit or none where `loose`. */
function codeOf(lengths: Uint8Array, loose: boolean): Code | undefined {
  const counts = new Uint16Array(LONGEST_CODE + 1)
  for (const length of lengths) counts[length] = (counts[length] as number) + 1
  counts[0] = 0
  let left = 1
  let used = 0
  for (let length = 1; length <= LONGEST_CODE; length++) {
    left = left * 2 - (counts[length] as number)
    used += counts[length] as number
    if (left < 0) return undefined
  }
  if (left > 0 && !(loose && used <= (counts[1] as number))) return undefined
  const offsets = new Uint16Array(LONGEST_CODE + 2)
  for (let length = 1; length <= LONGEST_CODE; length++)
    offsets[length + 1] = (offsets[length] as number) + (counts[length] as number)
  const symbols = new Uint16Array(lengths.length)
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[(offsets[length] as number)++] = symbol
  })
  return { direct: directOf(counts, symbols), counts, symbols }
}

function directOf(counts: Uint16Array, symbols: Uint16Array): Uint16Array {
  const direct = new Uint16Array(1 << DIRECT)
  let code = 0
  let index = 0
  for (let length = 1; length <= DIRECT; length++, code <<= 1)
    for (let of = counts[length] as number; of > 0; of--, code++, index++) {
      const entry = ((symbols[index] as number) << 4) | length
      for (let at = mirrored(code, length); at < direct.length; at += 1 << length) direct[at] = entry
    }
  return direct
}

function mirrored(code: number, length: number): number {
  let bits = 0
  for (let bit = 0; bit < length; bit++) bits |= ((code >> bit) & 1) << (length - 1 - bit)
  return bits
}

/** Base and extra bits of lengths from symbol 257 on, and of distances (RFC 1951, 3.2.5). */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12_289, 16_385, 24_577,
]
const DISTANCE_EXTRA = DISTANCE_BASE.map((_, symbol) => Math.max(0, (symbol >> 1) - 1))
/** The order in which lengths of the code for lengths are written. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

const FIXED_LITERALS = Uint8Array.from({ length: 288 }, (_, symbol) =>
  symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
)
let fixed: readonly [Code, Code] | undefined

type End = Inflated['end']
/** Where reading a symbol or bits went wrong. */
const CUT = -1
const DAMAGED = -2
const TOO_LARGE = -3

class Stream {
  readonly #bytes: Uint8Array
  readonly #most: number
  #at: number
  #bits = 0
  #count = 0
  length = 0

  constructor(bytes: Uint8Array, from: number, most: number) {
    this.#bytes = bytes
    this.#at = from
    this.#most = most
  }

  run(): End {
    for (;;) {
      const header = this.#take(3)
      if (header < 0) return 'cut'
      const end = this.#block(header >> 1)
      if (end !== undefined) return end
      if ((header & 1) === 1) return 'done'
    }
  }

  #block(type: number): End | undefined {
    if (type === 0) return this.#stored()
    const codes = type === 1 ? fixedCodes() : type === 2 ? this.#codes() : 'damaged'
    return typeof codes === 'string' ? codes : this.#coded(codes[0], codes[1])
  }

  #stored(): End | undefined {
    // Whole bytes that were taken ahead are given back.
    this.#at -= this.#count >> 3
    this.#bits = 0
    this.#count = 0
    const bytes = this.#bytes
    if (this.#at + 4 > bytes.length) return 'cut'
    const size = shortAt(bytes, this.#at)
    if (size !== (shortAt(bytes, this.#at + 2) ^ 0xffff)) return 'damaged'
    this.#at += 4
    const here = Math.min(size, bytes.length - this.#at, this.#most - this.length)
    room(this.length + here)
    output.set(bytes.subarray(this.#at, this.#at + here), this.length)
    this.length += here
    this.#at += here
    if (here === size) return undefined
    return this.length === this.#most ? 'too-large' : 'cut'
  }

  #codes(): readonly [Code, Code] | 'cut' | 'damaged' {
    const literals = this.#take(5) + 257
    const distances = this.#take(5) + 1
    const used = this.#take(4) + 4
    if (used < 4) return 'cut'
    if (literals > 286 || distances > 30) return 'damaged'
    const ofLengths = new Uint8Array(19)
    for (const symbol of ORDER.slice(0, used)) {
      const length = this.#take(3)
      if (length < 0) return 'cut'
      ofLengths[symbol] = length
    }
    const code = codeOf(ofLengths, false)
    if (code === undefined) return 'damaged'
    const lengths = new Uint8Array(literals + distances)
    for (let at = 0; at < lengths.length;) {
      const symbol = this.#symbol(code)
      if (symbol < 0) return symbol === CUT ? 'cut' : 'damaged'
      if (symbol < 16) {
        lengths[at++] = symbol
        continue
      }
      const repeated =
        symbol === 16 ? this.#take(2) + 3 : symbol === 17 ? this.#take(3) + 3 : this.#take(7) + 11
      if (repeated < 3) return 'cut'
      if (at + repeated > lengths.length || (symbol === 16 && at === 0)) return 'damaged'
      lengths.fill(symbol === 16 ? (lengths[at - 1] as number) : 0, at, at + repeated)
      at += repeated
    }
    // A block without an end is none.
    if (lengths[256] === 0) return 'damaged'
    const literal = codeOf(lengths.subarray(0, literals), true)
    const distance = literal && codeOf(lengths.subarray(literals), true)
    return literal && distance ? [literal, distance] : 'damaged'
  }

  #coded(literals: Code, distances: Code): End | undefined {
    for (;;) {
      const symbol = this.#literals(literals)
      if (symbol < 0) return symbol === CUT ? 'cut' : symbol === DAMAGED ? 'damaged' : 'too-large'
      if (symbol === 256) return undefined
      const end = this.#copy(symbol - 257, distances)
      if (end !== undefined) return end
    }
  }

  /** Writes bytes up to the first symbol that is none; in local variables, for most of the time goes by here. */
  #literals(code: Code): number {
    const { direct } = code
    const bytes = this.#bytes
    const most = this.#most
    let at = this.#at
    let bits = this.#bits
    let count = this.#count
    let length = this.length
    let into = output
    let symbol = 0
    for (;;) {
      while (count < LONGEST_CODE && at < bytes.length) {
        bits |= (bytes[at++] as number) << count
        count += 8
      }
      const entry = direct[bits & ((1 << DIRECT) - 1)] as number
      const size = entry & 15
      if (size === 0 || size > count) {
        this.#at = at
        this.#bits = bits
        this.#count = count
        symbol = size === 0 ? this.#long(code) : CUT
        at = this.#at
        bits = this.#bits
        count = this.#count
      } else {
        symbol = entry >> 4
        bits >>>= size
        count -= size
      }
      if (symbol >= 256 || symbol < 0) break
      if (length === most) {
        symbol = TOO_LARGE
        break
      }
      if (length === into.length) {
        room(length + 1)
        into = output
      }
      into[length++] = symbol
    }
    this.#at = at
    this.#bits = bits
    this.#count = count
    this.length = length
    return symbol
  }

  #copy(symbol: number, distances: Code): End | undefined {
    const base = LENGTH_BASE[symbol]
    if (base === undefined) return 'damaged'
    const more = this.#take(LENGTH_EXTRA[symbol] ?? 0)
    if (more < 0) return 'cut'
    const back = this.#symbol(distances)
    if (back < 0) return back === CUT ? 'cut' : 'damaged'
    const far = DISTANCE_BASE[back]
    if (far === undefined) return 'damaged'
    const farther = this.#take(DISTANCE_EXTRA[back] ?? 0)
    if (farther < 0) return 'cut'
    const distance = far + farther
    if (distance > this.length) return 'damaged'
    const size = Math.min(base + more, this.#most - this.length)
    room(this.length + size)
    let to = this.length
    for (const stop = to + size; to < stop; to++) output[to] = output[to - distance] as number
    this.length = to
    return size < base + more ? 'too-large' : undefined
  }

  /** `CUT` where the bytes end. */
  #take(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length) return CUT_FAR
      this.#bits |= (this.#bytes[this.#at++] as number) << this.#count
      this.#count += 8
    }
    const taken = this.#bits & ((1 << count) - 1)
    this.#bits >>>= count
    this.#count -= count
    return taken
  }

  #symbol(code: Code): number {
    while (this.#count < LONGEST_CODE && this.#at < this.#bytes.length) {
      this.#bits |= (this.#bytes[this.#at++] as number) << this.#count
      this.#count += 8
    }
    const entry = code.direct[this.#bits & ((1 << DIRECT) - 1)] as number
    const length = entry & 15
    if (length > 0) {
      if (length > this.#count) return CUT
      this.#bits >>>= length
      this.#count -= length
      return entry >> 4
    }
    return this.#long(code)
  }

  #long({ counts, symbols }: Code): number {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= LONGEST_CODE; length++) {
      if (length > this.#count) return CUT
      code |= (this.#bits >> (length - 1)) & 1
      const count = counts[length] as number
      if (code - count < first) {
        this.#bits >>>= length
        this.#count -= length
        return symbols[index + code - first] as number
      }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return DAMAGED
  }
}

/** Below whatever is added to bits that were taken. */
const CUT_FAR = -1000

function fixedCodes(): readonly [Code, Code] | 'damaged' {
  if (fixed !== undefined) return fixed
  const literals = codeOf(FIXED_LITERALS, false)
  const distances = codeOf(new Uint8Array(32).fill(5), false)
  if (literals === undefined || distances === undefined) return 'damaged'
  return (fixed = [literals, distances])
}

function room(length: number): void {
  if (length <= output.length) return
  const larger = new Uint8Array(Math.max(length, output.length * 2))
  larger.set(output)
  output = larger
}
