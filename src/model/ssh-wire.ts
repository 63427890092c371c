/** Fields as SSH writes them (RFC 4251, section 5). Pure. */

/** The text is no key that can be used; the message says why and never quotes it. */
export class KeyUnusable extends Error {
  override readonly name = 'KeyUnusable'
}

export const sshString = (content: Buffer | string): Buffer => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** An unsigned number as the wire has it: no needless zero, no set sign bit. */
export function sshInteger(bytes: Buffer): Buffer {
  let at = 0
  while (at < bytes.length - 1 && bytes[at] === 0) at++
  const short = bytes.subarray(at)
  return sshString(((short[0] ?? 0) & 0x80) === 0 ? short : Buffer.concat([Buffer.of(0), short]))
}

/** Reads strings of the wire one after the other; throws KeyUnusable beyond the end. */
export class SshReader {
  #bytes: Buffer
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  get rest(): Buffer {
    return this.#bytes
  }
  number(): number {
    return this.#take(4).readUInt32BE(0)
  }
  string(): Buffer {
    return this.#take(this.number())
  }
  /** Without the zero byte of its sign. */
  integer(): Buffer {
    const bytes = this.string()
    return bytes[0] === 0 ? bytes.subarray(1) : bytes
  }
  #take(length: number): Buffer {
    if (length > this.#bytes.length) throw new KeyUnusable('it is cut')
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return taken
  }
}
