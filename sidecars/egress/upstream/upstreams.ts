/**
 * Connections to upstreams: dialled through the uplink, verified before a byte of HTTP, kept for the next request of
 * the same authority and credential only. A kept connection on which anything arrives is dropped.
 */
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { connect, createSecureContext, rootCertificates } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Authority } from '../../policy/authority.ts'
import { controls } from '../../policy/controls.ts'
import { DialFailed } from '../../http/dial.ts'
import type { DialTarget } from '../../http/dial.ts'
import type { DoorLimits } from '../../http/limits.ts'
import { CIPHERS } from '../client/minting.ts'
import { Refuse } from '../exchange/request.ts'
import type { Sweep } from '../sweep.ts'
import { Wire } from '../../http/wire.ts'

export type Dial = (target: DialTarget) => Promise<Duplex>

export interface UpstreamTarget {
  readonly scheme: 'https' | 'http'
  readonly authority: Authority
  readonly credentialKey: string
  readonly token: string
  readonly trust: readonly string[]
}

export interface Lease {
  readonly wire: Wire
  /** It has carried a request before, so its end may only mean that it was idle for too long. */
  readonly reused: boolean
}

/** TLS sessions kept for resumption. */
const SESSIONS = 256

export class Upstreams {
  readonly #dial: Dial
  readonly #limits: DoorLimits
  readonly #sweep: Sweep
  readonly #idle = new Map<string, Wire[]>()
  readonly #sessions = new Map<string, Buffer>()
  #idleCount = 0
  #trusted: { readonly key: string; readonly context: SecureContext } | undefined

  constructor(dial: Dial, limits: DoorLimits, sweep: Sweep) {
    this.#dial = dial
    this.#limits = limits
    this.#sweep = sweep
  }

  /** A verified connection, at once where one was kept; throws Refuse. `fresh`: none that was kept. */
  take(target: UpstreamTarget, fresh: boolean): Lease | Promise<Lease> {
    const kept = fresh ? undefined : this.#takeIdle(keyOf(target))
    return kept ? { wire: kept, reused: true } : this.#lease(target)
  }

  /** Keeps a connection whose last exchange ended cleanly. */
  give(target: UpstreamTarget, wire: Wire): void {
    const key = keyOf(target)
    const idle = this.#idle.get(key) ?? []
    if (
      wire.closed ||
      wire.ended ||
      unsolicited(wire) ||
      idle.length >= this.#limits.pooledPerKey ||
      this.#idleCount >= this.#limits.pooled
    ) {
      wire.destroy()
      return
    }
    const drop = (): void => {
      this.#remove(key, wire)
      wire.destroy()
    }
    wire.onUnasked = () => {
      if (wire.closed || wire.ended || unsolicited(wire)) drop()
    }
    wire.onDeadline = drop
    wire.deadline = Date.now() + this.#limits.pooledMs
    idle.push(wire)
    this.#idle.set(key, idle)
    this.#idleCount++
  }

  /** Drops kept connections that no live target uses any more. */
  retain(keys: (key: string) => boolean): void {
    for (const [key, idle] of this.#idle) {
      if (keys(key)) continue
      for (const wire of Array.from(idle)) wire.onDeadline?.()
      this.#sessions.delete(key)
    }
  }

  /** A verified connection that speaks HTTP/2, for one connection of the agent; throws Refuse. */
  async dialH2(target: UpstreamTarget): Promise<Duplex> {
    return await this.#secure(await this.#reach(target), target, 'h2')
  }

  /** A byte tunnel for passthrough; throws Refuse. */
  async dialRaw(target: UpstreamTarget): Promise<Wire> {
    return this.#watched(new Wire(await this.#reach(target)))
  }

  #takeIdle(key: string): Wire | undefined {
    const wire = this.#idle.get(key)?.at(-1)
    if (wire === undefined) return undefined
    this.#remove(key, wire)
    return wire.closed || wire.ended || unsolicited(wire) ? (wire.destroy(), this.#takeIdle(key)) : wire
  }

