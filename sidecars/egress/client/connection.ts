/**
 * One connection at a door, from its first byte to its end. Every request on it is parsed, judged and scanned by
 * itself; a refusal is said in words and ends the connection. It carries what it was admitted for, so that a new
 * policy can judge it again.
 */
import type { Duplex } from 'node:stream'
import type { Finding } from '../../detect/scan.ts'
import type { Authority } from '../../policy/authority.ts'
import { admit, judge } from '../../policy/judge.ts'
import type { JudgedRequest } from '../../policy/judge.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import type { RuleId } from '../../policy/rules.ts'
import type { Refusal } from '../../policy/words.ts'
import { controls } from '../../policy/controls.ts'
import { decide, tellAllowed, tellRefused } from '../exchange/deciding.ts'
import type { Seen } from '../exchange/deciding.ts'
import type { Door } from '../door.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { forward } from './forward.ts'
import { speaksH2 } from '../h2/offered.ts'
import type { Session } from '../h2/session.ts'
import { headFrom } from '../../http/head.ts'
import { admitName } from './names.ts'
import { relayBothWays } from './passthrough.ts'
import { renderRefusal } from './refuse.ts'
import { parseConnect, parseRequest, parseRequestLine, Refuse, ruleFor } from '../exchange/request.ts'
import type { ParsedRequest, Place } from '../exchange/request.ts'
import type { Running } from '../running.ts'
import { oncePerRule } from '../exchange/scanning.ts'
import { ALERTS, helloHost, peekHello, terminate } from './tunnel.ts'
import type { UpstreamTarget } from '../upstream/upstreams.ts'
import { openingFor } from '../websocket/handshake.ts'
import { Wire, WireClosed } from '../../http/wire.ts'

export type DoorKind = 'proxy' | 'tls' | 'http'

export class Connection {
  readonly #door: Door
  #client: Wire
  #upstream: Wire | undefined
  #seen: Seen = { fields: [] }
  /** What the connection itself was admitted for. */
  #tunnel: { readonly authority: Authority; readonly passthrough: boolean } | undefined
  /** Where the agent and we have agreed on HTTP/2. */
  #session: Session | undefined
  /** Of the last request. */
  #target: UpstreamTarget | undefined
  /** The request that is being forwarded, as it was judged. */
  #judged: JudgedRequest | undefined
  /** Refusals can be said: HTTP is spoken and no response has begun. */
  #speaking = true
  #over = false

  constructor(door: Door, socket: Duplex) {
    this.#door = door
    this.#client = this.#watch(new Wire(socket))
    this.#client.deadline = Date.now() + door.limits.headMs
  }

  async serve(kind: DoorKind): Promise<void> {
    try {
      if (kind === 'tls') await this.#transparentTls()
      else await this.#requests(kind === 'proxy' ? { form: 'absolute' } : { form: 'origin', scheme: 'http' })
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#door.connections.delete(this)
    }
  }

  /** Refuses a connection for which there is no room. */
  turnAway(kind: DoorKind): void {
    this.#speaking = kind !== 'tls'
    this.#fail(new Refuse('overload'))
  }

