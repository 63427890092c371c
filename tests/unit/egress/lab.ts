/** Egress with real sockets around it: upstreams on 127.0.0.1 that record every byte, and clients that send what they like. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { Marks } from '../../../src/model/known.ts'
import type { EgressConfig } from '../../../src/model/control.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { createIssuer, createLeaf, createRoot, openAuthority } from '../../../src/model/x509.ts'
import type { CertificateAndKey } from '../../../src/model/x509.ts'
import { DialFailed } from '../../../sidecars/http/dial.ts'
import { createEgress } from '../../../sidecars/egress/egress.ts'
import type { Egress } from '../../../sidecars/egress/egress.ts'
import type { DoorLimits } from '../../../sidecars/http/limits.ts'
import { issuerHosts } from '../../../sidecars/policy/targets.ts'
import type { LogLine } from '../../../sidecars/supervisor/ipc.ts'

const DAY = 86_400_000
const around = (days: number): Date => new Date(Date.now() + days * DAY)

export const route = (fields: Partial<RoutePolicy> = {}): RoutePolicy => ({
  host: 'allowed.test',
  port: 443,
  scheme: 'https',
  tlsPassthrough: false,
  allowPrivate: true,
  gitFetch: false,
  ...fields,
})

// ── certificates ─────────────────────────────────────────────────────────────────────────────────

const root = createRoot({ commonName: 'bottle root', notBefore: around(-1), notAfter: around(30) })
export const rootCertificate = root.certificate

export function certificateFor(
  authority: CertificateAndKey,
  host: string,
  now = new Date(),
): CertificateAndKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const certificate = createLeaf({ issuer: openAuthority(authority), host, publicKey, now })
  return {
    certificate: certificate + authority.certificate,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

export const newAuthority = (
  hosts: readonly string[],
): { readonly root: string; readonly issuer: CertificateAndKey } => {
  const made = createRoot({ commonName: 'upstream root', notBefore: around(-60), notAfter: around(30) })
  return {
    root: made.certificate,
    issuer: createIssuer({ root: made, hosts, notBefore: around(-60), notAfter: around(29) }),
  }
}
const upstreamAuthority = newAuthority(['test'])

// ── upstreams ────────────────────────────────────────────────────────────────────────────────────

export interface Upstream {
  /** Every byte of every connection, decrypted, in order of arrival. */
  received(): string
  readonly connections: number
  /** TCP connections, also those whose handshake failed. */
  readonly accepted: number
  readonly port: number
  /** Sockets that are open now. */
  readonly open: Set<Socket>
}

export type Answering = (socket: Socket, soFar: string, piece: Buffer) => void

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
/** Answers each complete request with `ok`. */
export const answerOk: Answering = answerWith(() => OK)

export function answerWith(
  response: (request: string, count: number) => string | Buffer | undefined,
): Answering {
  const seen = new WeakMap<Socket, { text: string; count: number }>()
  return (socket, _soFar, piece) => {
    const state = seen.get(socket) ?? { text: '', count: 0 }
    seen.set(socket, state)
    state.text += piece.toString('latin1')
    for (;;) {
      const end = endOfRequest(state.text)
      if (end === -1) return
      const request = state.text.slice(0, end)
      state.text = state.text.slice(end)
      const said = response(request, state.count++)
      if (said !== undefined) socket.write(said, 'latin1')
    }
  }
}

/** End of the first request under a second, simple parser. */
export function endOfRequest(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return -1
  const fields = text.slice(0, head)
  const length = /^content-length: (\d+)$/im.exec(fields)
  if (length) return text.length >= head + 4 + Number(length[1]) ? head + 4 + Number(length[1]) : -1
  if (!/^transfer-encoding: chunked$/im.test(fields)) return head + 4
  let at = head + 4
  for (;;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return -1
    const size = Number.parseInt(text.slice(at, line), 16)
    at = line + 2 + size + 2
    if (at > text.length) return -1
    if (size === 0) return at
  }
}

