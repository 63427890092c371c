/**
 * The git gate of one bottle as a library: configure, status, accept. It knows no listener, no process and no uplink:
 * sockets are given to it, and `dial` is its only way out. What it keeps lies below `work`, and nothing of it is needed
 * again.
 */
import { createHmac } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { GateConfig, GateRemote, GateStatus, GateVerdict } from '../../src/model/gate.ts'
import { digestOf } from '../../src/model/json.ts'
import { isName } from '../../src/model/names.ts'
import { KeyUnusable } from '../../src/model/ssh-wire.ts'
import { mustBeNewer } from '../control/answer.ts'
import type { LogLine } from '../supervisor/ipc.ts'
import { Exchange } from './exchange.ts'
import { GATE_LIMITS } from './limits.ts'
import type { GateLimits } from './limits.ts'
import { ServedRemote, wayOf } from './remote.ts'
import { Scanners } from './scanners.ts'
import { serveRequest } from './serve.ts'

export interface GateDialTarget {
  readonly host: string
  readonly port: number
  /** Secret: what the uplink knows this bundle by. */
  readonly token: string
}

export interface GateOptions {
  /** A folder that nobody else may enter; it is emptied. Short: paths of sockets end at 108 bytes. */
  readonly work: string
  /** A program that relays its standard streams to the socket named by its last argument. */
  readonly relay: readonly string[]
  /** A program that calls `serveScans`: what a thread runs that looks at pushes. */
  readonly scanner: URL
  readonly dial: (target: GateDialTarget) => Promise<Duplex>
  readonly log: (line: LogLine) => void
  /** Milliseconds; default `Date.now`. */
  readonly now?: () => number
  readonly limits?: Partial<GateLimits>
}

export interface Gate {
  /** Replaces the configuration whole. What it no longer allows is closed when this resolves; rejects and changes nothing for one that cannot be enforced. */
  configure(config: GateConfig): Promise<{ readonly generation: number }>
  status(nonce: string): GateStatus
  /** Asks the upstream of a declared remote, with the identity in force or another; rejects where there is no such remote, or the identity is none. */
  verify(remote: string, identity?: string): Promise<GateVerdict>
  accept(socket: Duplex): void
  close(): Promise<void>
}

/** One configuration as it is enforced; replaced whole. Holds secrets. */
interface Running {
  readonly config: GateConfig
  readonly token: string
}

export function createGate(options: GateOptions): Gate {
  const now = options.now ?? Date.now
  const limits: GateLimits = { ...GATE_LIMITS, ...options.limits }
  const exchanges = new Set<Exchange>()
  const scanners = new Scanners(options.scanner, limits.scan)
  let served: ReadonlyMap<string, ServedRemote> = new Map()
  let running: Running | undefined
  let folders = 0
  rmSync(options.work, { recursive: true, force: true })
  mkdirSync(options.work, { recursive: true, mode: 0o700 })

  const dial = ({ host, port }: { readonly host: string; readonly port: number }): Promise<Duplex> =>
    running === undefined
      ? Promise.reject(new Error('no configuration'))
      : options.dial({ host, port, token: running.token })

  const made = (remote: GateRemote, identity: string | undefined): ServedRemote => {
    folders += 1
    const folder = join(options.work, `r${folders}`)
    try {
      return new ServedRemote({ remote, identity, folder, relay: options.relay, dial, limits })
    } catch (error) {
      const why = error instanceof KeyUnusable ? `its key cannot be used: ${error.message}` : messageOf(error)
      throw new Error(`remote ${remote.name}: ${why}`, { cause: error })
    }
  }

  const serve = serveRequest({
    served: () => served,
    known: () => running?.config.known,
    scanners,
    limits,
    log: (line) =>
      options.log({
        at: new Date(now()).toISOString(),
        bottle: running?.config.bottle ?? '',
        generation: running?.config.generation ?? 0,
        ...line,
      }),
  })

  return {
    async configure(config) {
      mustBeNewer(config.generation, running?.config.generation)
      const token = config.uplinkToken ?? running?.token
      if (token === undefined) throw new Error('the first configuration has no uplink token')
      if (config.known !== undefined && Buffer.from(config.known.key, 'hex').length < KEY_MIN)
        throw new Error('the key of the fingerprints is too short')
      const next = new Map<string, ServedRemote>()
      const kept: [ServedRemote, GateRemote][] = []
      for (const remote of config.remotes) {
        if (!isName(remote.name) || next.has(remote.name)) throw new Error('a remote has no name of its own')
        const identity = config.identities[remote.name]
        const present = served.get(remote.name)
        if (present?.way === wayOf(remote, identity)) kept.push([present, remote])
        next.set(remote.name, present?.way === wayOf(remote, identity) ? present : made(remote, identity))
      }
      const gone = [...served.values()].filter((one) => next.get(one.remote.name) !== one)
      running = { config, token }
      for (const [present, remote] of kept) present.remote = remote
      served = next
      await Promise.all(gone.map((one) => one.close()))
      return { generation: config.generation }
    },

    status: (nonce) => ({
      generation: running?.config.generation ?? 0,
      remotes: [...served.values()].map(({ remote }) => remote),
      identities: Object.fromEntries(
        [...served.values()].flatMap(({ remote, opens }) =>
          opens === undefined ? [] : [[remote.name, createHmac('sha256', nonce).update(opens).digest('hex')]],
        ),
      ),
      known: running?.config.known === undefined ? '' : digestOf(JSON.stringify(running.config.known)),
      connections: exchanges.size,
      unverified: Object.fromEntries(
        [...served.values()].flatMap(({ remote, trouble }) => (trouble ? [[remote.name, trouble.rule]] : [])),
      ),
    }),

    async verify(name, identity) {
      const remote = served.get(name)
      if (remote === undefined) throw new Error('no remote of this name is declared here')
      const generation = running?.config.generation ?? 0
      const trouble = await remote.using(() => remote.verify(identity))
      return { generation, ...(trouble && { trouble }) }
    },

    accept(socket) {
      if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
      const exchange = new Exchange(socket, limits, serve)
      if (exchanges.size >= limits.connections) return exchange.destroy()
      exchanges.add(exchange)
      socket.once('close', () => exchanges.delete(exchange))
      void exchange.run()
    },

    async close() {
      for (const exchange of exchanges) exchange.destroy()
      scanners.close()
      await Promise.all([...served.values()].map((one) => one.close()))
      served = new Map()
    },
  }
}

/** Bytes. */
const KEY_MIN = 16

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.slice(0, 200) : 'not enforceable'