  /** Judges again under a policy that has replaced the one it was admitted by; closes what is no longer allowed. */
  rejudge(running: Running): void {
    if (!controls.on('generations')) return
    const { config } = running
    const allowed =
      this.#judged !== undefined
        ? judge(config.policy, this.#judged).allowed
        : this.#tunnelStands(config.policy)
    if (allowed) return this.#session?.rejudge(running)
    this.#audit('policy-narrowed')
    this.#destroy()
  }

  #tunnelStands(policy: Running['config']['policy']): boolean {
    if (this.#tunnel === undefined) return true
    const admission = admit(policy, 'https', this.#tunnel.authority)
    if (!admission.admitted || admission.route.tlsPassthrough !== this.#tunnel.passthrough) return false
    return this.#session === undefined || speaksH2(admission.route)
  }

  async #requests(place: Place): Promise<void> {
    const late = (): void => this.#fail(new Refuse('request-timeout'))
    // Inside TLS nothing arrives before the handshake is done.
    this.#speaking = true
    for (;;) {
      const client = this.#client
      const first = client.take() ?? (await client.read())
      if (first === null) return this.#destroyWhenRead()
      const read = headFrom(client, first, this.#door.limits, late)
      const head = read instanceof Promise ? await read : read
      client.onDeadline = undefined
      client.deadline = Date.now() + this.#door.limits.silenceMs
      this.#seen =
        'authority' in place
          ? { fields: head.fields, authority: place.authority, scheme: place.scheme }
          : { fields: head.fields }
      this.#speaking = true
      const line = parseRequestLine(head)
      this.#seen.method = line.method
      if (line.method === 'CONNECT' && place.form === 'absolute')
        return await this.#connect(parseConnect(head, line))
      const request = parseRequest(head, line, place)
      if (place.form === 'origin' && place.scheme === 'http' && request.authority.port !== 80)
        throw new Refuse('authority-mismatch')
      if (!(await this.#answer(request))) return this.#destroyWhenRead()
      this.#client.deadline = Date.now() + this.#door.limits.idleMs
    }
  }

  /** Resolves whether another request may follow. */
  async #answer(request: ParsedRequest): Promise<boolean> {
    const began = Date.now()
    const { scheme, authority, path } = request
    const seen = this.#seen
    seen.authority = authority
    seen.scheme = scheme
    seen.path = path
    const running = this.#runningOrRefuse()
    const warned = oncePerRule((finding) => audit(finding))
    const decided = decide(running, request, seen, { began, warned })
    const { verdict, scanned, rules, fields, query, identityOnly, credential } = decided
    const exchange: Exchange = {
      client: this.#client,
      outgoing: { request, fields, query, identityOnly, credential, ...openingFor(request) },
      target: this.#targetFor(running, verdict.route, request),
      running,
      hold: (upstream) => (this.#upstream = upstream),
      begun: false,
      status: 0,
      bodyOut: 0,
      bodyIn: 0,
      opened: () => audit(),
      accepted: (rule) => rules.accepted(rule),
      warned,
    }
    let told = false
    const audit = (finding?: Finding): void => {
      tellAllowed(this.#door, running, decided, exchange, { ms: Date.now() - began, again: told, finding })
      told ||= finding === undefined
    }
    this.#judged = decided.judged
    try {
      const keep = await forward(this.#door, verdict, scanned, exchange)
      audit()
      const refused = exchange.ending?.refused
      if (refused) this.#audit(refused.rule, refused.finding)
      return keep
    } catch (error) {
      this.#speaking = !exchange.begun
      // The agent went before the answer ended: what went out went out.
      if (error instanceof WireClosed) audit()
      else Object.assign(seen, { bytesOut: exchange.bodyOut, bytesIn: exchange.bodyIn })
      throw error
    } finally {
      this.#judged = undefined
    }
  }

  /** The same value while the same is asked for: it is what kept connections are looked for by. */
  #targetFor(running: Running, route: RoutePolicy, { scheme, authority }: ParsedRequest): UpstreamTarget {
    const credentialKey = running.credentialKey(route)
    const { token } = running
    const { trust } = running.config
    const known = this.#target
    if (
      known?.authority === authority &&
      known.scheme === scheme &&
      known.credentialKey === credentialKey &&
      known.token === token &&
      known.trust === trust
    )
      return known
    return (this.#target = { scheme, authority, credentialKey, token, trust })
  }

  async #connect(authority: Authority): Promise<void> {
    this.#seen = { ...this.#seen, authority, scheme: 'https', method: 'CONNECT' }
    const admission = this.#admitTls(authority)
    if (!admission.tlsPassthrough && this.#runningOrRefuse().issuer === undefined)
      throw new Refuse('issuer-missing')
    this.#tunnel = { authority, passthrough: admission.tlsPassthrough }
    if (!controls.on('hello-before-dial')) await this.#door.upstreams.dialRaw(this.#targetOf(authority))
    await this.#client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    this.#speaking = false
    this.#client.deadline = Date.now() + this.#door.limits.headMs
    this.#client.onDeadline = () => this.#fail(new Refuse('hello-invalid'))
    const hello = await peekHello(this.#client)
    if (helloHost(hello) !== authority.host && controls.on('authority-equality'))
      throw new Refuse('authority-mismatch')
    await this.#afterHello(authority, hello.encryptedHello)
  }

  async #transparentTls(): Promise<void> {
    this.#speaking = false
    this.#client.onDeadline = () => this.#fail(new Refuse('hello-invalid'))
    const hello = await peekHello(this.#client)
    const authority: Authority = { host: helloHost(hello), port: 443 }
    this.#seen = { ...this.#seen, authority, scheme: 'https' }
    const route = this.#admitTls(authority)
    this.#tunnel = { authority, passthrough: route.tlsPassthrough }
    await this.#afterHello(authority, hello.encryptedHello)
  }

  async #afterHello(authority: Authority, encryptedHello: boolean): Promise<void> {
    const running = this.#runningOrRefuse()
    const route = this.#admitTls(authority)
    if (route.tlsPassthrough) {
      // What is inside an encrypted hello may name another host of the same network; GREASE looks the same.
      if (encryptedHello) throw new Refuse('hello-encrypted-name')
      admitName(this.#door, running, route, authority)
      const upstream = await this.#door.upstreams.dialRaw(this.#targetOf(authority))
      // Revoked, or left, while it was dialled: the ClientHello is still unread and must not go out.
      if (this.#over || this.#client.closed) return upstream.destroy()
      this.#upstream = upstream
      const passed = { route, authority, scheme: 'https' } as const
      return await relayBothWays(this.#door, this.#client, upstream, (bytesOut, bytesIn) =>
        this.#door.audit.allowed(running, 'passthrough', { ...passed, bytesOut, bytesIn }),
      )
    }
    if (running.issuer === undefined) throw new Refuse('issuer-missing')
    const context = this.#door.minter.contextFor(authority.host, running)
    this.#client.onDeadline = undefined
    this.#client.deadline = Number.POSITIVE_INFINITY
    const offersH2 = speaksH2(route)
    const secured = terminate(this.#client, context, offersH2)
    this.#client = this.#watch(secured.wire)
    this.#client.deadline = Date.now() + this.#door.limits.headMs
    if (offersH2 && (await secured.agreed()) === 'h2') return await this.#streams(authority)
    await this.#requests({ form: 'origin', scheme: 'https', authority })
  }

  /** Many requests at once: each is decided, told of and ended by itself. */
  async #streams(authority: Authority): Promise<void> {
    const { Session } = await import('../h2/session.ts')
    if (this.#over || this.#client.closed) return
    // Taken away while TLS was agreed on.
    if (!speaksH2(this.#admitTls(authority))) throw new Refuse('policy-narrowed')
    this.#session = new Session(this.#door, this.#client, authority)
    await this.#session.over
  }

  #admitTls(authority: Authority): RoutePolicy {
    const admission = admit(this.#runningOrRefuse().config.policy, 'https', authority)
    if (admission.route) this.#seen.route = admission.route
    if (!admission.admitted) throw new Refuse(admission.rule)
    return admission.route
  }

  #targetOf(authority: Authority): Exchange['target'] {
    const { token, config } = this.#runningOrRefuse()
    return { scheme: 'https', authority, credentialKey: '', token, trust: config.trust }
  }

  #runningOrRefuse(): Running {
    const running = this.#door.running()
    if (running === undefined) throw new Refuse('no-policy')
    return running
  }

  #fail(error: unknown): void {
    if (this.#over) return
    if (error instanceof WireClosed) return this.#destroy()
    const rule = ruleFor(error)
    const refusal = this.#audit(rule, error instanceof Refuse ? error.finding : undefined)
    if (this.#speaking) return this.#say(refusal)
    // Before TLS is up an alert can still be said; after it, or inside a response, the connection is only cut.
    if (rule === 'hello-invalid' || this.#client.bytesOut > CONNECT_ANSWER) return this.#destroy()
    this.#client.end(rule === 'authority-mismatch' ? ALERTS.unrecognizedName : ALERTS.accessDenied)
    this.#linger()
  }

  #audit(rule: RuleId, finding?: Finding): Refusal {
    return tellRefused(this.#door, this.#seen, rule, finding)
  }

  #say(refusal: Refusal): void {
    this.#client.end(renderRefusal(refusal, { fields: this.#seen.fields, method: this.#seen.method }))
    this.#linger()
  }

  /** The refusal is read before a reset could take it away; what still comes is dropped. */
  #linger(): void {
    this.#over = true
    this.#upstream?.destroy()
    const client = this.#client
    client.onDeadline = undefined
    client.deadline = Date.now() + this.#door.limits.lingerMs
    client.discard(this.#door.limits.lingerBytes)
  }

  #destroyWhenRead(): void {
    this.#client.end()
    this.#linger()
  }

  #destroy(): void {
    this.#over = true
    this.#session?.destroy()
    this.#upstream?.destroy()
    this.#client.destroy()
  }

  #watch(wire: Wire): Wire {
    this.#door.sweep.add(wire)
    // Nobody is left to answer: what is asked of an upstream ends too.
    wire.socket.once('close', () => this.#upstream?.destroy())
    return wire
  }
}

/** Length of the answer to CONNECT: more than this means that TLS has begun. */
const CONNECT_ANSWER = 'HTTP/1.1 200 Connection established\r\n\r\n'.length