// ── the laboratory ───────────────────────────────────────────────────────────────────────────────

export interface LabOptions {
  readonly routes: readonly RoutePolicy[]
  readonly secrets?: Readonly<Record<string, string>>
  readonly marks?: Marks
  readonly upstreams?: Readonly<Record<string, Answering>>
  /** Another certificate for an upstream. */
  readonly certificates?: Readonly<Record<string, CertificateAndKey>>
  readonly limits?: Partial<DoorLimits>
  readonly log?: 'none' | 'blocks' | 'all'
  readonly trust?: readonly string[]
  readonly withoutIssuer?: boolean
  /** Default: http/1.1. */
  readonly upstreamProtocols?: string[]
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

export class Lab {
  readonly egress: Egress
  readonly upstreams = new Map<string, Upstream>()
  readonly dialled: string[] = []
  readonly lines: LogLine[] = []
  readonly ports: Record<'proxy' | 'tls' | 'http', number> = { proxy: 0, tls: 0, http: 0 }
  readonly #options: LabOptions
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  #generation = 0

  private constructor(options: LabOptions) {
    this.#options = options
    this.egress = createEgress({
      dial: async ({ host, port }) => {
        this.dialled.push(`${host}:${port}`)
        const upstream = this.upstreams.get(`${host}:${port}`)
        if (upstream === undefined) throw new DialFailed('name-unresolvable', 'no such name')
        const socket = this.#track(connect({ host: '127.0.0.1', port: upstream.port, allowHalfOpen: true }))
        await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
        return socket
      },
      log: (line) => this.lines.push(line),
      ...(options.limits && { limits: options.limits }),
    })
  }

  static async open(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options)
    for (const [name, answering] of Object.entries({ 'allowed.test:443': answerOk, ...options.upstreams }))
      await lab.#serve(name, answering)
    lab.configure(options.routes, options.secrets)
    for (const kind of ['proxy', 'tls', 'http'] as const) {
      lab.ports[kind] = await lab.#listen(
        createServer({ allowHalfOpen: true }, (socket) => lab.egress.accept(kind, lab.#track(socket))),
      )
    }
    return lab
  }

  configure(routes: readonly RoutePolicy[], secrets: Readonly<Record<string, string>> = {}): void {
    this.egress.configure(this.config(routes, secrets))
  }

