/** WebSockets around the laboratory: frames made by hand, upstreams that answer the handshake, and the `ws` package at both ends. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { WebSocket, WebSocketServer } from 'ws'
import { route } from './lab.ts'
import type { Answering, Client, Lab } from './lab.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'

export const webSocketRoute = (fields: Partial<RoutePolicy> = {}): RoutePolicy =>
  route({ protocols: ['websocket'], ...fields })

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const accept = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

export const handshake = (fields = '', path = '/ws'): string =>
  `GET ${path} HTTP/1.1\r\nHost: allowed.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${fields}\r\n`

export interface Written {
  readonly opcode?: number
  readonly payload?: Buffer | string
  readonly final?: boolean
  readonly reserved?: number
  /** Four bytes, or none. */
  readonly mask?: Buffer | undefined
  /** Bytes of the length field, whether or not they are needed. */
  readonly lengthBytes?: 0 | 2 | 8
  readonly length?: bigint
}

export const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

/** One frame as it is told, right or wrong. */
export function frame({
  opcode = 1,
  payload = '',
  final = true,
  reserved = 0,
  mask,
  ...told
}: Written): Buffer {
  const bytes = Buffer.from(payload)
  const length = told.length ?? BigInt(bytes.length)
  const size = told.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8)
  const extended = Buffer.alloc(size)
  if (size === 2) extended.writeUInt16BE(Number(length))
  if (size === 8) extended.writeBigUInt64BE(length)
  const short = size === 0 ? Number(length) : size === 2 ? 126 : 127
  const head = Buffer.from([(final ? 0x80 : 0) | (reserved << 4) | opcode, (mask ? 0x80 : 0) | short])
  if (mask) for (const at of bytes.keys()) bytes[at]! ^= mask[at % 4] ?? 0
  return Buffer.concat([head, extended, mask ?? Buffer.alloc(0), bytes])
}

/** A frame as an agent writes it. */
export const sent = (written: Written): Buffer => frame({ mask: MASK, ...written })

export const closing = (code: number, reason = ''): Buffer =>
  Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)])

/** Frames of a stream by a second, simple reader; payloads unmasked. */
export function framesOf(
  text: string,
): readonly { opcode: number; final: boolean; masked: boolean; payload: string }[] {
  const bytes = Buffer.from(text, 'latin1')
  const frames = []
  for (let at = 0; at + 2 <= bytes.length;) {
    const masked = (bytes[at + 1]! & 0x80) !== 0
    const short = bytes[at + 1]! & 0x7f
    const size = short === 126 ? 2 : short === 127 ? 8 : 0
    const length =
      size === 2 ? bytes.readUInt16BE(at + 2) : size === 8 ? Number(bytes.readBigUInt64BE(at + 2)) : short
    const start = at + 2 + size + (masked ? 4 : 0)
    if (start + length > bytes.length) break
    const mask = bytes.subarray(start - 4, start)
    const payload = Buffer.from(bytes.subarray(start, start + length))
    if (masked) for (const index of payload.keys()) payload[index]! ^= mask[index % 4] ?? 0
    frames.push({
      opcode: bytes[at]! & 0x0f,
      final: bytes[at]! >= 0x80,
      masked,
      payload: payload.toString('latin1'),
    })
    at = start + length
  }
  return frames
}

export interface Peer {
  readonly socket: Socket
  /** What came after the handshake. */
  text: string
}

