/**
 * One open WebSocket: frames of either end are read, judged and written anew, never relayed. A direction takes in only
 * what the other end takes off, and holds no more than one read of it. Whatever one end may not do ends both.
 */
import type { DoorLimits } from '../../http/limits.ts'
import { Refuse } from '../exchange/request.ts'
import { WireClosed } from '../../http/wire.ts'
import type { Wire } from '../../http/wire.ts'
import { FrameReader, Violation } from './frames.ts'
import type { Frame, Sender } from './frames.ts'
import type { Passing } from './passing.ts'
import { FrameWriter } from './writing.ts'

export interface SessionParts {
  readonly agent: Wire
  readonly upstream: Wire
  readonly limits: DoorLimits
  /** When the route's time is over, milliseconds of `Date.now`. */
  readonly ends: number
  /** Bytes of one message of the agent's. */
  readonly messageMax: number
  readonly out: Passing
  readonly back: Passing
  /** Told of every payload before it goes on, with the bytes of its message so far; throws Refuse. */
  count(sender: Sender, bytes: number, message: number): void
}

/** How a session ended. Without a refusal: by the peers. */
export interface Ending {
  /** 1005 for a close without a code, 1006 for none at all. */
  readonly code: number
  readonly refused?: Refuse
}

/** Frames written together, bytes: what a read of small frames gives is one write. */
const BATCH = 64 * 1024
const CODES = { goingAway: 1001, policy: 1008, tooLarge: 1009, internal: 1011 } as const

interface Direction {
  readonly sender: Sender
  readonly from: Wire
  readonly to: Wire
  readonly reader: FrameReader
  readonly writer: FrameWriter
  readonly passing: Passing
  /** A close has been passed on, so that nothing may follow it. */
  closed: boolean
  /** The sender's connection has ended. */
  left: boolean
  /** Bytes of the message that is under way. */
  message: number
  batch: Buffer[]
  batched: number
}

/** Resolves when the session is over; both ends have been told, the upstream is given up and the agent is left to its connection. */
export const runSession = (parts: SessionParts): Promise<Ending> => new Session(parts).run()

