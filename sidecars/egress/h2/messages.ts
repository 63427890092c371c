/** The messages of gRPC: a flag, a length of four bytes, and so many bytes. Each is looked at and masked by itself, so that none waits for the next. */
import { Malformed } from '../../http/head.ts'

/** What is done with the bytes of one message. */
export interface Passage {
  push(bytes: Buffer): Buffer
  end(): Buffer
}

const PREFIX = 5

export class Messages {
  /** `length`: of the message, bytes, as it is sent. */
  readonly #open: (length: number, packed: boolean) => Passage
  #prefix: Buffer = EMPTY
  #passage: Passage | undefined
  #left = 0

  constructor(open: (length: number, packed: boolean) => Passage) {
    this.#open = open
  }

  /** What may go on now. Throws what a passage throws, and Malformed. */
  push(piece: Buffer): Buffer {
    const passed: Buffer[] = []
    let rest = piece
    while (rest.length > 0) {
      if (this.#passage === undefined) {
        const taken = rest.subarray(0, PREFIX - this.#prefix.length)
        this.#prefix = Buffer.concat([this.#prefix, taken])
        rest = rest.subarray(taken.length)
        if (this.#prefix.length < PREFIX) break
        if ((this.#prefix[0] ?? 0) > 1) throw new Malformed('flag of a message')
        this.#left = this.#prefix.readUInt32BE(1)
        this.#passage = this.#open(this.#left, this.#prefix[0] === 1)
      }
      const taken = rest.subarray(0, this.#left)
      this.#left -= taken.length
      rest = rest.subarray(taken.length)
      if (taken.length > 0) passed.push(...this.#withPrefix(this.#passage.push(taken)))
      if (this.#left > 0) break
      const last = this.#passage.end()
      this.#passage = undefined
      passed.push(...this.#withPrefix(last, true))
    }
    return passed.length === 1 ? (passed[0] ?? EMPTY) : Buffer.concat(passed)
  }

  /** The body has ended: not within a message. */
  end(): Buffer {
    if (this.#passage !== undefined || this.#prefix.length > 0) throw new Malformed('message ended early')
    return EMPTY
  }

  /** Of a message that is kept back, what says its length is too. */
  #withPrefix(bytes: Buffer, last = false): readonly Buffer[] {
    if (bytes.length === 0 && !last) return []
    const prefix = this.#said ? EMPTY : this.#prefix
    this.#said = !last
    if (last) this.#prefix = EMPTY
    return [prefix, bytes]
  }
  #said = false
}

const EMPTY = Buffer.alloc(0)
