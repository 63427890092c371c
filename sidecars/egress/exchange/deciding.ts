/**
 * What is decided about a request before anything of it is sent: route, policy, scanner, credential, in this order.
 * HTTP/1.1 and HTTP/2 are decided here, by the same value.
 */
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { scanRequest } from '../../detect/scan.ts'
import type { Finding, Scanned, ScanRules } from '../../detect/scan.ts'
import type { Authority } from '../../policy/authority.ts'
import { admit, judge } from '../../policy/judge.ts'
import type { Allowed, JudgedRequest } from '../../policy/judge.ts'
import type { RuleId } from '../../policy/rules.ts'
import { stripFields, stripQuery } from '../../policy/strip.ts'
import { refusalOf } from '../../policy/words.ts'
import type { Refusal } from '../../policy/words.ts'
import type { Credential } from '../secrets/credentials.ts'
import type { Door } from '../door.ts'
import type { Field } from '../../http/head.ts'
import { asksIdentity } from './inbound.ts'
import { passedFields } from './outgoing.ts'
import { Refuse, refuseFinding } from './request.ts'
import type { ParsedRequest } from './request.ts'
import type { Running } from '../running.ts'
import { dayOf, scanInput, scanRules } from './scanning.ts'

/** What is known of the request at hand, for words and audit. */
export interface Seen {
  authority?: Authority
  scheme?: 'https' | 'http'
  method?: string
  path?: string
  route?: RoutePolicy
  /** Bodies of an exchange that failed. */
  bytesOut?: number
  bytesIn?: number
  fields: readonly Field[]
}

export interface Decided {
  readonly route: RoutePolicy
  readonly judged: JudgedRequest
  readonly verdict: Allowed
  readonly rules: ScanRules
  readonly scanned: Scanned
  /** What is left of the agent's own. */
  readonly fields: readonly Field[]
  readonly query: string
  readonly identityOnly: boolean
  readonly credential: Credential | undefined
}

/** Throws Refuse; `seen` learns of the route also then. `warned`: told of what is found later, and goes on. */
export function decide(
  running: Running,
  request: ParsedRequest,
  seen: Seen,
  { began, warned }: { readonly began: number; readonly warned: (finding: Finding) => void },
): Decided {
  const { policy } = running.config
  const admission = admit(policy, request.scheme, request.authority)
  if (admission.route) seen.route = admission.route
  if (!admission.admitted) throw new Refuse(admission.rule)
  const { route } = admission
  const identityOnly = asksIdentity(route)
  const fields = stripFields(passedFields(request.fields, identityOnly), route)
  const query = stripQuery(request.query, route)
  const { scheme, authority, method, path } = request
  const judged: JudgedRequest = {
    scheme,
    authority,
    method,
    path,
    query,
    headers: fields.map(({ key, value }) => [key, value]),
    ...(request.upgrade && { upgrade: request.upgrade }),
  }
  const verdict = judge(policy, judged)
  if (!verdict.allowed) throw new Refuse(verdict.rule)
  const rules = scanRules(running.detectors, verdict.route, { path, today: dayOf(began), warned })
  const input = scanInput(request, verdict.route, fields, query, running.config.placeholders)
  const scanned = scanRequest(input, rules)
  if ('rule' in scanned) throw refuseFinding(scanned)
  const credentials = running.credential(verdict.route)
  if (!credentials.ok) throw new Refuse(credentials.rule)
  const { credential } = credentials
  return { route, judged, verdict, rules, scanned, fields, query, identityOnly, credential }
}

/** How far an exchange has come. */
export interface Counted {
  readonly status: number
  readonly bodyOut: number
  readonly bodyIn: number
  readonly ending?: { readonly code: number }
}

/** An allowed request, or what was found in it and goes on all the same. `again`: it was told of before. */
export function tellAllowed(
  door: Door,
  running: Running,
  { verdict, route, judged }: Pick<Decided, 'verdict' | 'route' | 'judged'>,
  { status, bodyOut: bytesOut, bodyIn: bytesIn, ending }: Counted,
  told: { readonly ms: number; readonly again: boolean; readonly finding?: Finding | undefined },
): void {
  const { authority, scheme, method, path } = judged
  const rule = verdict.entry === -1 ? 'route' : `matches[${verdict.entry}]`
  const { finding, ms, again } = told
  const answered = { ...(status > 0 && { status }), ...(ending && { closeCode: ending.code }) }
  const audited = { route, authority, scheme, method, path, ...answered, bytesOut, bytesIn, ms, again }
  if (finding) door.audit.warned(running, rule, { ...audited, finding })
  else door.audit.allowed(running, rule, audited)
}

/** Tells the audit of a refusal; returns it in words. */
export function tellRefused(door: Door, asked: Seen, rule: RuleId, finding?: Finding): Refusal {
  const running = door.running()
  const { fields: _fields, path: given, ...seen } = asked
  // What was found in a head may stand in its path.
  const shown = finding?.place === 'head' ? undefined : given
  const path = shown === undefined ? undefined : (running?.matcher.maskText(shown) ?? shown)
  const found = finding && { finding }
  const refusal = refusalOf({ rule, ...seen, ...(path !== undefined && { path }), ...found })
  const asking = { ...seen, ...(path !== undefined && { path }), ...found }
  door.audit.refused(running, rule, { ...asking, status: refusal.status })
  return refusal
}
