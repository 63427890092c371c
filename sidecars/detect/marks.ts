/**
 * Where in a text something may begin that is read another way, told for all of it in one pass: a byte for each block, a
 * bit for each kind. A block without a bit has nothing of the kind; one with it has to be looked at.
 */
import { viewOf } from './view.ts'

/** Packed content. */
export const PACKED = 1
/** A control byte, or a character of a block that holds look-alikes. */
export const ALIKE = 2
export const ESCAPED = 4
const ALL = PACKED | ALIKE | ESCAPED

/** Bytes of a block: few, because ends of lines in JSON look like escapes. */
const BLOCK_BITS = 5
const BLOCK = 1 << BLOCK_BITS

export class Marks {
  readonly #blocks: Uint8Array
  readonly #length: number

  /** `kinds`: by two bytes in a row, the first one lowest. */
  constructor(bytes: Uint8Array, kinds: Uint8Array) {
    this.#length = bytes.length
    this.#blocks = blocksOf(bytes, kinds)
  }

  /** The first place from `from` on, in a block that may have the kind; the end of the text: there is none. */
  next(kind: number, from: number): number {
    const blocks = this.#blocks
    let block = from >> BLOCK_BITS
    while (block < blocks.length && ((blocks[block] as number) & kind) === 0) block += 1
    return Math.min(this.#length, Math.max(from, block << BLOCK_BITS))
  }

  /** Where the block of a place ends. */
  endOf(at: number): number {
    return Math.min(this.#length, ((at >> BLOCK_BITS) + 1) << BLOCK_BITS)
  }
}

/** A way out of the inner loop would make it slower by a third. */
function blocksOf(bytes: Uint8Array, kinds: Uint8Array): Uint8Array {
  const blocks = new Uint8Array(Math.ceil(bytes.length / BLOCK))
  const view = viewOf(bytes)
  // Its last pair has a byte of the next block.
  const whole = Math.max(0, bytes.length - 1) >> BLOCK_BITS
  for (let block = 0; block < whole; block++) {
    const from = block << BLOCK_BITS
    let found = 0
    for (let at = from; at < from + BLOCK; at += 4) {
      const four = view.getInt32(at, true)
      found |=
        (kinds[four & 0xffff] as number) |
        (kinds[(four >>> 8) & 0xffff] as number) |
        (kinds[four >>> 16] as number) |
        (kinds[view.getUint16(at + 3, true)] as number)
    }
    blocks[block] = found
  }
  return blocks.fill(ALL, whole)
}
