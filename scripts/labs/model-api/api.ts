/** A vendor's API as a server of our own: on 443 of an address that bottles reach through egress, under an authority of its own. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { createSecureContext } from 'node:tls'
import { zstdDecompressSync } from 'node:zlib'
import { createLeaf, createRoot, openAuthority } from '../../../src/model/x509.ts'

const DAY = 86_400_000

export interface Asked {
  readonly host: string
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** The answer to one request as events, in order; each is on its way before the next is asked for. */
export type Events = AsyncIterable<{ readonly event?: string; readonly data: unknown }>
export type Answer =
  | { readonly events: Events }
  | { readonly status?: number; readonly json: unknown }
  /** Without a body. */
  | { readonly status: number }

export interface Host {
  readonly address: string
  /** PEM, for `uplink.trust`. */
  readonly authority: string
  close(): Promise<void>
}

export interface Api extends Host {
  readonly asked: Asked[]
}

export async function openApi(answer: (asked: Asked) => Answer): Promise<Api> {
  const asked: Asked[] = []
  const host = await openHost(async (request, response) => {
    const parts: Buffer[] = []
    for await (const chunk of request) parts.push(chunk as Buffer)
    const { method = '', url = '', headers } = request
    const one = {
      host: headers.host ?? '',
      method,
      path: url,
      headers,
      body: plain(Buffer.concat(parts), headers['content-encoding']).toString('utf8'),
    }
    asked.push(one)
    const given = answer(one)
    if ('json' in given) {
      response.writeHead(given.status ?? 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(given.json))
      return
    }
    if ('status' in given) {
      response.writeHead(given.status).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    for await (const { event, data } of given.events) {
      const name = event === undefined ? '' : `event: ${event}\n`
      response.write(`${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    }
    response.end()
  })
  return { ...host, asked }
}

/** A server on 443 of an address that bottles reach through egress; every name has a certificate of its authority. */
export async function openHost(serve: RequestListener): Promise<Host> {
  const network = `bb-api-${randomBytes(4).toString('hex')}`
  const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim()
  docker('network', 'create', network)
  const address = docker('network', 'inspect', network, '-f', '{{(index .IPAM.Config 0).Gateway}}')
  const { authority, contextFor } = certificates()
  const server = createServer({ SNICallback: (name, done) => done(null, contextFor(name)) }, serve)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(443, address, resolve)
  })
  return {
    address,
    authority,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      docker('network', 'rm', network)
    },
  }
}

function plain(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === undefined || encoding === 'identity') return body
  if (encoding === 'zstd') return zstdDecompressSync(body)
  throw new Error(`a body in ${encoding}`)
}

function certificates() {
  const now = new Date()
  const root = createRoot({
    commonName: 'Test API authority',
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + DAY),
  })
  const issuer = openAuthority(root)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const contextFor = (host: string) =>
    createSecureContext({ key, cert: createLeaf({ issuer, host, publicKey: spki, now }) })
  return { authority: root.certificate, contextFor }
}
