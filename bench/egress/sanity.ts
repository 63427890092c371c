/**
 * A quick look at the data plane: requests per second, bulk and memory through egress beside direct access, each side in a
 * process of its own. Run it with `node bench/egress/sanity.ts`; `bench` measures peers in the same rounds.
 */
import { fork } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { createIssuer, createLeaf, createRoot, openAuthority } from '../../src/model/x509.ts'
import { createEgress } from '../../sidecars/egress/egress.ts'

const HOST = 'allowed.test'
const BULK = 256 * 1024 * 1024
const [role = 'main', ...rest] = process.argv.slice(2)
const around = (days: number): Date => new Date(Date.now() + days * 86_400_000)

interface Material {
  readonly root: string
  readonly rootKey: string
  readonly key: string
  readonly certificate: string
}

function material(): Material {
  const root = createRoot({ commonName: 'bench', notBefore: around(-1), notAfter: around(20) })
  const issuer = createIssuer({ root, hosts: [HOST], notBefore: around(-1), notAfter: around(10) })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const leaf = createLeaf({ issuer: openAuthority(issuer), host: HOST, publicKey, now: new Date() })
  return {
    root: root.certificate,
    rootKey: root.key,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: leaf + issuer.certificate,
  }
}

function origin(made: Material): void {
  const small = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const piece = Buffer.alloc(64 * 1024, 97)
  const server = createTlsServer(
    { key: made.key, cert: made.certificate, ALPNProtocols: ['http/1.1'], ciphers: 'TLS_AES_128_GCM_SHA256' },
    (socket) => {
      let uploading = 0
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        if (uploading > 0) {
          uploading -= bytes.length
          if (uploading <= 0) socket.write(small)
          return
        }
        const text = bytes.toString('latin1', 0, 200)
        if (text.startsWith('GET /bulk')) return bulk(socket)
        if (text.startsWith('POST')) {
          uploading = BULK - (bytes.length - bytes.indexOf('\r\n\r\n') - 4)
          return
        }
        socket.write(small)
      })
    },
  )
  const bulk = (socket: Socket): void => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BULK}\r\n\r\n`)
    let left = BULK
    const more = (): void => {
      while (left > 0) {
        left -= piece.length
        if (!socket.write(piece)) return void socket.once('drain', more)
      }
    }
    more()
  }
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
}

function egress(made: Material, originPort: number, credentialed: boolean): void {
  const door = createEgress({
    dial: () =>
      new Promise((resolve) => {
        const socket: Socket = connect({ port: originPort, host: '127.0.0.1', noDelay: true }, () =>
          resolve(socket),
        )
      }),
    log: () => {},
  })
  const issuer = createIssuer({
    root: { certificate: made.root, key: made.rootKey },
    hosts: [HOST],
    notBefore: around(-1),
    notAfter: around(10),
  })
  door.configure({
    generation: 1,
    policy: {
      log: 'blocks',
      routes: [
        {
          host: HOST,
          port: 443,
          scheme: 'https',
          tlsPassthrough: false,
          allowPrivate: true,
          gitFetch: false,
          ...(credentialed && { auth: { scheme: 'bearer' as const, secret: 's' } }),
        },
      ],
    },
    secrets: { s: 'sk-bench-0123456789abcdef0123456789' },
    issuer: { ...issuer, root: made.root },
    trust: [made.root],
    uplinkToken: 't',
    bottle: 'bench',
  })
  const server = createServer({ noDelay: true }, (socket) => door.accept('proxy', socket))
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
  process.on('message', () => {
    const status = readFileSync('/proc/self/smaps_rollup', 'utf8')
    process.send?.({
      cpu: process.cpuUsage(),
      anonymous: Number(/^Anonymous:\s+(\d+)/m.exec(status)?.[1]) / 1024,
    })
  })
}

async function open(port: number, proxied: boolean, made: Material): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  if (proxied) {
    socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
  }
  const secured = connectTls({ socket, servername: HOST, ca: [made.root], ALPNProtocols: ['http/1.1'] })
  await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject))
  return secured
}

async function requests(
  port: number,
  proxied: boolean,
  made: Material,
  concurrency: number,
  ms: number,
): Promise<{ perSecond: number; medianMs: number; count: number }> {
  const request = Buffer.from(
    `GET /v1/items?page=2 HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: bench\r\nAccept: application/json\r\nX-One: 1\r\n\r\n`,
  )
  const sockets = await Promise.all(Array.from({ length: concurrency }, () => open(port, proxied, made)))
  const latencies: number[] = []
  const began = performance.now()
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let sent = performance.now()
          socket.on('data', () => {
            const now = performance.now()
            latencies.push(now - sent)
            if (now - began > ms) return resolve(void socket.destroy())
            sent = now
            socket.write(request)
          })
          socket.write(request)
        }),
    ),
  )
  latencies.sort((a, b) => a - b)
  return {
    perSecond: Math.round(latencies.length / (ms / 1000)),
    medianMs: latencies[latencies.length >> 1] ?? 0,
    count: latencies.length,
  }
}

async function bulk(port: number, proxied: boolean, made: Material, up: boolean): Promise<number> {
  const socket = await open(port, proxied, made)
  const began = performance.now()
  if (!up) {
    socket.write(`GET /bulk HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    let left = BULK
    await new Promise<void>((resolve) =>
      socket.on('data', (piece: Buffer) => (left -= piece.length) <= 0 && resolve()),
    )
  } else {
    const piece = Buffer.alloc(64 * 1024, 98)
    socket.write(`POST /up HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${BULK}\r\n\r\n`)
    for (let left = BULK; left > 0; left -= piece.length)
      if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve))
    await new Promise((resolve) => socket.once('data', resolve))
  }
  socket.destroy()
  return Math.round(BULK / 1e6 / ((performance.now() - began) / 1000))
}

