/**
 * One HTTP/2 connection of an agent, for the one host that its TLS was for. Frames and HPACK are read by nghttp2; each
 * stream is a request of its own (`stream.ts`). Offered only where a route says `protocols: [h2]`.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Authority } from '../../policy/authority.ts'
import { tellRefused } from '../exchange/deciding.ts'
import type { Door } from '../door.ts'
import type { Running } from '../running.ts'
import type { Wire } from '../../http/wire.ts'
import { constants, performServerHandshake } from './node.ts'
import { CONNECTION_WINDOW, serverOptions } from './settings.ts'
import { Stream } from './stream.ts'
import { UpstreamSessions } from './upstream.ts'

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_INTERNAL_ERROR } = constants

export class Session {
  /** Resolves when the connection is over. */
  readonly over: Promise<void>
  readonly #door: Door
  readonly #authority: Authority
  /** Bears the deadline: a timer of the session's own would keep it after its end. */
  readonly #wire: Wire
  readonly #session: ServerHttp2Session
  readonly #upstreams: UpstreamSessions
  readonly #streams = new Set<Stream>()

  /** The wire is nobody else's from now on. */
  constructor(door: Door, wire: Wire, authority: Authority) {
    this.#door = door
    this.#authority = authority
    this.#upstreams = new UpstreamSessions(door)
    this.#wire = wire
    const socket = wire.release()
    const session = performServerHandshake(socket, serverOptions(door.limits))
    this.#session = session
    session.setLocalWindowSize(CONNECTION_WINDOW)
    session.on('stream', (stream, _headers, flags, raw) => this.#take(stream, flags, raw))
    session.on('error', (error) => this.#broken(error))
    // Until there is a stream: its head has so long; afterwards a connection without one.
    wire.onDeadline = undefined
    wire.deadline = Date.now() + door.limits.headMs
    // It takes answers for what it has asked, and then it is gone.
    socket.once('end', () => session.close())
    this.over = new Promise((resolve) => {
      const closed = (): void => {
        this.#upstreams.close()
        resolve()
      }
      session.once('close', closed)
      socket.once('close', closed)
    })
  }

  rejudge(running: Running): void {
    for (const stream of this.#streams) stream.rejudge(running)
  }

  destroy(): void {
    this.#session.destroy()
    this.#upstreams.close()
  }

  #take(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { streams, limits } = this.#door
    // Why a stream ended is seen by whoever reads or writes it.
    stream.on('error', () => {})
    const one = new Stream(this.#door, stream, this.#authority, this.#upstreams)
    this.#streams.add(one)
    streams.open++
    this.#wire.deadline = Number.POSITIVE_INFINITY
    stream.once('close', () => {
      streams.open--
      this.#streams.delete(one)
      if (this.#streams.size === 0) this.#wire.deadline = Date.now() + limits.idleMs
    })
    if (streams.open > limits.connections) return one.turnAway(raw)
    one.serve(raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0).catch(() => stream.close(NGHTTP2_INTERNAL_ERROR))
  }

  /** What nghttp2 does not take ends the connection; a peer that went is no refusal. */
  #broken(error: NodeJS.ErrnoException): void {
    if (error.code?.startsWith('ERR_HTTP2_') !== true) return
    tellRefused(this.#door, { authority: this.#authority, scheme: 'https', fields: [] }, 'request-malformed')
  }
}
