/**
 * Frames of RFC 6455, read strictly and piece by piece: a payload is handed on as it arrives and nothing is collected
 * but a control frame. What this file accepts has one reading; everything else is a `Violation`. No extension is ever
 * agreed on, so reserved bits and opcodes have no meaning.
 */
import { isUtf8 } from 'node:buffer'
import { controls } from '../../policy/controls.ts'
import { Utf8Check } from './utf8.ts'

/** Which end wrote the frames: the agent masks, an upstream never does. */
export type Sender = 'agent' | 'upstream'

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
export type MessageType = 'text' | 'binary'

export type Frame =
  /** A piece of a message; `last` ends it. */
  | { readonly kind: MessageType; readonly bytes: Buffer; readonly last: boolean }
  | { readonly kind: 'ping' | 'pong'; readonly bytes: Buffer }
  /** Without a code the payload was empty. Nothing follows. */
  | { readonly kind: 'close'; readonly code: number | undefined; readonly bytes: Buffer }

/** What a peer may not send, with the close code that says so (RFC 6455, 7.4.1). */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly code: 1002 | 1007 | 1009
  constructor(message: string, code: 1002 | 1007 | 1009 = 1002) {
    super(message)
    this.code = code
  }
}

const CONTROL_MAX = 125
const EMPTY = Buffer.alloc(0)

interface Header {
  readonly final: boolean
  readonly opcode: number
  readonly length: number
  readonly mask: Buffer | undefined
  /** Bytes of the header itself. */
  readonly bytes: number
}

/** The frames of one direction. Bytes that were fed are its own: payloads are unmasked in place. */
export class FrameReader {
  readonly #sender: Sender
  /** Payload of one message, bytes. */
  readonly #messageMax: number
  #bytes: Buffer = EMPTY
  #at = 0
  /** The data frame whose payload is being read. */
  #frame:
    | { readonly final: boolean; readonly mask: Buffer | undefined; left: number; masked: number }
    | undefined
  #message: MessageType | undefined
  #text = new Utf8Check()
  /** Payload announced for the message so far. */
  #announced = 0
  #closed = false

  constructor(sender: Sender, messageMax = Number.POSITIVE_INFINITY) {
    this.#sender = sender
    this.#messageMax = messageMax
  }

