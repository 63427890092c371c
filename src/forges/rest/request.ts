/**
 * One request to a forge and its whole answer. The connection is this request's own: no proxy of the environment, no
 * redirect followed, no certificate passed over, nothing kept. Bounded in time and size.
 */
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { getCACertificates, TLSSocket } from 'node:tls'
import type { Endpoint } from './endpoint.ts'

export interface Sent {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Path and query below the API's URL. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** No answer: `sent` says whether the forge may have had the request. */
export class NoAnswer extends Error {
  readonly sent: boolean

  constructor(sent: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.sent = sent
  }
}

export class AnswerTooLarge extends Error {}

/** Bytes of one answer; a page of a hundred keys has a tenth of it. */
export const BODY_MAX = 4 * 1024 * 1024

/** `addresses` are the ones that were judged; no other is dialled. Throws `NoAnswer`. */
export function request(
  endpoint: Endpoint,
  addresses: readonly string[],
  { method, path, headers, body }: Sent,
  { trust, signal }: { readonly trust: readonly string[]; readonly signal: AbortSignal },
): Promise<Answer> {
  const { secure, host, port, base } = endpoint
  const options: RequestOptions = {
    method,
    host,
    port,
    path: `${base}${path}`,
    signal,
    lookup: (_name, { all }, found) => {
      const known = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      if (all === true) found(null, known)
      else found(null, known[0]?.address ?? '', known[0]?.family)
    },
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'bot-bottle',
      ...headers,
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      }),
    },
  }
  return new Promise((resolve, reject) => {
    let sent = false
    const fail = (cause: unknown) => reject(new NoAnswer(sent, cause))
    const asked = secure
      ? httpsRequest({
          ...options,
          agent: new HttpsAgent({ keepAlive: false, maxCachedSessions: 0 }),
          ca: authorities(trust),
          // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED does not switch it off.
          rejectUnauthorized: true,
          minVersion: 'TLSv1.2',
        })
      : httpRequest({ ...options, agent: new HttpAgent({ keepAlive: false }) })
    asked.on('socket', (socket) =>
      socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => (sent = true)),
    )
    asked.on('error', fail)
    asked.on('response', (response) => void whole(response).then(resolve, fail))
    asked.end(body)
  })
}

async function whole(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > BODY_MAX) throw new AnswerTooLarge()
    chunks.push(bytes)
  }
  const body = Buffer.concat(chunks).toString('utf8')
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** The system's store (where there is none, Node's own list), what NODE_EXTRA_CA_CERTS names, and the manifest's. */
function authorities(trust: readonly string[]): string[] {
  const system = getCACertificates('system')
  const base = system.length > 0 ? system : getCACertificates('bundled')
  return [...base, ...getCACertificates('extra'), ...trust]
}