/** An upstream that accepts every handshake and then does as it is told. */
export function agreeing(
  then: (peer: Peer, piece: Buffer) => void = () => {},
  fields: (request: string) => string = () => '',
): Answering {
  const peers = new WeakMap<Socket, Peer>()
  return (socket, _all, piece) => {
    const known = peers.get(socket)
    if (known) {
      known.text += piece.toString('latin1')
      return then(known, piece)
    }
    const request = piece.toString('latin1')
    const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1] ?? ''
    const peer = { socket, text: '' }
    peers.set(socket, peer)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\n${fields(request)}\r\n`,
    )
    then(peer, Buffer.alloc(0))
  }
}

/** The `ws` package as an upstream. */
export function serving(
  serve: (socket: WebSocket, headers: IncomingHttpHeaders) => void,
  options: { readonly perMessageDeflate?: boolean; readonly maxPayload?: number } = {},
): Answering {
  const http = createServer()
  const sockets = new WebSocketServer({ noServer: true, ...options })
  http.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (opened) => serve(opened, request.headers)),
  )
  return (socket, _all, piece) => {
    socket.removeAllListeners('data')
    http.emit('connection', socket)
    socket.unshift(piece)
  }
}

export const echo = (socket: WebSocket): void =>
  void socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }))

/** The `ws` package as the agent, through a tunnel. */
export async function dialled(
  lab: Lab,
  options: { readonly path?: string; readonly protocols?: string[]; readonly maxPayload?: number } = {},
): Promise<WebSocket> {
  const tunnel = (await lab.tunnel()).release()
  const { path = '/ws', protocols = [], ...rest } = options
  const socket = new WebSocket(`ws://allowed.test${path}`, protocols, {
    createConnection: () => tunnel,
    ...rest,
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return socket
}

/** A raw agent whose handshake was accepted; its text is what came after the answer. */
export async function opened(lab: Lab, fields = ''): Promise<Client> {
  const client = (await lab.tunnel()).send(handshake(fields))
  const answer = await client.until('\r\n\r\n')
  if (!answer.startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket: ${answer}`)
  client.text = client.text.slice(answer.length)
  return client
}

export const nextMessage = (socket: WebSocket): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const gone = (code: number): void => reject(new Error(`closed with ${code}`))
    socket.once('close', gone)
    socket.once('message', (message) => {
      socket.off('close', gone)
      resolve(message as Buffer)
    })
  })

export const whenClosed = (socket: WebSocket): Promise<{ readonly code: number; readonly reason: string }> =>
  new Promise((resolve) => {
    socket.on('error', () => {})
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })

/** The code of the close frame that a raw agent was sent last. */
export function closeCodeOf(client: Client): number | undefined {
  const last = framesOf(client.text).findLast(({ opcode }) => opcode === 8)
  return last && last.payload.length >= 2 ? Buffer.from(last.payload, 'latin1').readUInt16BE(0) : undefined
}

export interface Sequence {
  readonly frames: readonly Written[]
  /** What it means, in words. */
  readonly meaning: readonly string[]
}

/** A legal message in fragments, with control frames between them. */
const message = fc
  .record({
    text: fc.boolean(),
    content: fc.string({ unit: 'binary', maxLength: 300 }),
    cuts: fc.array(fc.nat(1200), { maxLength: 4 }),
    controls: fc.array(
      fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 125 }) }),
      { maxLength: 3 },
    ),
  })
  .map(({ text, content, cuts, controls }): Sequence => {
    const bytes = Buffer.from(content)
    const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
    const fragments = edges.slice(1).map((end, at) => ({
      opcode: at > 0 ? 0 : text ? 1 : 2,
      payload: bytes.subarray(edges[at], end),
      final: at === edges.length - 2,
    }))
    const between = controls.map(({ opcode, payload }) => ({ opcode, payload: Buffer.from(payload) }))
    const words = between.map(
      ({ opcode, payload }) => `${opcode === 9 ? 'ping' : 'pong'}:${payload.toString('latin1')}`,
    )
    const body = `${text ? 'text' : 'binary'}:${bytes.toString('latin1')}`
    return fragments.length > 1
      ? { frames: [fragments[0]!, ...between, ...fragments.slice(1)], meaning: [...words, body] }
      : { frames: [...fragments, ...between], meaning: [body, ...words] }
  })

export const sequence = fc.array(message, { minLength: 1, maxLength: 6 }).map((messages): Sequence => ({
  frames: messages.flatMap(({ frames }) => frames),
  meaning: messages.flatMap(({ meaning }) => meaning),
}))
