/** What our parser reads, and what our door makes of it: the same text by the parts, and through the whole door. */
import { Duplex, duplexPair } from 'node:stream'
import { bodyReader, frameEnd, framePiece } from '../../../sidecars/http/body.ts'
import { createEgress } from '../../../sidecars/egress/egress.ts'
import { framingOf, Malformed, readHead } from '../../../sidecars/http/head.ts'
import { LIMITS } from '../../../sidecars/http/limits.ts'
import { passedFields, renderRequest } from '../../../sidecars/egress/exchange/outgoing.ts'
import { parseRequest, parseRequestLine, Refuse } from '../../../sidecars/egress/exchange/request.ts'
import type { Place } from '../../../sidecars/egress/exchange/request.ts'
import { Wire, WireClosed } from '../../../sidecars/http/wire.ts'
import { parseHost } from '../../../sidecars/policy/authority.ts'
import { endOfRequest, route } from './lab.ts'
import type { Specimen } from './parsers-corpus.ts'

/** A socket that says the pieces given and then ends. */
function saying(pieces: readonly Buffer[]): Wire {
  let next = 0
  return new Wire(new Duplex({ read() { this.push(pieces[next++] ?? null) }, write: (_piece, _encoding, done) => done() })) // prettier-ignore
}

export interface OurRead {
  readonly method: string
  /** As written. */
  readonly target: string
  readonly authority: string
  readonly body: string
  /** As it goes on. */
  readonly rendered: string
}

const allowed = parseHost('allowed.test')
if (!allowed.ok) throw new Error('host')

const PLACES: Readonly<Record<Specimen['door'], Place>> = {
  tunnel: { form: 'origin', scheme: 'https', authority: { host: allowed.value, port: 443 } },
  proxy: { form: 'absolute' },
  http: { form: 'origin', scheme: 'http' },
}

/** The requests our parser reads, until it refuses. */
export async function ours(
  pieces: readonly Buffer[],
  door: Specimen['door'] = 'tunnel',
): Promise<readonly OurRead[]> {
  const wire = saying(pieces)
  const requests: OurRead[] = []
  try {
    for (;;) {
      const head = await readHead(wire, LIMITS)
      if (head === undefined) return requests
      const line = parseRequestLine(head)
      const request = parseRequest(head, line, PLACES[door])
      const reader = bodyReader(wire, framingOf(head, line.version, 'none'), 'refuse')
      const { query } = request
      const fields = passedFields(request.fields, false)
      let rendered = renderRequest({ request, fields, query, credential: undefined, identityOnly: false })
      let body = ''
      for (let piece = await reader.next(); piece; piece = await reader.next()) {
        body += piece.toString('latin1')
        rendered += framePiece(piece, request.framing).toString('latin1')
      }
      rendered += frameEnd(request.framing)?.toString('latin1') ?? ''
      const { host, port } = request.authority
      const read = { method: request.method, target: line.target, authority: `${host}:${port}` }
      requests.push({ ...read, body, rendered })
    }
  } catch (error) {
    if (error instanceof Malformed || error instanceof Refuse || error instanceof WireClosed) return requests
    throw error
  }
}

/** One connection to an upstream, which takes one request. */
export interface Passed {
  readonly dialled: string
  readonly text: string
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/** The whole door on sockets in memory; everything that any upstream has received. */
export function openDoor(): {
  pass(specimen: Specimen): Promise<readonly Passed[]>
  close(): void
} {
  let connections: { readonly dialled: string; text: string }[] = []
  const egress = createEgress({
    log: () => {},
    dial: async ({ host, port }) => {
      const [near, far] = duplexPair()
      const connection = { dialled: `${host}:${port}`, text: '' }
      connections.push(connection)
      near.on('error', () => {})
      near.on('data', (piece: Buffer) => {
        connection.text += piece.toString('latin1')
        if (endOfRequest(connection.text) !== -1) near.end(ANSWER)
      })
      return far
    },
  })
  egress.configure({
    generation: 1,
    policy: { log: 'none', routes: [route({ scheme: 'http', port: 80 })] },
    secrets: {},
    trust: [],
    uplinkToken: 'token-of-the-uplink',
    bottle: 'implementer',
  })
  return {
    close: () => egress.close(),
    pass: ({ door, text }) =>
      new Promise((resolve) => {
        const [near, far] = duplexPair()
        const finish = (): void => {
          resolve(connections)
          connections = []
        }
        near.on('error', () => {}).resume()
        far.on('close', finish)
        egress.accept(door === 'proxy' ? 'proxy' : 'http', far)
        near.end(text, 'latin1')
      }),
  }
}