  config(routes: readonly RoutePolicy[], secrets: Readonly<Record<string, string>> = {}): EgressConfig {
    const issuer = createIssuer({
      root,
      hosts: issuerHosts(routes),
      notBefore: around(-1),
      notAfter: around(20),
    })
    return {
      generation: ++this.#generation,
      policy: { log: this.#options.log ?? 'all', routes },
      secrets,
      ...(this.#options.withoutIssuer !== true && { issuer: { ...issuer, root: rootCertificate } }),
      trust: this.#options.trust ?? [upstreamAuthority.root],
      uplinkToken: 'token-of-the-uplink',
      bottle: 'implementer',
      ...this.#options.marks,
    }
  }

  upstream(name = 'allowed.test:443'): Upstream {
    const upstream = this.upstreams.get(name)
    if (upstream === undefined) throw new Error(`no upstream ${name}`)
    return upstream
  }

  /** Everything that any upstream has received. */
  received(): string {
    return [...this.upstreams.values()].map((upstream) => upstream.received()).join('')
  }

  raw(kind: 'proxy' | 'tls' | 'http' = 'proxy'): Client {
    return new Client(
      this.#track(connect({ host: '127.0.0.1', port: this.ports[kind], allowHalfOpen: true })),
    )
  }

  /** A tunnel with TLS in it, as a careful client makes it. */
  async tunnel(
    host = 'allowed.test',
    options: { readonly port?: number; readonly servername?: string; readonly alpn?: string[] } = {},
  ): Promise<Client> {
    const client = this.raw()
    const authority = `${host}:${options.port ?? 443}`
    client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
    const answer = await client.until('\r\n\r\n')
    if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT refused: ${answer}`)
    return await this.secure(client, options.servername ?? host, options.alpn)
  }

  async secure(client: Client, servername: string, alpn = ['http/1.1']): Promise<Client> {
    const socket = client.release()
    const secured = connectTls({ socket, servername, ca: [rootCertificate], ALPNProtocols: alpn })
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve)
      secured.once('error', reject)
      secured.once('close', () => reject(new Error('closed during the handshake')))
    })
    return new Client(secured)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.egress.close()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  async #serve(name: string, answering: Answering): Promise<void> {
    const [host = '', port] = name.split(':')
    const received: Buffer[] = []
    const open = new Set<Socket>()
    const counts = { connections: 0, accepted: 0 }
    const serve = (socket: Socket): void => {
      counts.connections++
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      socket.on('error', () => {})
      socket.on('data', (piece) => {
        received.push(piece)
        answering(socket, Buffer.concat(received).toString('latin1'), piece)
      })
    }
    const plain = port === '80'
    const identity = plain
      ? undefined
      : (this.#options.certificates?.[host] ?? certificateFor(upstreamAuthority.issuer, host))
    const server = plain
      ? createServer(serve)
      : createTlsServer(
          {
            key: identity!.key,
            cert: identity!.certificate,
            ALPNProtocols: this.#options.upstreamProtocols ?? ['http/1.1'],
            ...(this.#options.maxVersion && { maxVersion: this.#options.maxVersion, minVersion: 'TLSv1' }),
          },
          serve,
        )
    server.on('tlsClientError', () => {})
    server.on('connection', (socket: Socket) => {
      counts.accepted++
      this.#track(socket)
    })
    const listening = await this.#listen(server)
    this.upstreams.set(name, {
      received: () => Buffer.concat(received).toString('latin1'),
      get connections() {
        return counts.connections
      },
      get accepted() {
        return counts.accepted
      },
      port: listening,
      open,
    })
  }

  #listen(server: Server): Promise<number> {
    this.#servers.push(server)
    return new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    )
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }
}

/** How long a client waits for what should come at once. */
export const patience = { ms: 4000 }

/** A client that sends bytes and keeps what comes back. */
export class Client {
  readonly socket: Socket | TLSSocket
  text = ''
  closed = false
  #waiting: (() => void)[] = []
  readonly #onData = (piece: Buffer): void => {
    this.text += piece.toString('latin1')
    this.#wake()
  }

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', this.#onData)
    const gone = (): void => {
      this.closed = true
      this.#wake()
    }
    socket.on('end', gone).on('close', gone).on('error', gone)
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes, 'latin1')
    return this
  }

  /** Everything received up to and with a mark; throws when the connection ends before. */
  async until(mark: string): Promise<string> {
    return await this.#when(() => {
      const at = this.text.indexOf(mark)
      if (at !== -1) return this.text.slice(0, at + mark.length)
      if (this.closed) throw new Error(`closed before ${JSON.stringify(mark)}: ${JSON.stringify(this.text)}`)
      return undefined
    })
  }

  async ended(): Promise<string> {
    return await this.#when(() => (this.closed ? this.text : undefined))
  }

  /** One response by its Content-Length, taken off the text. */
  async response(): Promise<string> {
    return await this.#when(() => {
      const end = endOfRequest(this.text)
      if (end === -1 && this.closed) throw new Error(`closed: ${JSON.stringify(this.text)}`)
      if (end === -1) return undefined
      const response = this.text.slice(0, end)
      this.text = this.text.slice(end)
      return response
    })
  }

  async get(path = '/', fields = '', host = 'allowed.test'): Promise<string> {
    return await this.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`).response()
  }

  release(): Socket {
    this.socket.off('data', this.#onData)
    return this.socket
  }

  async #when<T>(ready: () => T | undefined): Promise<T> {
    const deadline = Date.now() + patience.ms
    for (;;) {
      const value = ready()
      if (value !== undefined) return value
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`nothing came: ${JSON.stringify(this.text)}`)),
          deadline - Date.now(),
        )
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
