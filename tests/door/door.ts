/** The door of one bottle as it runs: egress and uplink as processes of their own, upstreams with TLS on this machine. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Server as HttpsServer } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { CONTROL_SOCKETS } from '../../src/model/control.ts'
import type { EgressConfig, EgressStatus } from '../../src/model/control.ts'
import type { RoutePolicy } from '../../src/model/policy.ts'
import { createIssuer, createRoot } from '../../src/model/x509.ts'
import { issuerHosts } from '../../sidecars/policy/targets.ts'
import type { FromDaemon, LogLine } from '../../sidecars/supervisor/ipc.ts'
import { certificateFor, newAuthority } from '../unit/egress/lab.ts'
import { startWorld, TOKEN } from '../unit/uplink/world.ts'

export interface Upstream {
  readonly request: RequestListener
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface DoorOptions {
  /** By host. */
  readonly upstreams: Readonly<Record<string, Upstream>>
  readonly routes: readonly RoutePolicy[]
  readonly secrets?: Readonly<Record<string, string>>
  /** Default `blocks`. */
  readonly log?: 'blocks' | 'all'
  /** Hears of every decision. */
  readonly onLog?: (line: LogLine) => void
}

export interface Door {
  readonly proxy: string
  /** What a client trusts, PEM. */
  readonly root: string
  /** Processes, by what they are. */
  readonly pids: { readonly egress: number; readonly uplink: number }
  /** Resolves when it is in force. */
  configure(routes: readonly RoutePolicy[], secrets?: Readonly<Record<string, string>>): Promise<void>
  status(): Promise<EgressStatus>
  close(): Promise<void>
}

const DAY = 86_400_000
const around = (days: number): Date => new Date(Date.now() + days * DAY)
const ADDRESS = '10.9.0.1'

export async function openDoor(options: DoorOptions): Promise<Door> {
  const authority = newAuthority(['test'])
  const hosts = Object.keys(options.upstreams)
  const servers: HttpsServer[] = []
  const wires: Record<string, number> = {}
  const addresses: Record<string, string> = {}
  for (const [index, host] of hosts.entries()) {
    const server = await serve(options.upstreams[host], certificateFor(authority.issuer, host))
    servers.push(server)
    addresses[host] = `${ADDRESS.slice(0, -1)}${index + 1}`
    wires[`${addresses[host]}:443`] = (server.address() as AddressInfo).port
  }
  const world = await startWorld({ wires })
  const policy = { hosts: addresses, dns: [], noProxy: [], hostAddresses: [] }
  const targets = hosts.map((host) => ({ host, port: 443, allowPrivate: true }))
  await answered(world.ask({ op: 'configure', policy }))
  await answered(world.ask({ op: 'attach', bottle: 'implementer', token: TOKEN.a, targets }))

  const root = createRoot({ commonName: 'bottle root', notBefore: around(-1), notAfter: around(30) })
  const issuer = createIssuer({ root, hosts: issuerHosts(options.routes), notBefore: around(-1), notAfter: around(20) }) // prettier-ignore
  const daemon = startEgress(join(world.volume, CONTROL_SOCKETS.uplinkDial), options.onLog)
  let generation = 0
  const configure: Door['configure'] = async (routes, secrets = {}) => {
    const config: EgressConfig = {
      generation: ++generation,
      policy: { log: options.log ?? 'blocks', routes },
      secrets,
      issuer: { ...issuer, root: root.certificate },
      trust: [authority.root],
      uplinkToken: TOKEN.a,
      bottle: 'implementer',
    }
    await daemon.ask({ op: 'configure', config })
  }
  await configure(options.routes, options.secrets)
  const port = await daemon.listen()
  return {
    proxy: `http://127.0.0.1:${port}`,
    root: root.certificate,
    pids: { egress: daemon.child.pid ?? 0, uplink: world.pid },
    configure,
    status: async () => (await daemon.ask({ op: 'status', nonce: 'n' })) as EgressStatus,
    async close() {
      const gone = once(daemon.child, 'exit')
      daemon.child.kill('SIGKILL')
      await gone
      await world.close()
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

const raw = new Map<string, Socket>()
const ends = (socket: Socket): string => `${socket.localPort} ${socket.remotePort}`

/** Ends a connection of an upstream as a crash does; a socket with TLS cannot do that itself. */
export function reset(socket: Socket): void {
  raw.get(ends(socket))?.resetAndDestroy()
}

async function serve(
  upstream: Upstream | undefined,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<HttpsServer> {
  const server = createHttpsServer({ cert: certificate, key, ALPNProtocols: ['http/1.1'] })
  // Longer than egress keeps a connection: who closes first is not what is tested.
  server.keepAliveTimeout = 120_000
  server.requestTimeout = 0
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('connection', (socket: Socket) => {
    const key = ends(socket)
    raw.set(key, socket)
    socket.once('close', () => raw.delete(key))
  })
  if (upstream) server.on('request', upstream.request)
  if (upstream?.upgrade) server.on('upgrade', upstream.upgrade)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function answered(asked: Promise<{ readonly ok: boolean; readonly message?: string }>): Promise<void> {
  const { ok, message } = await asked
  if (!ok) throw new Error(`the uplink refuses: ${message}`)
}

type Question =
  | { readonly op: 'configure'; readonly config: EgressConfig }
  | { readonly op: 'status'; readonly nonce: string }

/** As the supervisor starts it: no environment, listeners handed down. */
function startEgress(
  uplinkSocket: string,
  onLog: DoorOptions['onLog'],
): {
  readonly child: ChildProcess
  ask(question: Question): Promise<unknown>
  listen(): Promise<number>
} {
  const child = fork(join(import.meta.dirname, 'egress-process.ts'), [uplinkSocket], {
    env: {},
    execArgv: ['--no-warnings', '--disable-sigusr1'],
  })
  const waiting = new Map<number, (message: FromDaemon) => void>()
  child.on('message', (message: FromDaemon) => {
    if ('log' in message) onLog?.(message.log)
    else if ('id' in message) waiting.get(message.id)?.(message)
  })
  let last = 0
  return {
    child,
    ask: (question) =>
      new Promise((resolve, reject) => {
        const id = ++last
        waiting.set(id, (message) => {
          waiting.delete(id)
          if ('ok' in message && message.ok) resolve(message.value)
          else reject(new Error(`egress refuses: ${'message' in message ? message.message : ''}`))
        })
        child.send({ id, ...question })
      }),
    async listen() {
      const server = createServer()
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      await new Promise<void>((resolve, reject) =>
        child.send({ listen: 'proxy' }, server, {}, (error) => (error ? reject(error) : resolve())),
      )
      server.close()
      return port
    },
  }
}
