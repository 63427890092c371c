/** One attempt at an exchange: heads rebuilt, bodies streamed in both directions at once with back-pressure, credentials masked on the way back. */
import { Pieces } from '../../detect/pieces.ts'
import type { Finding, Scanned } from '../../detect/scan.ts'
import { restrictsMethods } from '../../policy/judge.ts'
import type { Allowed } from '../../policy/judge.ts'
import { bodyReader, frameEnd, framePiece } from '../../http/body.ts'
import type { BodyReader } from '../../http/body.ts'
import { controls } from '../../policy/controls.ts'
import type { Door } from '../door.ts'
import { Malformed } from '../../http/head.ts'
import type { Framing } from '../../http/head.ts'
import { renderRequest, renderResponse } from './outgoing.ts'
import type { OutgoingRequest } from './outgoing.ts'
import { Inbound } from './inbound.ts'
import { overrideWatch } from './overriding.ts'
import type { OverrideWatch } from './overriding.ts'
import { Refuse, refuseFinding } from './request.ts'
import { isIdentity, readResponse } from './response.ts'
import type { ResponseHead } from './response.ts'
import type { Running } from '../running.ts'
import { Scrubber } from '../secrets/scrub.ts'
import type { Lease, UpstreamTarget } from '../upstream/upstreams.ts'
import type { Opening } from '../websocket/handshake.ts'
import { serveWebSocket } from '../websocket/serve.ts'
import type { Ending } from '../websocket/session.ts'
import { WireClosed } from '../../http/wire.ts'
import type { Wire } from '../../http/wire.ts'

export interface Exchange {
  readonly client: Wire
  readonly outgoing: OutgoingRequest
  readonly target: UpstreamTarget
  readonly running: Running
  /** Set while an upstream is held, so that a narrowed policy can close it. */
  hold(upstream: Wire | undefined): void
  /** From the first byte of the response on, a failure can only cut it off. */
  begun: boolean
  status: number
  bodyOut: number
  bodyIn: number
  /** A WebSocket is open. */
  opened(): void
  /** Whether the operator has accepted findings of this rule here. */
  accepted(rule: string): boolean
  /** What was found in the answer goes on, and is told of. */
  warned(finding: Finding): void
  ending?: Ending
}

/** The only end of an attempt after which another may be made. */
export const NO_ANSWER = new Error('the upstream closed before it answered')

export class Attempt {
  readonly #door: Door
  readonly #allowed: Allowed
  readonly #scanned: Scanned
  readonly #exchange: Exchange
  readonly #upstream: Wire
  readonly #reader: BodyReader
  readonly #ends: number
  /** Of a route that tells methods apart: a body must not name another one. */
  readonly #override: OverrideWatch | undefined
  #late: 'upstream-timeout' | 'limit-time' | undefined
  #uploadFailure: Error | undefined
  /** The whole request has gone out. */
  #uploaded = false

  constructor(
    door: Door,
    allowed: Allowed,
    scanned: Scanned,
    exchange: Exchange,
    lease: Lease,
    ends: number,
  ) {
    this.#door = door
    this.#allowed = allowed
    this.#scanned = scanned
    this.#exchange = exchange
    this.#upstream = lease.wire
    this.#ends = ends
    this.#reader = bodyReader(exchange.client, exchange.outgoing.request.framing, 'refuse')
    if (restrictsMethods(allowed.route)) this.#override = overrideWatch(exchange.outgoing.fields)
    exchange.hold(lease.wire)
    lease.wire.onDeadline = () => {
      this.#late = Date.now() >= ends ? 'limit-time' : 'upstream-timeout'
      lease.wire.destroy()
    }
  }

  async run(): Promise<boolean> {
    const { client, outgoing } = this.#exchange
    if (client.closed) throw new WireClosed('connection closed')
    this.#progress()
    this.#upload()
    let response: ResponseHead | undefined
    try {
      response = await readResponse(
        this.#upstream,
        outgoing.request.method,
        this.#door.limits,
        () => this.#progress(),
        outgoing.opening !== undefined,
      )
    } catch (error) {
      throw this.#blame(error)
    }
    if (response === undefined) throw this.#blame(NO_ANSWER)
    if (response.status === 101 && outgoing.opening) return await this.#webSocket(response, outgoing.opening)
    const keptUpstream = await this.#relay(response)
    // An answer before the end of the request: the rest of the body is nobody's.
    this.#finish(this.#uploaded && keptUpstream)
    return (
      this.#uploaded &&
      outgoing.request.keepAlive &&
      outgoing.request.version === '1.1' &&
      outgoing.opening === undefined
    )
  }

