/** F-UP and F-DNS: an upstream and a resolver at an address of the host, which keep every byte and every question. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { WebSocketServer } from 'ws'
import { createLeaf, createRoot, openAuthority } from '../../../src/model/x509.ts'

const DAY = 86_400_000

export interface Receivers {
  /** Of the host, on a bridge that belongs to these tests. */
  readonly address: string
  /** Who signed the upstream's certificates, PEM. */
  readonly authority: string
  /** Everything that came out of a connection to the upstream since the last call, decrypted. */
  received(): string
  /** Connections to the upstream since the last call, decrypted or not. */
  connections(): number
  /** Questions since the last call, `TYPE name`. */
  asked(): readonly string[]
  close(): Promise<void>
}

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  12: 'PTR',
  16: 'TXT',
  28: 'AAAA',
  65: 'HTTPS',
  255: 'ANY',
}

/** Serves every name below `.test` on 443 and 80; the resolver knows `records` and nothing else. */
export async function openReceivers(records: readonly string[]): Promise<Receivers> {
  const network = `bb-lab-${randomBytes(4).toString('hex')}`
  execFileSync('docker', ['network', 'create', network], { stdio: 'ignore' })
  const address = execFileSync(
    'docker',
    ['network', 'inspect', network, '-f', '{{(index .IPAM.Config 0).Gateway}}'],
    { encoding: 'utf8' },
  ).trim()
  const seen = { bytes: [] as Buffer[], connections: 0, asked: [] as string[] }
  const { certificate, contexts } = certificates()
  const secure = createHttps({ SNICallback: (name, done) => done(null, contexts(name)) }, answer)
  const plain = createHttp(answer)
  secure.on('connection', () => void (seen.connections += 1))
  secure.on('secureConnection', (socket: Socket) =>
    socket.on('data', (chunk: Buffer) => seen.bytes.push(chunk)),
  )
  const sockets = new WebSocketServer({ noServer: true })
  secure.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (opened) =>
      opened.on('message', (message) =>
        opened.send(`${request.headers.authorization} said ${String(message)}`),
      ),
    ),
  )
  plain.on('connection', (socket) => {
    seen.connections += 1
    socket.on('data', (chunk: Buffer) => seen.bytes.push(chunk))
  })
  await Promise.all([listen(secure, 443, address), listen(plain, 80, address)])
  const resolver = await openResolver(address, records, seen.asked)
  return {
    address,
    authority: certificate,
    received: () => Buffer.concat(seen.bytes.splice(0)).toString('latin1'),
    connections() {
      const { connections } = seen
      seen.connections = 0
      return connections
    },
    asked: () => seen.asked.splice(0),
    async close() {
      for (const server of [secure, plain]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
      resolver.close()
      execFileSync('docker', ['network', 'rm', network], { stdio: 'ignore' })
    },
  }
}

/** A repository with one branch, an echo of the head, else a greeting. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  if (request.url?.includes('/info/refs') === true) {
    const line = `${'1'.repeat(40)} refs/heads/main\0 agent=lab\n`
    response.setHeader('content-type', 'application/x-git-upload-pack-advertisement')
    response.end(`${packet('# service=git-upload-pack\n')}0000${packet(line)}0000`)
  } else if (request.url?.startsWith('/echo') === true) response.end(JSON.stringify(request.headers))
  else response.end(`hello from ${request.headers.host ?? ''}\n`)
}

const packet = (text: string) => (text.length + 4).toString(16).padStart(4, '0') + text

function certificates() {
  const now = Date.now()
  const authority = createRoot({
    commonName: 'Containment upstream authority',
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + DAY),
  })
  const issuer = openAuthority(authority)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const contexts = (host: string) =>
    createSecureContext({ cert: createLeaf({ issuer, host, publicKey: spki, now: new Date(now) }), key })
  return { certificate: authority.certificate, contexts }
}

function listen(server: Server, port: number, address: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => resolve(server.address() as AddressInfo))
  })
}

async function openResolver(
  address: string,
  records: readonly string[],
  asked: string[],
): Promise<Datagrams> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0 && at < query.length; length = query[at] ?? 0) {
      labels.push(query.toString('ascii', at + 1, at + 1 + length).toLowerCase())
      at += 1 + length
    }
    const name = labels.join('.')
    const type = at + 3 <= query.length ? query.readUInt16BE(at + 1) : 0
    asked.push(`${TYPES[type] ?? type} ${name}`)
    const known = records.includes(name)
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(known && type === 1 ? 1 : 0, 6)
    header.writeUInt32BE(0, 8)
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)])
    const parts = [header, query.subarray(12, at + 5), ...(known && type === 1 ? [record] : [])]
    socket.send(Buffer.concat(parts), from.port, from.address)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(53, address, resolve)
  })
  return socket
}
