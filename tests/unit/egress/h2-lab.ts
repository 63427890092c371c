/** HTTP/2 around the laboratory: node's own client and server at both ends, and frames made by hand. */
import { connect, constants, performServerHandshake } from 'node:http2'
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { Lab, route } from './lab.ts'
import type { Client, LabOptions } from './lab.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'

export const h2Route = (fields: Partial<RoutePolicy> = {}): RoutePolicy =>
  route({ protocols: ['h2'], ...fields })

/** What a stream asked of the upstream. */
export interface Asked {
  readonly headers: IncomingHttpHeaders
  readonly raw: readonly string[]
  body: string
  ended: boolean
  /** Reset, or its connection closed. */
  closed: boolean
}

export type Serving = (stream: ServerHttp2Stream, asked: Asked) => void

/** The body it was sent, when all of it is there. */
export const echoed: Serving = (stream, asked) => {
  const answer = (): void => {
    if (stream.destroyed) return
    stream.respond({ ':status': 200, 'x-seen': String(asked.headers[':path']) })
    stream.end(Buffer.from(asked.body, 'latin1'))
  }
  if (asked.ended) answer()
  else stream.once('end', answer)
}

export class H2Lab {
  readonly asked: Asked[] = []
  readonly lab: Lab
  readonly #sessions: ClientHttp2Session[] = []

  private constructor(lab: Lab) {
    this.lab = lab
  }

  static async open({
    serving = echoed,
    ...options
  }: Partial<LabOptions> & { readonly serving?: Serving } = {}): Promise<H2Lab> {
    const asked: Asked[] = []
    const lab = await Lab.open({
      routes: [h2Route()],
      upstreamProtocols: ['h2', 'http/1.1'],
      ...options,
      upstreams: {
        'allowed.test:443': (socket, _all, piece) => serveH2(socket, piece, asked, serving),
        ...options.upstreams,
      },
    })
    return Object.assign(new H2Lab(lab), { asked })
  }

  async dialled(host = 'allowed.test'): Promise<ClientHttp2Session> {
    const socket = (await this.lab.tunnel(host, { alpn: ['h2'] })).release()
    const session = connect(`https://${host}`, { createConnection: () => socket })
    session.on('error', () => {})
    // Sockets of the laboratory may be half open.
    socket.once('end', () => session.destroy())
    this.#sessions.push(session)
    return session
  }

  /** A connection that speaks frames made by hand; the preface and empty settings are sent. */
  async framing(host = 'allowed.test'): Promise<Client> {
    const client = await this.lab.tunnel(host, { alpn: ['h2'] })
    return client.send(PREFACE).send(frame(4, 0, 0))
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy()
    await this.lab.close()
  }
}

function serveH2(socket: Socket, piece: Buffer, asked: Asked[], serving: Serving): void {
  socket.removeAllListeners('data')
  socket.pause()
  socket.unshift(piece)
  const session = performServerHandshake(socket, { strictSingleValueFields: false })
  session.on('error', () => {})
  session.on('stream', (stream, headers, flags, raw) => {
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    const one: Asked = { headers, raw, body: '', ended, closed: false }
    asked.push(one)
    stream.on('error', () => {})
    stream.on('data', (bytes: Buffer) => (one.body += bytes.toString('latin1')))
    // Of a stream that is reset an end is told, too.
    stream.once('end', () => (one.ended = (stream.rstCode ?? 0) === 0))
    stream.once('close', () => (one.closed = true))
    serving(stream, one)
  })
}

export interface Answer {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: IncomingHttpHeaders
  /** Code of a reset, 0 for a clean end. */
  readonly code: number
}

export function answered(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  let body = ''
  stream.on('error', () => {})
  stream.once('response', (given) => (headers = given))
  stream.once('trailers', (given) => (trailers = given))
  stream.on('data', (piece: Buffer) => (body += piece.toString('latin1')))
  return new Promise((resolve) =>
    stream.once('close', () => resolve({ headers, body, trailers, code: stream.rstCode ?? 0 })),
  )
}

export function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...headers }, { endStream: body === undefined })
  const answer = answered(stream)
  if (body !== undefined) stream.end(body)
  return answer
}

// ── frames ───────────────────────────────────────────────────────────────────────────────────────

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const END_STREAM = 1
export const END_HEADERS = 4

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A literal field that enters no table, its name and value as they are. */
export function literal(name: string, value: string): Buffer {
  const text = (bytes: Buffer): Buffer => Buffer.concat([lengthOf(bytes.length), bytes])
  return Buffer.concat([
    Buffer.from([0]),
    text(Buffer.from(name, 'latin1')),
    text(Buffer.from(value, 'latin1')),
  ])
}

/** An integer with a prefix of seven bits (RFC 7541, 5.1). */
function lengthOf(length: number): Buffer {
  if (length < 127) return Buffer.from([length])
  const bytes = [127]
  for (let rest = length - 127; ; rest >>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest & 127) | 128)
  }
}

export type Fields = readonly (readonly [string, string])[]
export const PLAIN: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'allowed.test'],
  [':path', '/'],
]

export const block = (fields: Fields): Buffer =>
  Buffer.concat(fields.map(([name, value]) => literal(name, value)))

export const headers = (fields: Fields, flags = END_STREAM | END_HEADERS, stream = 1): Buffer =>
  frame(1, flags, stream, block(fields))

/** Plain fields with one in place of another, or without it. */
export const withField = (name: string, value: string | undefined): Fields =>
  PLAIN.flatMap(([key, old]) => {
    if (key !== name) return [[key, old] as const]
    return value === undefined ? [] : [[key, value] as const]
  })

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: string
}

/** Frames of what a client was sent, by a second, simple reader. */
export function framesOf(text: string): readonly Frame[] {
  const bytes = Buffer.from(text, 'latin1')
  const frames: Frame[] = []
  for (let at = 0; at + 9 <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3)
    if (at + 9 + length > bytes.length) break
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.toString('latin1', at + 9, at + 9 + length),
    })
    at += 9 + length
  }
  return frames
}

/** A message of gRPC. */
export function message(text: string | Buffer, packed = false): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(5)
  head[0] = packed ? 1 : 0
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}
