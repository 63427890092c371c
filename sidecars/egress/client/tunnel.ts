/** The beginning of a TLS connection: the ClientHello is read and judged before anything is minted, dialled or answered. */
import { TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { parseHost } from '../../policy/authority.ts'
import type { Host } from '../../policy/authority.ts'
import { readHello } from './hello.ts'
import type { Hello } from './hello.ts'
import { Refuse } from '../exchange/request.ts'
import { Wire, WireClosed } from '../../http/wire.ts'

/** Alerts a client understands before there is a session (RFC 8446, 6.2), as plain records. */
export const ALERTS = {
  unrecognizedName: Buffer.from([21, 3, 3, 0, 2, 2, 112]),
  accessDenied: Buffer.from([21, 3, 3, 0, 2, 2, 49]),
} as const

/** The whole ClientHello, left unread on the wire; throws Refuse for anything else. */
export async function peekHello(wire: Wire): Promise<Hello> {
  let bytes: Buffer = Buffer.alloc(0)
  for (;;) {
    const piece = await wire.read()
    if (piece === null) throw new Refuse('hello-invalid')
    bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece])
    const state = readHello(bytes)
    if (state.state === 'partial') continue
    if (state.state === 'invalid') throw new Refuse('hello-invalid')
    wire.unread(bytes)
    return state.hello
  }
}

/** The host a ClientHello names. Without a name there is nothing that could equal the authority, so it is refused. */
export function helloHost(hello: Hello): Host {
  if (hello.serverName === undefined) throw new Refuse('hello-without-name')
  const host = parseHost(hello.serverName)
  if (!host.ok) throw new Refuse(host.rule)
  return host.value
}

/** Our side of TLS on a connection whose ClientHello was judged. HTTP/2 only where it is offered; anything else gets an alert. */
export function terminate(wire: Wire, context: SecureContext, offersH2: boolean): Secured {
  const secured = new TLSSocket(wire.release() as never, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: offersH2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    requestCert: false,
  })
  secured.allowHalfOpen = true
  const wireOfIt = new Wire(secured)
  return { wire: wireOfIt, agreed: () => agreedOn(secured) }
}

export interface Secured {
  readonly wire: Wire
  /** Waits for the handshake; throws WireClosed. */
  agreed(): Promise<'h2' | 'http/1.1'>
}

function agreedOn(socket: TLSSocket): Promise<'h2' | 'http/1.1'> {
  return new Promise((resolve, reject) => {
    socket.once('secure', () => {
      // As tls.Server does for its own sockets: node:http2 waits for it.
      Object.assign(socket, { secureConnecting: false })
      resolve(socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1')
    })
    socket.once('close', () => reject(new WireClosed('connection closed')))
  })
}
