/** Lines of git's wire protocol (gitprotocol-common): four hexadecimal digits of length, then the content. */

/** Ends a list. */
export const FLUSH = Buffer.from('0000')
/** Content of one line. */
export const PKT_MAX = 65_516

export function pkt(content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const length = (bytes.length + 4).toString(16).padStart(4, '0')
  return Buffer.concat([Buffer.from(length), bytes])
}

/** Bands of a side-band answer. */
export const BAND = { pack: 1, progress: 2 } as const

/** Content in as many lines of one band as it takes. */
export function band(number: number, content: Buffer): Buffer {
  const lines: Buffer[] = []
  for (let at = 0; at < content.length; at += PKT_MAX - 1)
    lines.push(pkt(Buffer.concat([Buffer.of(number), content.subarray(at, at + PKT_MAX - 1)])))
  return Buffer.concat(lines)
}

/** The bytes are no lines of this protocol. */
export class NotPkt extends Error {
  override readonly name = 'NotPkt'
}

const LENGTH = /^[0-9a-f]{4}$/i

/** Pulls lines from pieces; what follows them is left in `rest`. */
export class PktReader {
  readonly #next: () => Promise<Buffer | undefined>
  #held: Buffer = Buffer.alloc(0)

  constructor(next: () => Promise<Buffer | undefined>) {
    this.#next = next
  }

  /** Content of the next line, `'flush'`, or `undefined` at the end of everything. Throws NotPkt. */
  async line(): Promise<Buffer | 'flush' | undefined> {
    if (!(await this.#fill(4))) {
      if (this.#held.length === 0) return undefined
      throw new NotPkt('cut line')
    }
    const text = this.#held.toString('latin1', 0, 4)
    const length = LENGTH.test(text) ? Number.parseInt(text, 16) : -1
    if (length === 0) {
      this.#held = this.#held.subarray(4)
      return 'flush'
    }
    if (length <= 4 || length > PKT_MAX + 4 || !(await this.#fill(length))) throw new NotPkt('line length')
    const content = this.#held.subarray(4, length)
    this.#held = this.#held.subarray(length)
    return content
  }

  /** What was read beyond the last line, then what follows. */
  async rest(): Promise<Buffer | undefined> {
    if (this.#held.length === 0) return this.#next()
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }

  async #fill(length: number): Promise<boolean> {
    while (this.#held.length < length) {
      const piece = await this.#next()
      if (piece === undefined) return false
      this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    }
    return true
  }
}
