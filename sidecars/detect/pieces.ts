/**
 * Pieces of a text that are kept until it is looked at. How small they are is the peer's choice, and each costs a hundred
 * bytes beside its own: many small ones are made one, and empty ones are none.
 */

/** Pieces that are looked at together. */
const MANY = 1024
/** Bytes a piece, on average, below which that many are made one. */
const SMALL = 64

export class Pieces {
  #pieces: Buffer[] = []
  /** Of `#pieces`, those that stay as they are. */
  #settled = 0
  #length = 0
  #unsettled = 0

  /** Bytes of all. */
  get length(): number {
    return this.#length
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#length += piece.length
    this.#unsettled += piece.length
    if (this.#pieces.length - this.#settled < MANY) return
    if (this.#unsettled < MANY * SMALL) this.#pieces.push(Buffer.concat(this.#pieces.splice(this.#settled)))
    this.#settled = this.#pieces.length
    this.#unsettled = 0
  }

  /** All of them, which are kept no longer. */
  take(): Buffer {
    const pieces = this.#pieces
    const [only, second] = pieces
    this.#pieces = []
    this.#settled = this.#length = this.#unsettled = 0
    if (only === undefined) return NOTHING
    return second === undefined ? only : Buffer.concat(pieces)
  }
}

const NOTHING = Buffer.alloc(0)
