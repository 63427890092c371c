/**
 * Instructions in answers (`dlp.inbound`): which answers are searched, what of them is kept back until it is, and what
 * follows. Under `block` nothing that was not searched goes on, but in streams whose pieces cannot wait.
 */
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { FLOWING, InboundScan } from '../../detect/inbound/scan.ts'
import type { Finding } from '../../detect/scan.ts'
import { valueOf } from '../../http/head.ts'
import { Refuse } from './request.ts'
import { isIdentity } from './response.ts'
import type { ResponseHead } from './response.ts'

/** Whether answers have to come as they are: to mask credentials in them, or to search them. */
export const asksIdentity = ({ auth, dlp }: RoutePolicy): boolean =>
  (auth !== undefined && auth.scheme !== 'from-agent') || (dlp?.inbound ?? 'off') !== 'off'

export interface InboundRules {
  readonly mode: 'warn' | 'block'
  /** Whether the operator has accepted findings of this rule here. */
  accepted(rule: string): boolean
  /** Told once of each rule under `warn`. */
  warned(finding: Finding): void
}

/** Bytes of an answer that are kept back at its beginning, so that a refusal can take its place. */
const KEPT = { length: 256 * 1024, stream: 64 * 1024 } as const
const TEXTUAL =
  /^(?:text\/|application\/(?:[\w.+-]*(?:json|xml|yaml|javascript|ecmascript|x-sh|sql|toml|markdown|rtf|graphql)|[\w.-]+\+(?:json|xml|yaml))|image\/svg)/i
const FLOWS =
  /^(?:text\/event-stream|application\/(?:x-)?(?:ndjson|jsonl|json-seq|stream\+json)|multipart\/)/i

export class Inbound {
  readonly #rules: InboundRules
  readonly #scan: InboundScan
  /** `undefined`: nothing is kept back. */
  readonly #kept: number | undefined
  #passed = 0

  private constructor(rules: InboundRules, flows: boolean, framing: ResponseHead['framing']) {
    this.#rules = rules
    this.#scan = new InboundScan((rule) => rules.accepted(rule), flows ? FLOWING : undefined)
    if (rules.mode === 'block' && !flows) this.#kept = framing.kind === 'length' ? KEPT.length : KEPT.stream
  }

  /** `undefined`: this answer is no text. Throws Refuse for one that should be searched and cannot be. */
  static of(response: ResponseHead, rules: InboundRules | undefined): Inbound | undefined {
    if (rules === undefined || response.framing.kind === 'none') return undefined
    const type = valueOf(response.fields, 'content-type') ?? 'text/'
    const flows = FLOWS.test(type)
    if (!TEXTUAL.test(type) && !flows) return undefined
    if (isIdentity(response)) return new Inbound(rules, flows, response.framing)
    if (rules.mode === 'block') throw new Refuse('encoding-unreadable')
    rules.warned({ rule: 'inbound/unreadable', place: 'body' })
    return undefined
  }

  /** Whether what has come so far may go on now. Throws Refuse. */
  push(piece: Buffer): boolean {
    this.#follow(this.#scan.push(piece))
    this.#passed += piece.length
    if (this.#kept === undefined) return true
    return this.#passed >= this.#kept && this.#scan.waiting === 0
  }

  end(): void {
    this.#follow(this.#scan.end())
  }

  /** Whether the head may go before a byte of the body has come. */
  get headFirst(): boolean {
    return this.#kept === undefined
  }

  #follow(rules: readonly string[]): void {
    for (const rule of rules) {
      const finding: Finding = { rule, place: 'body' }
      if (this.#rules.mode === 'block') throw new Refuse('inbound-found', finding)
      this.#rules.warned(finding)
    }
  }
}
