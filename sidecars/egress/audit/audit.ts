/** Audit lines as the policy wants them (`none`, `blocks`, `all`), counters, and the refusals of the last hour. Never a value, never a query. */
import type { RoutePolicy } from '../../../src/model/policy.ts'
import type { LogLine } from '../../supervisor/ipc.ts'
import type { Authority } from '../../policy/authority.ts'
import type { Finding } from '../../detect/scan.ts'
import type { RuleId } from '../../policy/rules.ts'
import { Counters } from './counters.ts'
import type { Running } from '../running.ts'
import { untold } from './untold.ts'

export interface Audited {
  /** The route that admits it; absent: none does, or none was looked for. */
  readonly route?: RoutePolicy
  readonly scheme?: 'https' | 'http'
  readonly authority?: Authority
  readonly method?: string
  readonly path?: string
  readonly status?: number
  readonly bytesOut?: number
  readonly bytesIn?: number
  readonly ms?: number
  readonly finding?: Finding
  /** Of a WebSocket that has ended. */
  readonly closeCode?: number
  /** The request was told of before: a WebSocket is when it opens, and with its bytes when it has ended. */
  readonly again?: boolean
}

const MINUTE_MS = 60_000
const PATH_LOGGED = 256

export class Audit {
  readonly counters = new Counters()
  readonly #log: (line: LogLine) => void
  readonly #now: () => number
  #canaryAt: number | undefined
  /** Refusals by minute, a ring of an hour. */
  readonly #minutes = Array.from({ length: 60 }, () => ({ minute: 0, refused: 0 }))

  constructor(log: (line: LogLine) => void, now: () => number) {
    this.#log = log
    this.#now = now
  }

  allowed(running: Running, rule: string, audited: Audited & { readonly route: RoutePolicy }): void {
    if (audited.again !== true) this.counters.allowed(audited.route)
    this.counters.moved(audited.route, audited)
    if (running.config.policy.log === 'all') this.#write(running, 'allow', rule, audited)
  }

  /** Of what went on and should be seen all the same: told but under `none`. */
  warned(running: Running, rule: string, audited: Audited): void {
    if (audited.finding?.rule === 'canary') this.#canaryAt = this.#now()
    if (running.config.policy.log !== 'none') this.#write(running, 'allow', rule, audited)
  }

  refused(running: Running | undefined, rule: RuleId, audited: Audited): void {
    this.counters.refused(audited.route, rule)
    if (rule === 'canary') this.#canaryAt = this.#now()
    this.counters.moved(audited.route, audited)
    const minute = Math.floor(this.#now() / MINUTE_MS)
    const slot = this.#minutes[minute % 60]
    if (slot !== undefined) {
      if (slot.minute !== minute) Object.assign(slot, { minute, refused: 0 })
      slot.refused++
    }
    if (running?.config.policy.log !== 'none') this.#write(running, 'deny', rule, audited)
  }

  /** When somebody last tried to send the canary of the bottle, since this process began. */
  canaryAt(): string | undefined {
    return this.#canaryAt === undefined ? undefined : new Date(this.#canaryAt).toISOString()
  }

  refusedLastHour(): number {
    const oldest = Math.floor(this.#now() / MINUTE_MS) - 60
    return this.#minutes.reduce((sum, { minute, refused }) => (minute > oldest ? sum + refused : sum), 0)
  }

  #write(running: Running | undefined, decision: 'allow' | 'deny', rule: string, audited: Audited): void {
    const { authority, path, finding, route, again: _again, ...rest } = audited
    // What was passed has been looked through already, but for what is accepted.
    const isSeen = decision === 'allow' && route?.dlp?.accepted === undefined
    const shown = (text: string): string => (running && !isSeen ? untold(text, running.detectors) : text)
    const host = (finding?.place === 'head' ? route?.host : undefined) ?? authority?.host ?? ''
    this.#log({
      at: new Date(this.#now()).toISOString(),
      bottle: running?.config.bottle ?? '',
      decision,
      rule,
      // What was found in a head may stand in a name under a wildcard.
      host: shown(host),
      port: authority?.port ?? 0,
      ...(path !== undefined && {
        path: shown(running?.matcher.maskText(path) ?? path).slice(0, PATH_LOGGED),
      }),
      ...(finding && { finding: finding.rule, place: finding.place }),
      ...(finding?.excerpt !== undefined && { excerpt: finding.excerpt }),
      ...rest,
      generation: running?.config.generation ?? 0,
    })
  }
}
