/**
 * One stream of an agent, from its head to its end: parsed, decided and scanned as a request of HTTP/1.1 is, sent on a
 * stream of our own, answered with what came back, masked. A refusal is said in words and ends this stream only.
 */
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2'
import { isScanned } from '../../detect/scan.ts'
import type { Finding } from '../../detect/scan.ts'
import type { Authority } from '../../policy/authority.ts'
import { isAllowed, judge, restrictsMethods } from '../../policy/judge.ts'
import { controls } from '../../policy/controls.ts'
import { decide, tellAllowed, tellRefused } from '../exchange/deciding.ts'
import type { Decided, Seen } from '../exchange/deciding.ts'
import type { Door } from '../door.ts'
import { enter } from '../client/forward.ts'
import { Malformed } from '../../http/head.ts'
import type { OutgoingRequest } from '../exchange/outgoing.ts'
import { overrideWatch } from '../exchange/overriding.ts'
import { Refuse, ruleFor } from '../exchange/request.ts'
import type { ParsedRequest } from '../exchange/request.ts'
import type { Running } from '../running.ts'
import { oncePerRule } from '../exchange/scanning.ts'
import { Wire, WireClosed } from '../../http/wire.ts'
import { refusalAnswer, requestHead } from './answer.ts'
import { bodyOut } from './bodies.ts'
import type { BodyOut } from './bodies.ts'
import { constants } from './node.ts'
import { readableFields, requestOf } from './request.ts'
import { endBy, relay, Responding, saidTwice } from './response.ts'
import type { UpstreamSessions } from './upstream.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

export class Stream {
  readonly #door: Door
  readonly #stream: ServerHttp2Stream
  readonly #client: Wire
  readonly #authority: Authority
  readonly #upstreams: UpstreamSessions
  readonly #counts = { status: 0, bodyOut: 0, bodyIn: 0, begun: false }
  readonly #seen: Seen
  #upstream: Wire | undefined
  #decided: Decided | undefined
  #late: 'upstream-timeout' | 'limit-time' | undefined
  #uploadFailure: Error | undefined
  #ends = Number.POSITIVE_INFINITY
  #over = false

  constructor(door: Door, stream: ServerHttp2Stream, authority: Authority, upstreams: UpstreamSessions) {
    this.#door = door
    this.#stream = stream
    this.#authority = authority
    this.#upstreams = upstreams
    this.#client = this.#watched(new Wire(stream))
    this.#client.deadline = Date.now() + door.limits.silenceMs
    this.#client.onDeadline = () => this.#fail(new Refuse('request-timeout'))
    this.#seen = { authority, scheme: 'https', fields: [] }
  }