  #remove(key: string, wire: Wire): void {
    const idle = this.#idle.get(key)
    const at = idle?.lastIndexOf(wire) ?? -1
    if (idle === undefined || at === -1) return
    idle.splice(at, 1)
    if (idle.length === 0) this.#idle.delete(key)
    this.#idleCount--
    wire.onUnasked = undefined
    wire.onDeadline = undefined
    wire.deadline = Number.POSITIVE_INFINITY
  }

  async #lease(target: UpstreamTarget): Promise<Lease> {
    return { wire: await this.#connect(target), reused: false }
  }

  async #connect(target: UpstreamTarget): Promise<Wire> {
    const socket = await this.#reach(target)
    if (target.scheme === 'http') return this.#watched(new Wire(socket))
    return this.#watched(new Wire(await this.#secure(socket, target, 'http/1.1')))
  }

  async #reach({ authority, token }: UpstreamTarget): Promise<Duplex> {
    let late = false
    let timer: NodeJS.Timeout | undefined
    const dialled = this.#dial({ host: authority.host, port: authority.port, token })
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late = true
        reject(new Refuse('upstream-timeout'))
      }, this.#limits.dialMs)
    })
    dialled.then((socket) => late && socket.destroy()).catch(() => {})
    try {
      return await Promise.race([dialled, timeout])
    } catch (error) {
      if (error instanceof Refuse) throw error
      throw new Refuse(error instanceof DialFailed ? RULES_OF_DIAL[error.code] : 'upstream-unreachable')
    } finally {
      clearTimeout(timer)
    }
  }

  #secure(socket: Duplex, target: UpstreamTarget, protocol: 'http/1.1' | 'h2'): Promise<Duplex> {
    const key = protocol === 'h2' ? `h2 ${keyOf(target)}` : keyOf(target)
    const session = this.#sessions.get(key)
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        servername: target.authority.host,
        secureContext: this.#contextFor(target.trust),
        ALPNProtocols: protocol === 'h2' ? ['h2', 'http/1.1'] : ['http/1.1'],
        // Given explicitly: NODE_TLS_REJECT_UNAUTHORIZED decides nothing here.
        rejectUnauthorized: controls.on('upstream-verify'),
        ...(session && { session }),
      })
      const timer = setTimeout(() => fail(new Refuse('upstream-timeout')), this.#limits.dialMs)
      const fail = (error: Refuse): void => {
        clearTimeout(timer)
        secured.destroy()
        reject(error)
      }
      secured.on('session', (ticket: Buffer) => this.#remember(key, ticket))
      secured.once('error', () => fail(new Refuse('upstream-untrusted')))
      secured.once('close', () => fail(new Refuse('upstream-untrusted')))
      secured.once('secureConnect', () => {
        clearTimeout(timer)
        const agreed = secured.alpnProtocol
        if (protocol === 'h2')
          return agreed === 'h2' ? resolve(secured) : fail(new Refuse('upstream-without-h2'))
        if (agreed !== false && agreed !== null && agreed !== 'http/1.1')
          return fail(new Refuse('upstream-malformed'))
        resolve(secured)
      })
    })
  }

  /** The roots of this program and the declared ones; an environment variable adds none. */
  #contextFor(trust: readonly string[]): SecureContext {
    const key = trustKeyOf(trust)
    if (this.#trusted?.key === key) return this.#trusted.context
    const context = createSecureContext({
      ca: [...rootCertificates, ...trust],
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
    })
    this.#sessions.clear()
    this.#trusted = { key, context }
    return context
  }

  #remember(key: string, ticket: Buffer): void {
    this.#sessions.delete(key)
    this.#sessions.set(key, ticket)
    const oldest = this.#sessions.keys().next().value
    if (this.#sessions.size > SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
  }

  #watched(wire: Wire): Wire {
    this.#sweep.add(wire)
    return wire
  }
}

/** Bytes that no request asked for: the next one must not read them as its answer. */
const unsolicited = (wire: Wire): boolean => controls.on('response-framing') && wire.pending > 0

const RULES_OF_DIAL = {
  'unknown-token': 'upstream-refused',
  'target-undeclared': 'upstream-refused',
  'address-refused': 'upstream-refused',
  'name-unresolvable': 'upstream-unreachable',
  'connect-failed': 'upstream-unreachable',
  'connect-timeout': 'upstream-timeout',
  overload: 'upstream-refused',
} as const

const trustKeys = new WeakMap<readonly string[], string>()

/** Short name of a list of authorities; a list is never changed, so it is digested once. */
function trustKeyOf(trust: readonly string[]): string {
  const known = trustKeys.get(trust)
  if (known !== undefined) return known
  const made = createHash('sha256').update(JSON.stringify(trust)).digest('base64')
  trustKeys.set(trust, made)
  return made
}

const keys = new WeakMap<UpstreamTarget, string>()

/** What a connection may be used for again: authority, credential, and what it was verified against. */
export function keyOf(target: UpstreamTarget): string {
  const known = keys.get(target)
  if (known !== undefined) return known
  const { scheme, authority, credentialKey, trust } = target
  const made = `${scheme}://${authority.host}:${authority.port} ${credentialKey} ${trustKeyOf(trust)}`
  keys.set(target, made)
  return made
}
