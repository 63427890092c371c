/** Frames as we write them: minimal lengths, no reserved bit, towards an upstream a fresh random mask for each. */
import { randomFillSync } from 'node:crypto'
import { OPCODES, xor } from './frames.ts'
import type { MessageType } from './frames.ts'

/** Random bytes had at once; a mask takes four. */
const POOL = 1024
const EMPTY = Buffer.alloc(0)

export class FrameWriter {
  /** Undefined: frames go out as a server's, without masks. */
  readonly #pool: Buffer | undefined
  #used = POOL
  /** A message has begun and not ended. */
  #open = false

  constructor(masks: boolean) {
    if (masks) this.#pool = Buffer.alloc(POOL)
  }

  /** A piece of a message; empty pieces that end nothing give nothing. */
  message(type: MessageType, bytes: Buffer, last: boolean): Buffer {
    if (bytes.length === 0 && !last) return EMPTY
    const opcode = this.#open ? OPCODES.continuation : OPCODES[type]
    this.#open = !last
    return this.#frame(opcode, bytes, last)
  }

  control(kind: 'ping' | 'pong', bytes: Buffer): Buffer {
    return this.#frame(OPCODES[kind], bytes, true)
  }

  close(code: number | undefined, reason: Buffer = EMPTY): Buffer {
    if (code === undefined) return this.#frame(OPCODES.close, EMPTY, true)
    return this.#frame(OPCODES.close, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), reason]), true)
  }

  #frame(opcode: number, payload: Buffer, final: boolean): Buffer {
    const { length } = payload
    const extended = length < 126 ? 0 : length <= 0xffff ? 2 : 8
    const start = 2 + extended + (this.#pool === undefined ? 0 : 4)
    const frame = Buffer.allocUnsafe(start + length)
    frame[0] = (final ? 0x80 : 0) | opcode
    frame[1] = (this.#pool === undefined ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? 126 : 127)
    if (extended === 2) frame.writeUInt16BE(length, 2)
    else if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2)
    payload.copy(frame, start)
    if (this.#pool !== undefined) {
      const mask = this.#mask(this.#pool)
      mask.copy(frame, start - 4)
      xor(frame.subarray(start), mask, 0)
    }
    return frame
  }

  #mask(pool: Buffer): Buffer {
    if (this.#used === POOL) {
      randomFillSync(pool)
      this.#used = 0
    }
    this.#used += 4
    return pool.subarray(this.#used - 4, this.#used)
  }
}