  /** `raw`: names and values in turn; `ended`: no body follows. */
  async serve(raw: readonly string[], ended: boolean): Promise<void> {
    try {
      this.#seen.fields = readableFields(raw)
      await this.#answer(requestOf(raw, ended, this.#authority, this.#door.limits))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Refuses a stream for which there is no room. */
  turnAway(raw: readonly string[]): void {
    this.#seen.fields = readableFields(raw)
    this.#fail(new Refuse('overload'))
  }

  /** Judges again under a policy that has replaced the one it was admitted by. */
  rejudge({ config }: Running): void {
    if (this.#over || this.#decided === undefined) return
    if (judge(config.policy, this.#decided.judged).allowed) return
    tellRefused(this.#door, this.#seen, 'policy-narrowed')
    this.#end(NGHTTP2_CANCEL)
  }

  async #answer(request: ParsedRequest): Promise<void> {
    const began = Date.now()
    const { method, path } = request
    const seen = Object.assign(this.#seen, { authority: request.authority, method, path })
    const running = this.#door.running()
    if (running === undefined) throw new Refuse('no-policy')
    const audit = (finding?: Finding): void => {
      const told = { ms: Date.now() - began, again: false, finding }
      if (this.#decided) tellAllowed(this.#door, running, this.#decided, this.#counts, told)
    }
    const warned = oncePerRule(audit)
    const decided = decide(running, request, seen, { began, warned })
    const { verdict, scanned, fields, rules } = decided
    if (!isAllowed(verdict) || !isScanned(scanned)) throw new Refuse('internal')
    this.#decided = decided
    const watch = restrictsMethods(verdict.route) ? overrideWatch(fields) : undefined
    const body = bodyOut(scanned, fields, watch)
    const outgoing: OutgoingRequest = { request, ...decided }
    try {
      this.#ends = enter(this.#door, verdict, request)
      const accepted = (rule: string): boolean => rules.accepted(rule)
      await this.#exchange(outgoing, running, body, { warned, accepted })
      this.#over = true
      audit()
    } catch (error) {
      // The agent went before the answer ended: what went out went out.
      if (error instanceof WireClosed && !this.#over) audit()
      else Object.assign(seen, { bytesOut: this.#counts.bodyOut, bytesIn: this.#counts.bodyIn })
      throw error
    } finally {
      body.dispose()
      this.#decided = undefined
    }
  }

  async #exchange(
    outgoing: OutgoingRequest,
    running: Running,
    body: BodyOut,
    found: { accepted(rule: string): boolean; warned(finding: Finding): void },
  ): Promise<void> {
    const { request } = outgoing
    const bodyless = request.framing.kind === 'none'
    if (request.expectsContinue && !bodyless && this.#client.pending === 0 && !this.#stream.closed)
      this.#stream.additionalHeaders({ ':status': 100 })
    const pieces = this.#pieces(body)
    // Of a body that is looked at whole, the head goes with it: a finding leaves nothing behind at the upstream.
    const whole = !bodyless && body.whole ? await pieces.next() : undefined
    const session = await this.#upstreams.take({
      scheme: 'https',
      authority: request.authority,
      credentialKey: running.credentialKey(this.#routeOf()),
      token: running.token,
      trust: running.config.trust,
    })
    const first = whole ?? (!bodyless && this.#client.pending > 0 ? await pieces.next() : undefined)
    // Revoked, or left, while it was dialled.
    if (this.#over || this.#client.closed) throw new WireClosed('stream closed')
    // Ended by trailers, of which there are none: what is cut off must not look as if it had ended.
    const opening = { endStream: bodyless, waitForTrailers: !bodyless }
    const upstream = this.#opened(opened(session, requestHead(outgoing), opening))
    this.#progress()
    const uploading = bodyless ? Promise.resolve() : this.#upload(upstream, pieces, first)
    let uploaded = false
    uploading.then(
      () => (uploaded = true),
      (error: unknown) => {
        this.#uploadFailure = error instanceof Error ? error : new Error('upload failed')
        if (!(error instanceof WireClosed) || this.#client.closed) cut(upstream)
      },
    )
    try {
      await relay({
        door: this.#door,
        route: this.#routeOf(),
        upstream,
        client: this.#client,
        stream: this.#stream,
        matcher: this.#matcherFor(outgoing, running),
        counts: this.#counts,
        progress: () => this.#progress(),
        ...found,
      })
    } catch (error) {
      throw this.#blame(error)
    } finally {
      // An answer before the end of the request: the rest of the body is nobody's.
      if (!uploaded) cut(upstream)
      this.#upstream = undefined
    }
    if (!uploaded) this.#stream.close(NGHTTP2_NO_ERROR)
  }

  /** What of the body may go on, piece by piece. */
  async *#pieces(body: BodyOut): AsyncGenerator<Buffer, undefined> {
    const route = this.#routeOf()
    let received = 0
    for (;;) {
      const piece = await this.#client.read()
      if (piece === null) break
      received += piece.length
      this.#door.quotas.count(route, piece.length, received)
      const passed = body.push(piece)
      this.#progress()
      if (passed.length > 0) yield passed
    }
    const rest = body.end()
    if (rest.length > 0) yield rest
    return undefined
  }

  async #upload(
    { stream, wire }: Opened,
    pieces: AsyncGenerator<Buffer, undefined>,
    first: IteratorResult<Buffer, undefined> | undefined,
  ): Promise<void> {
    for (let next = first ?? (await pieces.next()); next.done !== true; next = await pieces.next()) {
      this.#counts.bodyOut += next.value.length
      await wire.write(next.value)
      this.#progress()
    }
    endBy(stream, {})
    wire.end()
  }

  #opened(stream: ClientHttp2Stream): Opened {
    const responding = new Responding(stream)
    const wire = this.#watched(new Wire(stream))
    const upstream = { stream, wire, responding }
    this.#upstream = wire
    wire.onDeadline = () => {
      this.#late = Date.now() >= this.#ends ? 'limit-time' : 'upstream-timeout'
      cut(upstream)
    }
    // Nobody is left to answer: what is asked of the upstream ends too.
    this.#stream.once('close', () => stream.close(NGHTTP2_CANCEL))
    return upstream
  }

  #routeOf(): Decided['verdict']['route'] {
    if (this.#decided === undefined) throw new Refuse('internal')
    return this.#decided.verdict.route
  }

  #matcherFor({ credential }: OutgoingRequest, { matcher }: Running): Running['matcher'] | undefined {
    return credential !== undefined && !matcher.empty && controls.on('response-scrub') ? matcher : undefined
  }

  /** Both sides are alive: deadlines move on. */
  #progress(): void {
    const { silenceMs, lingerMs } = this.#door.limits
    const silent = Date.now() + silenceMs
    // Who is waited for is the upstream, once there is one; its lateness is said first.
    this.#client.deadline = this.#upstream ? silent + lingerMs : silent
    if (this.#upstream) this.#upstream.deadline = Math.min(silent, this.#ends)
  }

  /** Whose fault it was that there is no whole answer. */
  #blame(error: unknown): unknown {
    if (this.#late !== undefined) return new Refuse(this.#late)
    const upload = this.#uploadFailure
    if (upload instanceof Malformed || upload instanceof Refuse) return upload
    if (this.#client.closed) return new WireClosed('stream closed')
    return error instanceof WireClosed ? new Refuse('upstream-closed') : error
  }

  #fail(error: unknown): void {
    if (this.#over) return
    if (error instanceof WireClosed) return this.#end(NGHTTP2_CANCEL)
    const rule = ruleFor(error)
    const refusal = tellRefused(
      this.#door,
      this.#seen,
      rule,
      error instanceof Refuse ? error.finding : undefined,
    )
    // Inside an answer the stream is only cut.
    if (this.#counts.begun || this.#client.closed || this.#stream.closed)
      return this.#end(NGHTTP2_INTERNAL_ERROR)
    const { head, body } = refusalAnswer(refusal, this.#seen.fields, this.#seen.method)
    this.#over = true
    this.#client.deadline = Date.now() + this.#door.limits.lingerMs
    this.#client.onDeadline = undefined
    this.#stream.respond(head, { endStream: body === '' })
    if (body !== '') this.#stream.end(body)
    this.#stream.close(NGHTTP2_NO_ERROR)
  }

  #end(code: number): void {
    this.#over = true
    this.#stream.close(code)
    this.#client.destroy()
  }

  #watched(wire: Wire): Wire {
    this.#door.sweep.add(wire)
    return wire
  }
}

interface Opened {
  readonly stream: ClientHttp2Stream
  readonly wire: Wire
  readonly responding: Responding
}

function cut({ stream, wire }: Opened): void {
  stream.close(NGHTTP2_CANCEL)
  wire.destroy()
}

/** Throws Malformed for fields that may not be said twice. */
function opened(
  session: ClientHttp2Session,
  head: OutgoingHttpHeaders,
  options: ClientSessionRequestOptions,
): ClientHttp2Stream {
  try {
    return session.request(head, options)
  } catch (error) {
    throw saidTwice(error) ? new Malformed('field twice') : new Refuse('upstream-closed')
  }
}