  feed(piece: Buffer): void {
    if (this.#closed) return
    const rest = this.#bytes.subarray(this.#at)
    this.#bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    this.#at = 0
  }

  /** The next frame, or piece of a message; `undefined` until more is fed. Throws Violation. */
  next(): Frame | undefined {
    if (this.#closed) return undefined
    if (this.#frame === undefined) {
      const header = this.#header()
      if (header === undefined) return undefined
      if (isControl(header.opcode)) return this.#control(header)
      this.#begin(header)
    }
    return this.#payload()
  }

  #header(): Header | undefined {
    const [bytes, at] = [this.#bytes, this.#at]
    if (bytes.length - at < 2) return undefined
    const first = bytes[at] ?? 0
    const second = bytes[at + 1] ?? 0
    const masked = (second & 0x80) !== 0
    const short = second & 0x7f
    const [final, opcode] = [(first & 0x80) !== 0, first & 0x0f]
    must((first & 0x70) === 0, 'reserved bit')
    must(masked === (this.#sender === 'agent'), masked ? 'masked by a server' : 'not masked by a client')
    must(opcode <= OPCODES.binary || (opcode >= OPCODES.close && opcode <= OPCODES.pong), 'unknown opcode')
    if (isControl(opcode)) {
      must(final, 'control frame in fragments')
      if (short > CONTROL_MAX) throw new Violation('control frame too long')
    }
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0
    const size = 2 + extended + (masked ? 4 : 0)
    if (bytes.length - at < 2 + extended) return undefined
    const length = extended === 0 ? short : lengthAt(bytes, at + 2, extended)
    if (bytes.length - at < size) return undefined
    const mask = masked ? Buffer.from(bytes.subarray(at + size - 4, at + size)) : undefined
    return { final, opcode, length, mask, bytes: size }
  }

  #begin({ final, opcode, length, mask, bytes }: Header): void {
    if (opcode === OPCODES.continuation) must(this.#message !== undefined, 'continues nothing')
    else must(this.#message === undefined, 'message within a message')
    if (opcode !== OPCODES.continuation || this.#message === undefined) {
      this.#message = opcode === OPCODES.text ? 'text' : 'binary'
      this.#text = new Utf8Check()
      this.#announced = 0
    }
    this.#announced += length
    if (this.#announced > this.#messageMax) throw new Violation('message too large', 1009)
    this.#at += bytes
    this.#frame = { final, mask, left: length, masked: 0 }
  }

  #payload(): Frame | undefined {
    const [frame, kind] = [this.#frame, this.#message]
    if (frame === undefined || kind === undefined) return undefined
    const size = Math.min(frame.left, this.#bytes.length - this.#at)
    if (size === 0 && frame.left > 0) return undefined
    const bytes = this.#bytes.subarray(this.#at, this.#at + size)
    this.#at += size
    if (frame.mask) xor(bytes, frame.mask, frame.masked)
    frame.masked += size
    frame.left -= size
    if (kind === 'text') must(this.#text.push(bytes), 'not UTF-8', 1007)
    if (frame.left > 0) return { kind, bytes, last: false }
    this.#frame = undefined
    if (frame.final) {
      must(kind !== 'text' || this.#text.complete, 'text ends inside a character', 1007)
      this.#message = undefined
    }
    return { kind, bytes, last: frame.final }
  }

  #control({ opcode, length, mask, bytes: size }: Header): Frame | undefined {
    const start = this.#at + size
    if (this.#bytes.length < start + length) return undefined
    const bytes = this.#bytes.subarray(start, start + length)
    this.#at = start + length
    if (mask) xor(bytes, mask, 0)
    if (opcode === OPCODES.close) {
      this.#closed = true
      this.#bytes = EMPTY
      return closeFrame(bytes)
    }
    return { kind: opcode === OPCODES.pong ? 'pong' : 'ping', bytes }
  }
}

const isControl = (opcode: number): boolean => opcode >= OPCODES.close

function must(holds: boolean, message: string, code?: 1002 | 1007): void {
  if (!holds && controls.on('websocket-frames')) throw new Violation(message, code)
}

/** A length of 16 or 64 bits; one that fits a shorter field, or no number of ours, is refused. */
function lengthAt(bytes: Buffer, at: number, size: 2 | 8): number {
  if (size === 2) {
    const length = bytes.readUInt16BE(at)
    must(length > CONTROL_MAX, 'length not minimal')
    return length
  }
  const length = bytes.readBigUInt64BE(at)
  if (length >> 63n === 1n) throw new Violation('length of more than 63 bits')
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new Violation('frame too large', 1009)
  must(length > 0xffffn, 'length not minimal')
  return Number(length)
}

/** 1004, 1005, 1006 and 1015 are never on a wire; 1016 to 2999 mean nothing yet (RFC 6455, 7.4). */
const mayClose = (code: number): boolean =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)

function closeFrame(payload: Buffer): Frame {
  if (payload.length === 0) return { kind: 'close', code: undefined, bytes: EMPTY }
  if (payload.length === 1) throw new Violation('close code of one byte')
  const code = payload.readUInt16BE(0)
  const bytes = payload.subarray(2)
  must(mayClose(code), 'close code')
  must(isUtf8(bytes), 'reason is not UTF-8', 1007)
  return { kind: 'close', code, bytes }
}

/** In place, four bytes at a time. `from`: how much of the frame's payload came before. */
export function xor(bytes: Buffer, mask: Buffer, from: number): void {
  const [one = 0, two = 0, three = 0, four = 0] = [0, 1, 2, 3].map((at) => mask[(from + at) & 3])
  const whole = bytes.length & ~3
  for (let at = 0; at < whole; at += 4) {
    bytes[at] = (bytes[at] ?? 0) ^ one
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ two
    bytes[at + 2] = (bytes[at + 2] ?? 0) ^ three
    bytes[at + 3] = (bytes[at + 3] ?? 0) ^ four
  }
  for (let at = whole; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[(from + at) & 3] ?? 0)
}
