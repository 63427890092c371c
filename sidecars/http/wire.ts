/**
 * One socket as a source of pieces and a sink with back-pressure. Reads are pulled: while nobody asks, at most
 * `HELD` bytes are kept and the socket is paused, so a slow peer holds the other side, not our memory.
 */
import type { Duplex } from 'node:stream'

/** Bytes kept for a reader that is busy. */
const HELD = 64 * 1024
/** Pieces that were read and are still in the list. */
const COMPACTED = 1024

/** The peer went away, or we closed the connection. */
export class WireClosed extends Error {
  override readonly name = 'WireClosed'
}

interface Waiting {
  resolve(piece: Buffer | null): void
  reject(error: Error): void
}

export class Wire {
  readonly socket: Duplex
  bytesIn = 0
  bytesOut = 0
  /** When the connection is given up, in milliseconds of `Date.now`; infinite while nothing is due. */
  deadline = Number.POSITIVE_INFINITY
  /** Called when the deadline has passed; without it the connection is destroyed. */
  onDeadline: (() => void) | undefined
  /** Called for bytes or an end that arrive while nobody reads; the pool drops such connections. */
  onUnasked: (() => void) | undefined
  #pieces: Buffer[] = []
  /** Of `#pieces`, the next one: taking from the front of a long list would move all of it. */
  #next = 0
  #held = 0
  #ended = false
  #closed = false
  #waiting: Waiting | undefined
  #drained: (() => void)[] = []
  readonly #onData = (piece: Buffer): void => this.#take(piece)
  readonly #onEnd = (): void => this.#end()
  readonly #onClose = (): void => this.#close()
  readonly #onDrain = (): void => this.#drain()

  constructor(socket: Duplex) {
    this.socket = socket
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    socket.on('drain', this.#onDrain)
    // The reason is in no one's interest: 'close' follows.
    socket.on('error', ignore)
    // A listener does not wake a socket that was paused by hand, as dial.ts leaves the ones of the uplink.
    if (socket.isPaused()) socket.resume()
  }

  get closed(): boolean {
    return this.#closed || this.socket.destroyed
  }

  /** The peer will send no more. */
  get ended(): boolean {
    return this.#ended
  }

  /** Bytes that have arrived and were not read. */
  get pending(): number {
    return this.#held
  }

  /** The next piece, `null` at the end; throws WireClosed. One reader at a time. */
  read(): Promise<Buffer | null> {
    const piece = this.take()
    if (piece) return Promise.resolve(piece)
    if (this.#ended) return Promise.resolve(null)
    if (this.closed) return Promise.reject(new WireClosed('connection closed'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  /** A piece that has arrived already. */
  take(): Buffer | undefined {
    const piece = this.#pieces[this.#next]
    if (piece === undefined) return undefined
    this.#next += 1
    if (this.#next === this.#pieces.length) this.#forget()
    else if (this.#next >= COMPACTED) {
      this.#pieces = this.#pieces.slice(this.#next)
      this.#next = 0
    }
    this.#held -= piece.length
    if (this.#held < HELD && !this.#ended && !this.closed && this.socket.isPaused()) this.socket.resume()
    return piece
  }

  /** Puts back what was read too far. */
  unread(piece: Buffer): void {
    if (piece.length === 0) return
    if (this.#next === 0) this.#pieces.unshift(piece)
    else this.#pieces[--this.#next] = piece
    this.#held += piece.length
  }

  /** Resolves at once while the peer keeps up, else when it has caught up; throws WireClosed. */
  write(bytes: Buffer | string): Promise<void> | undefined {
    if (this.closed || this.socket.writableEnded) throw new WireClosed('connection closed')
    this.bytesOut += bytes.length
    if (this.socket.write(bytes, 'latin1')) return undefined
    return new Promise((resolve, reject) => {
      this.#drained.push(() => (this.closed ? reject(new WireClosed('connection closed')) : resolve()))
    })
  }

  end(bytes?: Buffer | string): void {
    if (this.closed || this.socket.writableEnded) return
    if (bytes !== undefined) this.bytesOut += bytes.length
    if (bytes === undefined) this.socket.end()
    else this.socket.end(bytes, 'latin1')
  }

  /** Reads and drops what still comes, up to a limit, so that a last answer is not lost to a reset. */
  discard(limit: number): void {
    let left = limit - this.#held
    this.#forget()
    this.#held = 0
    this.socket.off('data', this.#onData)
    this.socket.on('data', (piece: Buffer) => {
      left -= piece.length
      if (left < 0) this.destroy()
    })
    this.socket.once('end', () => this.destroy())
    if (this.#ended) this.destroyWhenFlushed()
    else this.socket.resume()
  }

  destroyWhenFlushed(): void {
    if (this.socket.writableFinished) this.destroy()
    else this.socket.once('finish', () => this.destroy())
  }

  destroy(): void {
    if (!this.socket.destroyed) this.socket.destroy()
    this.#close()
  }

  /** Gives the socket to another reader; what was not read is put back into it. */
  release(): Duplex {
    this.socket.pause()
    this.socket.off('data', this.#onData)
    this.socket.off('end', this.#onEnd)
    this.socket.off('drain', this.#onDrain)
    for (const piece of this.#pieces.slice(this.#next).toReversed()) this.socket.unshift(piece)
    this.#forget()
    this.#held = 0
    return this.socket
  }

  #forget(): void {
    this.#pieces = []
    this.#next = 0
  }

  #take(piece: Buffer): void {
    this.bytesIn += piece.length
    const waiting = this.#waiting
    if (waiting) {
      this.#waiting = undefined
      waiting.resolve(piece)
      return
    }
    this.#pieces.push(piece)
    this.#held += piece.length
    if (this.#held >= HELD) this.socket.pause()
    this.onUnasked?.()
  }

  #end(): void {
    this.#ended = true
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting.resolve(null)
    else this.onUnasked?.()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(new WireClosed('connection closed'))
    this.#drain()
    this.onUnasked?.()
  }

  #drain(): void {
    const drained = this.#drained
    if (drained.length === 0) return
    this.#drained = []
    for (const done of drained) done()
  }
}

const ignore = (): void => {}