  /** A failure is looked at when the response is, or is not, there. */
  #upload(): void {
    try {
      const sending = this.#send()
      if (sending === undefined) this.#uploaded = true
      else
        sending.then(
          () => (this.#uploaded = true),
          (error: unknown) => this.#uploadFailed(error),
        )
    } catch (error) {
      this.#uploadFailed(error)
    }
  }

  #uploadFailed(error: unknown): void {
    this.#uploadFailure = error instanceof Error ? error : new Error('upload failed')
    if (!(error instanceof WireClosed) || this.#exchange.client.closed) this.#upstream.destroy()
  }

  async #webSocket(response: ResponseHead, opening: Opening): Promise<false> {
    const [exchange, upstream] = [this.#exchange, this.#upstream]
    const parts = { allowed: this.#allowed, scanned: this.#scanned, ends: this.#ends }
    exchange.ending = await serveWebSocket(this.#door, { ...parts, exchange, opening, upstream, response })
    exchange.hold(undefined)
    return false
  }

  abandon(): void {
    this.#upstream.destroy()
    this.#exchange.hold(undefined)
  }

  #finish(keep: boolean): void {
    const { client, hold, target } = this.#exchange
    hold(undefined)
    client.onDeadline = undefined
    if (keep) this.#door.upstreams.give(target, this.#upstream)
    else this.#upstream.destroy()
  }

  /** Both sides are alive: deadlines move on. */
  #progress(): void {
    const now = Date.now()
    this.#upstream.deadline = Math.min(now + this.#door.limits.silenceMs, this.#ends)
    this.#exchange.client.deadline = now + this.#door.limits.silenceMs
  }

  /** Whose fault it was that there is no response. */
  #blame(error: unknown): unknown {
    if (this.#late !== undefined) return new Refuse(this.#late)
    const upload = this.#uploadFailure
    if (
      upload instanceof Malformed ||
      upload instanceof Refuse ||
      (upload !== undefined && this.#exchange.client.closed)
    )
      return upload
    if (error instanceof Malformed) return new Refuse('upstream-malformed')
    return error instanceof WireClosed ? NO_ANSWER : error
  }

  /** As `Wire.write`: at once where nothing has to be waited for. */
  #send(): Promise<void> | undefined {
    const { outgoing } = this.#exchange
    const signing = outgoing.credential?.kind === 'signature'
    if (outgoing.request.framing.kind !== 'none') return this.#sendWithBody(signing)
    return signing ? this.#sendSigned() : this.#upstream.write(renderRequest(outgoing))
  }

