/**
 * The egress door of one bottle as a library: configure, status, accept. It knows no listener, no process and no
 * uplink: sockets are given to it, and `dial` is its only way out.
 */
import type { Duplex } from 'node:stream'
import { X509Certificate } from 'node:crypto'
import type { EgressConfig, EgressCounters, EgressStatus } from '../../src/model/control.ts'
import { digestOf } from '../../src/model/json.ts'
import { knownMarks } from '../../src/model/known.ts'
import { fingerprintOf, permittedHosts } from '../../src/model/x509.ts'
import { admit, coversHost } from '../policy/judge.ts'
import type { LogLine, Spent } from '../supervisor/ipc.ts'
import { Audit } from './audit/audit.ts'
import { Connection } from './client/connection.ts'
import type { DoorKind } from './client/connection.ts'
import type { Door } from './door.ts'
import { LIMITS } from '../http/limits.ts'
import type { DoorLimits } from '../http/limits.ts'
import { createMinter } from './client/minting.ts'
import { Names } from './client/names.ts'
import { Quotas } from './exchange/quota.ts'
import { answerQuery } from './upstream/resolver.ts'
import { run } from './running.ts'
import type { Running } from './running.ts'
import { prepareShapes } from './exchange/scanning.ts'
import { Sweep } from './sweep.ts'
import { keyOf, Upstreams } from './upstream/upstreams.ts'
import type { Dial } from './upstream/upstreams.ts'

export interface EgressOptions {
  readonly dial: Dial
  readonly log: (line: LogLine) => void
  /** Hears of bytes that a limited route is about to use up. */
  readonly spend?: (spent: Spent) => void
  /** Milliseconds; default `Date.now`. */
  readonly now?: () => number
  readonly limits?: Partial<DoorLimits>
}

export interface Egress {
  /** Replaces the configuration whole. What it no longer allows is closed when this returns; throws and changes nothing for one that cannot be enforced. `spent`: what earlier lives of this door have used up. */
  configure(config: EgressConfig, spent?: readonly Spent[]): { readonly generation: number }
  status(nonce: string): EgressStatus
  metrics(): { readonly generation: number; readonly counters: EgressCounters }
  accept(kind: DoorKind, socket: Duplex): void
  /** The answer to one DNS query, `undefined` where there is nothing to answer. */
  resolve(query: Buffer): Buffer | undefined
  close(): void
}

export function createEgress(options: EgressOptions): Egress {
  const now = options.now ?? Date.now
  const limits: DoorLimits = { ...LIMITS, ...options.limits }
  const sweep = new Sweep(Math.min(1000, Math.max(20, limits.headMs / 8)))
  const upstreams = new Upstreams(options.dial, limits, sweep)
  const connections = new Set<Connection>()
  let running: Running | undefined
  const audit = new Audit(options.log, now)
  const door: Door = {
    limits,
    upstreams,
    minter: createMinter(limits.minted, now),
    audit,
    quotas: new Quotas(now, options.spend),
    names: new Names(now),
    sweep,
    connections,
    streams: { open: 0 },
    running: () => running,
  }

  return {
    configure(config, spent = []) {
      door.quotas.restore(spent)
      running = run(config, running)
      for (const connection of connections) connection.rejudge(running)
      upstreams.retain(liveKeys(running))
      audit.counters.retain(config.policy.routes)
      door.names.retain(config.policy.routes)
      setImmediate(prepareShapes)
      return { generation: config.generation }
    },

    status: (nonce) => ({
      generation: running?.config.generation ?? 0,
      log: running?.config.policy.log ?? 'blocks',
      routes: running?.config.policy.routes ?? [],
      trust: digestOf(running?.config.trust ?? []),
      ...(running?.config.issuer && { issuer: issuerStatus(running.config.issuer) }),
      secrets: running?.secretDigests(nonce) ?? {},
      known: knownMarks(running?.config ?? {}),
      refusedLastHour: audit.refusedLastHour(),
      ...(audit.canaryAt() !== undefined && { canaryAt: audit.canaryAt() }),
      connections: connections.size,
    }),

    metrics: () => ({
      generation: running?.config.generation ?? 0,
      counters: { connections: connections.size, routes: audit.counters.all },
    }),

    accept(kind, socket) {
      if ('allowHalfOpen' in socket) socket.allowHalfOpen = true
      if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
      const connection = new Connection(door, socket)
      if (connections.size >= limits.connections) return connection.turnAway(kind)
      connections.add(connection)
      void connection.serve(kind)
    },

    resolve: (query) => answerQuery(query, (name) => isDeclared(running, name)),

    close() {
      sweep.stop()
    },
  }
}

function issuerStatus(issuer: NonNullable<EgressConfig['issuer']>): NonNullable<EgressStatus['issuer']> {
  return {
    fingerprint: fingerprintOf(issuer.certificate),
    rootFingerprint: fingerprintOf(issuer.root),
    hosts: permittedHosts(issuer.certificate),
    notAfter: new Date(new X509Certificate(issuer.certificate).validTo).toISOString(),
  }
}

/** Whether any route declares the name, on whatever port. */
function isDeclared(running: Running | undefined, name: string): boolean {
  return running?.config.policy.routes.some((route) => coversHost(route.host, name)) ?? false
}

/** Keys of kept connections that a request of the new configuration could use. */
function liveKeys(running: Running): (key: string) => boolean {
  return (key) => {
    const match = /^(https?):\/\/([^:]+):([0-9]+) /.exec(key)
    if (match === null) return false
    const scheme = match[1] === 'http' ? 'http' : 'https'
    const authority = { host: match[2] as never, port: Number(match[3]) }
    const admission = admit(running.config.policy, scheme, authority)
    if (!admission.admitted) return false
    const { trust } = running.config
    return (
      keyOf({
        scheme,
        authority,
        credentialKey: running.credentialKey(admission.route),
        trust,
        token: running.token,
      }) === key
    )
  }
}