async function main(): Promise<void> {
  const made = material()
  const start = (args: readonly string[]): Promise<{ child: ReturnType<typeof fork>; port: number }> =>
    new Promise((resolve) => {
      const child = fork(import.meta.filename, [...args, JSON.stringify(made)], {
        execArgv: ['--no-warnings', '--max-semi-space-size=1'],
      })
      child.once('message', (message: { port: number }) => resolve({ child, port: message.port }))
    })
  const usage = (
    child: ReturnType<typeof fork>,
  ): Promise<{ cpu: { user: number; system: number }; anonymous: number }> =>
    new Promise((resolve) => {
      child.once('message', resolve as never)
      child.send('usage')
    })
  const from = await start(['origin'])
  const table: Record<string, object> = {}
  for (const [name, args] of [
    ['direct', undefined],
    ['egress', 'plain'],
    ['egress, credentialed', 'credentialed'],
  ] as const) {
    const door = args === undefined ? undefined : await start(['egress', String(from.port), args])
    const port = door?.port ?? from.port
    const idle = door && (await usage(door.child)).anonymous
    await requests(port, door !== undefined, made, 8, 1000)
    const one = await requests(port, door !== undefined, made, 1, 2000)
    const before = door && (await usage(door.child)).cpu
    const many = await requests(port, door !== undefined, made, 64, 4000)
    const after = door && (await usage(door.child))
    const cpu =
      before && after
        ? (after.cpu.user + after.cpu.system - before.user - before.system) / many.count
        : undefined
    let tunnels = 0
    const began = performance.now()
    for (; performance.now() - began < 1500; tunnels++) (await open(port, door !== undefined, made)).destroy()
    table[name] = {
      'c=1 ms': one.medianMs.toFixed(3),
      'c=64 req/s': many.perSecond,
      'µs CPU/req': cpu?.toFixed(1),
      'tunnels/s': Math.round(tunnels / 1.5),
      'down MB/s': await bulk(port, door !== undefined, made, false),
      'up MB/s': await bulk(port, door !== undefined, made, true),
      'anon MiB idle': idle?.toFixed(1),
      'c=64': after?.anonymous.toFixed(1),
      'after bulk': door && (await usage(door.child)).anonymous.toFixed(1),
    }
    door?.child.kill()
  }
  from.child.kill()
  process.stdout.write(
    `${Object.entries(table)
      .map(([name, row]) => `${name}: ${JSON.stringify(row)}`)
      .join('\n')}\n`,
  )
}

if (role === 'origin') origin(JSON.parse(rest[0] ?? ''))
else if (role === 'egress') egress(JSON.parse(rest[2] ?? ''), Number(rest[0]), rest[1] === 'credentialed')
else await main()
