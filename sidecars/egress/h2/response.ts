/** The answer of an upstream on its stream: head, body and trailers, searched and masked by the code of HTTP/1.1. */
import type { ClientHttp2Stream, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { Pieces } from '../../detect/pieces.ts'
import type { Finding } from '../../detect/scan.ts'
import type { Door } from '../door.ts'
import { Inbound } from '../exchange/inbound.ts'
import { INTERIM_MAX } from '../../http/limits.ts'
import { Refuse } from '../exchange/request.ts'
import { isIdentity } from '../exchange/response.ts'
import type { ResponseHead } from '../exchange/response.ts'
import type { Matcher } from '../secrets/scrub.ts'
import { WireClosed } from '../../http/wire.ts'
import type { Wire } from '../../http/wire.ts'
import { answerHead, answerOf, trailersOf } from './answer.ts'
import { bodyBack } from './bodies.ts'
import { constants } from './node.ts'

const { NGHTTP2_FLAG_END_STREAM } = constants

/** What an upstream says of its answer beside the body. Interim answers are counted and dropped. */
export class Responding {
  readonly head: Promise<ResponseHead>
  trailers: readonly string[] = []

  constructor(stream: ClientHttp2Stream) {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>()
    this.head = promise
    // Whoever waits for it hears of it; a stream that ends while its body is still read has nobody.
    promise.catch(() => {})
    let interim = 0
    stream.on('headers', () => {
      if (++interim > INTERIM_MAX) reject(new Refuse('upstream-malformed'))
    })
    stream.once('response', (_headers, flags, raw) => {
      try {
        resolve(answerOf(raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0))
      } catch (error) {
        reject(error)
      }
    })
    stream.once('trailers', (_headers, _flags, raw) => (this.trailers = raw))
    stream.once('close', () => reject(new WireClosed('stream closed')))
  }
}

export interface Relayed {
  readonly door: Door
  readonly route: RoutePolicy
  readonly upstream: { readonly wire: Wire; readonly responding: Responding }
  readonly client: Wire
  readonly stream: ServerHttp2Stream
  /** Of what is masked; undefined: nothing is. */
  readonly matcher: Matcher | undefined
  readonly counts: { status: number; bodyIn: number; begun: boolean }
  progress(): void
  accepted(rule: string): boolean
  warned(finding: Finding): void
}

/** Resolves when the whole answer has been given to the agent. Throws Refuse, WireClosed. */
export async function relay(parts: Relayed): Promise<void> {
  const { route, upstream, client, stream, matcher, counts } = parts
  const response = await upstream.responding.head
  const { framing } = response
  if (matcher && framing.kind !== 'none' && !isIdentity(response)) throw new Refuse('encoding-unreadable')
  const mode = route.dlp?.inbound ?? 'off'
  const inbound = Inbound.of(response, mode === 'off' ? undefined : { ...parts, mode })
  const passage = bodyBack(matcher, response.fields)
  const head = answerHead(response, matcher)
  counts.status = response.status
  parts.progress()
  if (framing.kind === 'none') {
    begin(parts, head, true)
    return
  }
  const waiting = new Pieces()
  if (inbound?.headFirst !== false) begin(parts, head, false)
  for (;;) {
    const piece = await upstream.wire.read()
    if (piece === null) break
    counts.bodyIn += piece.length
    const goesOn = inbound?.push(piece) ?? true
    waiting.push(passage.push(piece))
    parts.progress()
    if (!goesOn) continue
    begin(parts, head, false)
    const out = waiting.take()
    if (out.length > 0) await client.write(out)
    parts.progress()
  }
  inbound?.end()
  const last = Buffer.concat([waiting.take(), passage.end()])
  begin(parts, head, false)
  const trailers = trailersOf(upstream.responding.trailers, matcher)
  endBy(stream, trailers)
  client.end(last.length === 0 ? undefined : last)
  await flushed(stream)
}

function begin({ stream, counts }: Relayed, head: OutgoingHttpHeaders, ended: boolean): void {
  if (counts.begun) return
  if (stream.destroyed || stream.closed) throw new WireClosed('stream closed')
  try {
    stream.respond(head, { endStream: ended, waitForTrailers: !ended })
  } catch (error) {
    throw saidTwice(error) ? new Refuse('upstream-malformed') : new WireClosed('stream closed')
  }
  counts.begun = true
}

/** When all was written, these end the stream. */
export function endBy(stream: ServerHttp2Stream | ClientHttp2Stream, trailers: OutgoingHttpHeaders): void {
  stream.once('wantTrailers', () => {
    try {
      stream.sendTrailers(trailers)
    } catch {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
  })
}

/** A field that has one value was given several: node says so before anything is sent. */
export const saidTwice = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_HTTP2_HEADER_SINGLE_VALUE'

/** What was written has been taken by the connection. */
function flushed(stream: ServerHttp2Stream): Promise<void> {
  if (stream.writableFinished) return Promise.resolve()
  return new Promise((resolve, reject) => {
    stream.once('finish', resolve)
    stream.once('close', () => reject(new WireClosed('stream closed')))
  })
}