class Session {
  readonly #parts: SessionParts
  readonly #out: Direction
  readonly #back: Direction
  readonly #over = Promise.withResolvers<Ending>()
  #ended = false
  /** Of the first close that came by. */
  #code: number | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    const { agent, upstream } = parts
    const common = { closed: false, left: false, message: 0, batched: 0 }
    this.#out = {
      ...common,
      sender: 'agent',
      from: agent,
      to: upstream,
      reader: new FrameReader('agent', parts.messageMax),
      writer: new FrameWriter(true),
      passing: parts.out,
      batch: [],
    }
    this.#back = {
      ...common,
      sender: 'upstream',
      from: upstream,
      to: agent,
      reader: new FrameReader('upstream'),
      writer: new FrameWriter(false),
      passing: parts.back,
      batch: [],
    }
  }

  run(): Promise<Ending> {
    const { agent, upstream, ends } = this.#parts
    agent.onDeadline = undefined
    agent.deadline = Number.POSITIVE_INFINITY
    upstream.onDeadline = () => {
      const late = Date.now() >= ends
      this.#finish(
        { code: late ? CODES.policy : CODES.goingAway, ...(late && { refused: new Refuse('limit-time') }) },
        true,
      )
    }
    this.#progress()
    void this.#pump(this.#out)
    void this.#pump(this.#back)
    return this.#over.promise
  }

  async #pump(direction: Direction): Promise<void> {
    const { from, reader } = direction
    try {
      for (;;) {
        const piece = from.take() ?? (await from.read())
        if (this.#ended) return
        if (piece === null) return this.#left(direction)
        reader.feed(piece)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          this.#pass(direction, frame)
          if (direction.batched >= BATCH) await this.#flush(direction)
          if (this.#ended) return
        }
        if (direction.batched > 0) await this.#flush(direction)
        if (this.#ended) return
        if (direction.closed) return this.#closed()
        this.#progress()
      }
    } catch (error) {
      this.#fail(direction, error)
    }
  }

  #pass(direction: Direction, frame: Frame): void {
    const { writer, passing } = direction
    const { bytes } = frame
    switch (frame.kind) {
      case 'text':
      case 'binary': {
        direction.message += bytes.length
        this.#parts.count(direction.sender, bytes.length, direction.message)
        if (frame.last) direction.message = 0
        return this.#queue(
          direction,
          writer.message(frame.kind, passing.message(frame.kind, bytes, frame.last), frame.last),
        )
      }
      case 'ping':
      case 'pong':
        this.#parts.count(direction.sender, bytes.length, 0)
        return this.#queue(direction, writer.control(frame.kind, passing.control(bytes, false)))
      case 'close':
        this.#parts.count(direction.sender, bytes.length, 0)
        this.#queue(direction, writer.close(frame.code, passing.control(bytes, true)))
        direction.closed = true
        this.#code ??= frame.code ?? 1005
    }
  }

  #queue(direction: Direction, frame: Buffer): void {
    if (frame.length === 0) return
    direction.batch.push(frame)
    direction.batched += frame.length
  }

  #flush(direction: Direction): Promise<void> | undefined {
    const [only, second] = direction.batch
    const bytes = second === undefined && only !== undefined ? only : Buffer.concat(direction.batch)
    direction.batch = []
    direction.batched = 0
    return direction.to.write(bytes)
  }

  /** One direction has had its close. The other end has the time of a head to answer it. */
  #closed(): void {
    const done = ({ closed, left }: Direction): boolean => closed || left
    if (done(this.#out) && done(this.#back)) return this.#finish({ code: this.#code ?? 1005 }, false)
    this.#parts.upstream.deadline = Math.min(Date.now() + this.#parts.limits.headMs, this.#parts.ends)
  }

  /** The end of a connection without a close. An agent that sends no more may still be read to. */
  #left(direction: Direction): void {
    this.#code ??= 1006
    if (direction.sender === 'upstream') return this.#finish({ code: this.#code }, false)
    direction.left = true
    this.#parts.upstream.end()
  }

  #fail(direction: Direction, error: unknown): void {
    const { sender, from } = direction
    if (error instanceof WireClosed) {
      // The upstream takes no more; what it had sent before is still read by the other direction, which then ends.
      if (sender === 'agent' && !from.closed) return
      return this.#finish({ code: this.#code ?? 1006 }, false)
    }
    const code = codeFor(error)
    this.#finish({ code, refused: refusalFor(error, sender) }, true)
  }

  /** Both are alive, so long as no close has begun. */
  #progress(): void {
    if (this.#out.closed || this.#back.closed) return
    this.#parts.upstream.deadline = Math.min(Date.now() + this.#parts.limits.silenceMs, this.#parts.ends)
  }

  /** `say`: who has not been sent a close yet is sent one with the code. */
  #finish(ending: Ending, say: boolean): void {
    if (this.#ended) return
    this.#ended = true
    const { upstream, limits } = this.#parts
    for (const { sender, to, writer, closed, batch } of [this.#out, this.#back]) {
      // The rule is the agent's to know.
      const reason = sender === 'upstream' && ending.refused ? inWords(ending.refused) : EMPTY
      to.end(Buffer.concat([...batch, say && !closed ? writer.close(ending.code, reason) : EMPTY]))
    }
    upstream.onDeadline = undefined
    upstream.deadline = Date.now() + limits.lingerMs
    upstream.discard(limits.lingerBytes)
    this.#over.resolve(ending)
  }
}

const EMPTY = Buffer.alloc(0)

/** A reason has at most 123 bytes; rules are plain characters. */
const inWords = ({ rule, finding }: Refuse): Buffer =>
  Buffer.from(`bot-bottle: rule ${rule}${finding ? ` (${finding.rule})` : ''}`.slice(0, 123), 'latin1')

function codeFor(error: unknown): number {
  if (error instanceof Violation) return error.code
  if (!(error instanceof Refuse)) return CODES.internal
  return error.rule === 'limit-body' ? CODES.tooLarge : CODES.policy
}

function refusalFor(error: unknown, sender: Sender): Refuse {
  if (error instanceof Refuse) return error
  if (!(error instanceof Violation)) return new Refuse('internal')
  if (sender === 'upstream') return new Refuse('upstream-frame')
  return new Refuse(error.code === 1009 ? 'limit-body' : 'websocket-frame')
}
