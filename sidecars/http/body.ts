/**
 * Bodies: read by their framing piece by piece, and written with a framing of our own. Chunk sizes are plain
 * hexadecimal, lines end in CRLF, trailers are checked and dropped. Nothing is collected.
 */
import { controls } from '../policy/controls.ts'
import { Malformed, parseField } from './head.ts'
import type { Framing } from './head.ts'
import { CHUNK_LINE_MAX, TRAILER_MAX } from './limits.ts'
import type { Wire } from './wire.ts'

export interface BodyReader {
  /** The next piece where it has arrived already; otherwise `next` has to be asked. */
  take(): Buffer | undefined
  /** The next piece, `undefined` at the end of the body. Throws Malformed, WireClosed. */
  next(): Promise<Buffer | undefined>
  /** The end has been read. */
  readonly done: boolean
}

/** `extensions`: whether chunk extensions are dropped (responses) or refused (requests). */
export function bodyReader(wire: Wire, framing: Framing, extensions: 'drop' | 'refuse'): BodyReader {
  switch (framing.kind) {
    case 'none':
      return EMPTY
    case 'length':
      return new LengthReader(wire, framing.length)
    case 'chunked':
      return new ChunkedReader(wire, extensions)
    case 'close':
      return new CloseReader(wire)
  }
}

const EMPTY: BodyReader = { done: true, take: () => undefined, next: () => Promise.resolve(undefined) }

class LengthReader implements BodyReader {
  readonly #wire: Wire
  #left: number

  constructor(wire: Wire, length: number) {
    this.#wire = wire
    this.#left = length
  }

  get done(): boolean {
    return this.#left === 0
  }

  take(): Buffer | undefined {
    const piece = this.#left === 0 ? undefined : this.#wire.take()
    return piece && this.#passed(piece)
  }

  async next(): Promise<Buffer | undefined> {
    if (this.#left === 0) return undefined
    const piece = this.#wire.take() ?? (await this.#wire.read())
    if (piece === null) throw new Malformed('body ended early')
    return this.#passed(piece)
  }

  #passed(piece: Buffer): Buffer {
    if (piece.length > this.#left) {
      this.#wire.unread(piece.subarray(this.#left))
      const last = piece.subarray(0, this.#left)
      this.#left = 0
      return last
    }
    this.#left -= piece.length
    return piece
  }
}

class CloseReader implements BodyReader {
  readonly #wire: Wire
  done = false

  constructor(wire: Wire) {
    this.#wire = wire
  }

  take(): Buffer | undefined {
    return this.#wire.take()
  }

  async next(): Promise<Buffer | undefined> {
    const piece = this.#wire.take() ?? (await this.#wire.read())
    if (piece !== null) return piece
    this.done = true
    return undefined
  }
}

class ChunkedReader implements BodyReader {
  readonly #wire: Wire
  readonly #extensions: 'drop' | 'refuse'
  #left = 0
  #first = true
  done = false

  constructor(wire: Wire, extensions: 'drop' | 'refuse') {
    this.#wire = wire
    this.#extensions = extensions
  }

  /** Where a chunk begins and ends is in lines of their own. */
  take(): undefined {
    return undefined
  }

  async next(): Promise<Buffer | undefined> {
    if (this.done) return undefined
    if (this.#left === 0) {
      if (!this.#first && (await this.#line(0)) !== '') throw new Malformed('chunk longer than its size')
      this.#first = false
      this.#left = this.#size(await this.#line(CHUNK_LINE_MAX))
      if (this.#left === 0) {
        await this.#trailers()
        this.done = true
        return undefined
      }
    }
    const piece = this.#wire.take() ?? (await this.#wire.read())
    if (piece === null) throw new Malformed('body ended early')
    if (piece.length > this.#left) {
      this.#wire.unread(piece.subarray(this.#left))
      const last = piece.subarray(0, this.#left)
      this.#left = 0
      return last
    }
    this.#left -= piece.length
    return piece
  }

  #size(line: string): number {
    const match = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e]*)?$/.exec(line)
    if (match === null) throw new Malformed('chunk size')
    if (controls.on('strict-framing') && this.#extensions === 'refuse' && match[0] !== match[1])
      throw new Malformed('chunk extension')
    return Number.parseInt(match[1] ?? '', 16)
  }

  async #trailers(): Promise<void> {
    let bytes = 0
    for (;;) {
      const line = await this.#line(TRAILER_MAX)
      if (line === '') return
      parseField(line)
      bytes += line.length
      if (bytes > TRAILER_MAX) throw new Malformed('trailers too large')
    }
  }

  /** One line without its CRLF. */
  async #line(limit: number): Promise<string> {
    let text: Buffer | undefined
    for (;;) {
      const piece = this.#wire.take() ?? (await this.#wire.read())
      if (piece === null) throw new Malformed('body ended early')
      const bytes: Buffer = text === undefined ? piece : Buffer.concat([text, piece])
      const at = bytes.indexOf(10)
      if (at !== -1) {
        if (at === 0 || bytes[at - 1] !== 13 || at - 1 > limit) throw new Malformed('chunk line')
        this.#wire.unread(bytes.subarray(at + 1))
        return bytes.toString('latin1', 0, at - 1)
      }
      if (bytes.length > limit + 1) throw new Malformed('chunk line')
      text = bytes
    }
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const CRLF = Buffer.from('\r\n')

/** One piece in the framing it is sent with; empty pieces give nothing (an empty chunk would be the end). */
export function framePiece(piece: Buffer, framing: Framing): Buffer {
  if (framing.kind !== 'chunked' || piece.length === 0) return piece
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1'), piece, CRLF])
}

export function frameEnd(framing: Framing): Buffer | undefined {
  return framing.kind === 'chunked' ? LAST_CHUNK : undefined
}