  async #sendSigned(): Promise<void> {
    await this.#upstream.write(await this.#signedHead(EMPTY))
  }

  async #sendWithBody(signing: boolean): Promise<void> {
    const { client, outgoing } = this.#exchange
    const { request } = outgoing
    if (request.expectsContinue && client.pending === 0) await client.write('HTTP/1.1 100 Continue\r\n\r\n')
    let first: Buffer | undefined = signing ? undefined : Buffer.from(renderRequest(outgoing), 'latin1')
    let unsigned = signing
    // Of a body that is looked at whole, the head goes with it: a finding leaves nothing behind at the upstream.
    if (first !== undefined && client.pending === 0 && this.#scanned.body?.whole !== true) {
      await this.#upstream.write(first)
      first = undefined
    }
    let received = 0
    for (;;) {
      const piece = this.#reader.take() ?? (await this.#reader.next())
      if (piece === undefined) break
      received += piece.length
      this.#door.quotas.count(this.#allowed.route, piece.length, received)
      const passed = this.#scan(piece)
      this.#progress()
      if (passed.length === 0) continue
      if (unsigned) first = await this.#signedHead(undefined)
      unsigned = false
      this.#exchange.bodyOut += passed.length
      const framed = framePiece(passed, request.framing)
      await this.#upstream.write(first === undefined ? framed : Buffer.concat([first, framed]))
      first = undefined
      this.#progress()
    }
    const rest = this.#scanEnd()
    if (unsigned) first = await this.#signedHead(rest)
    this.#exchange.bodyOut += rest.length
    const last = Buffer.concat([
      first ?? EMPTY,
      framePiece(rest, request.framing),
      frameEnd(request.framing) ?? EMPTY,
    ])
    if (last.length > 0) await this.#upstream.write(last)
  }

  /** `body`: all that is sent of it; undefined where it goes on piece by piece. */
  async #signedHead(body: Buffer | undefined): Promise<Buffer> {
    const { signed } = await import('../secrets/signing.ts')
    return Buffer.from(renderRequest(await signed(this.#exchange.outgoing, body)), 'latin1')
  }

  #scan(piece: Buffer): Buffer {
    if (this.#override?.push(piece) === true) throw new Refuse('method-override')
    const passed = this.#scanned.body?.push(piece) ?? piece
    if (Buffer.isBuffer(passed)) return passed
    throw refuseFinding(passed)
  }

  #scanEnd(): Buffer {
    if (this.#override?.end() === true) throw new Refuse('method-override')
    const passed = this.#scanned.body?.end() ?? EMPTY
    if (Buffer.isBuffer(passed)) return passed
    throw refuseFinding(passed)
  }

  /** Resolves whether the upstream may carry another request. */
  async #relay(response: ResponseHead): Promise<boolean> {
    const { client, outgoing, running } = this.#exchange
    const { request, credential } = outgoing
    const scrubbing = credential !== undefined && !running.matcher.empty && controls.on('response-scrub')
    if (scrubbing && response.framing.kind !== 'none' && !isIdentity(response))
      throw new Refuse('encoding-unreadable')
    const exchange = this.#exchange
    const mode = this.#allowed.route.dlp?.inbound ?? 'off'
    const inbound = Inbound.of(response, mode === 'off' ? undefined : { ...exchange, mode })
    const framing = clientFraming(response.framing, request.version)
    const close =
      !request.keepAlive ||
      request.version === '1.0' ||
      framing.kind === 'close' ||
      // What the agent may have sent after its handshake is no request.
      outgoing.opening !== undefined
    let head = renderResponse(response, framing, close, scrubbing ? running.matcher : undefined)
    const scrubber = scrubbing ? new Scrubber(running.matcher) : undefined
    const reader = bodyReader(this.#upstream, response.framing, 'drop')
    // The head had a time of its own; a body may be silent for longer.
    this.#progress()
    exchange.status = response.status
    const waiting = new Pieces()
    const send = (): Promise<void> | undefined => {
      const bytes = headed(head, waiting.take())
      head = ''
      return bytes.length > 0 ? client.write(bytes) : undefined
    }
    exchange.begun = inbound?.headFirst !== false
    if (exchange.begun && this.#upstream.pending === 0) await send()
    while (!reader.done) {
      const piece = reader.take() ?? (await this.#next(reader))
      if (piece === undefined) break
      exchange.bodyIn += piece.length
      const goesOn = inbound?.push(piece) ?? true
      // Its end goes with it.
      const isLast = reader.done && inbound === undefined
      const masked = isLast ? scrubber?.end(piece) : scrubber?.push(piece)
      waiting.push(framePiece(masked ?? piece, framing))
      if (isLast) break
      if (goesOn) {
        exchange.begun = true
        const sending = send()
        if (sending !== undefined) await sending
      }
      this.#progress()
    }
    inbound?.end()
    exchange.begun = true
    waiting.push(framePiece(scrubber?.end() ?? EMPTY, framing))
    waiting.push(frameEnd(framing) ?? EMPTY)
    const sending = send()
    if (sending !== undefined) await sending
    if (controls.on('response-framing') && this.#upstream.pending > 0) return false
    return response.keepAlive && response.framing.kind !== 'close'
  }

  async #next(reader: BodyReader): Promise<Buffer | undefined> {
    try {
      return await reader.next()
    } catch (error) {
      if (this.#late !== undefined) throw new Refuse(this.#late)
      if (error instanceof Malformed) throw new Refuse('upstream-malformed')
      throw error instanceof WireClosed && !this.#exchange.client.closed
        ? new Refuse('upstream-closed')
        : error
    }
  }
}

const EMPTY = Buffer.alloc(0)

/** A head and the beginning of its body as one piece. */
function headed(head: string, body: Buffer): Buffer | string {
  if (body.length === 0) return head
  if (head === '') return body
  const bytes = Buffer.allocUnsafe(head.length + body.length)
  bytes.write(head, 'latin1')
  bytes.set(body, head.length)
  return bytes
}

/** A length is kept; what is delimited otherwise becomes chunks, or for HTTP/1.0 the end of the connection. */
function clientFraming(framing: Framing, version: '1.0' | '1.1'): Framing {
  if (framing.kind === 'none' || framing.kind === 'length') return framing
  return { kind: version === '1.1' ? 'chunked' : 'close' }
}
