/** One request as the agent sent it, with one reading: method, authority, path, query, framing. Throws Refuse. */
import { schemePort } from '../../../src/model/policy.ts'
import type { Finding } from '../../detect/scan.ts'
import { formatAuthority, parseAuthority, sameAuthority } from '../../policy/authority.ts'
import type { Authority, Parsed } from '../../policy/authority.ts'
import { METHODS } from '../../policy/methods.ts'
import { isQuery } from '../../policy/path.ts'
import type { RuleId } from '../../policy/rules.ts'
import { controls } from '../../policy/controls.ts'
import { framingOf, Malformed, membersOf, valueOf } from '../../http/head.ts'
import type { Field, Framing, Head } from '../../http/head.ts'

/** A request is refused by a rule; whoever catches it answers in words. */
export class Refuse extends Error {
  override readonly name = 'Refuse'
  readonly rule: RuleId
  readonly finding: Finding | undefined
  constructor(rule: RuleId, finding?: Finding) {
    super(rule)
    this.rule = rule
    this.finding = finding
  }
}

export const refuseFinding = (finding: Finding): Refuse => new Refuse(ruleOf(finding), finding)

function ruleOf({ rule }: Finding): RuleId {
  if (rule === 'canary') return 'canary'
  if (rule.startsWith('placeholder/')) return 'placeholder-misplaced'
  return rule.startsWith('uninspectable/') ? 'uninspectable' : 'secret-found'
}

export interface RequestLine {
  readonly method: string
  readonly target: string
  readonly version: '1.0' | '1.1'
}

export interface ParsedRequest {
  readonly method: string
  readonly scheme: 'https' | 'http'
  readonly authority: Authority
  readonly path: string
  readonly query: string
  readonly version: '1.0' | '1.1'
  readonly fields: readonly Field[]
  readonly framing: Framing
  readonly keepAlive: boolean
  readonly expectsContinue: boolean
  /** It asks to leave HTTP for this. */
  readonly upgrade?: 'websocket'
}

const LINE = /^([A-Za-z-]{1,20}) ([\x21-\x7e]+) HTTP\/1\.([01])$/
export function parseRequestLine(head: Head): RequestLine {
  const match = LINE.exec(head.startLine)
  if (match === null) throw new Malformed('request line')
  return { method: match[1] ?? '', target: match[2] ?? '', version: match[3] === '0' ? '1.0' : '1.1' }
}

/** CONNECT: the authority, with nothing that could be a body. */
export function parseConnect(head: Head, line: RequestLine): Authority {
  const authority = must(parseAuthority(line.target))
  if (framingOf(head, line.version, 'none').kind !== 'none') throw new Malformed('CONNECT with a body')
  const hosts = hostsOf(head)
  // Old clients send CONNECT without Host; from HTTP/1.1 on it is needed.
  if (hosts.length > 1 || (hosts.length === 0 && line.version === '1.1'))
    throw new Refuse('request-malformed')
  const [host] = hosts
  if (host !== undefined && !sameAuthority(must(parseAuthority(host, authority.port)), authority)) mismatch()
  return authority
}

/** How a request names its upstream: by itself (`absolute`), or by the connection it came on. */
export type Place =
  | { readonly form: 'absolute' }
  | { readonly form: 'origin'; readonly scheme: 'https'; readonly authority: Authority }
  | { readonly form: 'origin'; readonly scheme: 'http' }

export function parseRequest(head: Head, line: RequestLine, place: Place): ParsedRequest {
  const { method, version } = line
  if (!METHODS.has(method)) throw new Refuse('method-refused')
  const { fields } = head
  const hosts = hostsOf(head)
  if (controls.on('strict-framing') ? hosts.length !== 1 : hosts.length === 0)
    throw new Refuse('request-malformed')
  const target = place.form === 'absolute' ? absoluteTarget(line.target) : originTarget(line.target)
  const scheme = place.form === 'absolute' ? 'http' : place.scheme
  const defaultPort = schemePort(scheme)
  const expected = 'authority' in place ? place.authority : undefined
  // In a tunnel nearly every Host is written in the canonical form already.
  const named =
    expected !== undefined && hosts[0] === formatAuthority(expected, defaultPort)
      ? expected
      : must(parseAuthority(hosts[0] ?? '', defaultPort))
  const authority = target.authority ?? ('authority' in place ? place.authority : named)
  if (!sameAuthority(named, authority) && controls.on('authority-equality'))
    mismatch(place.form === 'absolute' ? 'host-mismatch' : undefined)
  const framing = framingOf(head, version, 'none')
  const connection = membersOf(fields, 'connection')
  return {
    method,
    scheme,
    authority: controls.on('authority-equality') ? authority : named,
    path: target.path,
    query: target.query,
    version,
    fields,
    framing,
    keepAlive:
      version === '1.1'
        ? !connection.includes('close')
        : connection.includes('keep-alive') && !connection.includes('close'),
    expectsContinue: expectsContinue(fields, version),
    ...upgradeOf(fields),
  }
}

function absoluteTarget(target: string): {
  readonly authority: Authority
  readonly path: string
  readonly query: string
} {
  const match = /^http:\/\/([^/?#]*)([/?].*)?$/i.exec(target)
  if (match === null) throw new Malformed('not an absolute target')
  const rest = match[2] ?? '/'
  const authority = must(parseAuthority(match[1] ?? '', 80))
  return { authority, ...splitTarget(rest.startsWith('?') ? `/${rest}` : rest) }
}

export function originTarget(target: string): {
  readonly authority?: undefined
  readonly path: string
  readonly query: string
} {
  if (!target.startsWith('/')) throw new Malformed('not an origin target')
  return splitTarget(target)
}

function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?')
  const [path, query] = mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
  if (!isQuery(query)) throw new Malformed('query')
  return { path, query }
}

/** `h2c` is left unanswered, as any server may; `websocket` alone is for the policy to judge; anything else that asks to leave HTTP is refused. */
function upgradeOf(fields: readonly Field[]): { readonly upgrade?: 'websocket' } {
  const protocols = membersOf(fields, 'upgrade')
  if (!controls.on('upgrade-refused') || protocols.every((protocol) => protocol === '' || protocol === 'h2c'))
    return {}
  if (protocols.length === 1 && protocols[0] === 'websocket') return { upgrade: 'websocket' }
  throw new Refuse('upgrade-refused')
}

function expectsContinue(fields: readonly Field[], version: '1.0' | '1.1'): boolean {
  const expected = valueOf(fields, 'expect')
  if (expected === undefined) return false
  if (expected.toLowerCase() !== '100-continue') throw new Refuse('expectation-unknown')
  return version === '1.1'
}

function hostsOf(head: Head): readonly string[] {
  const hosts: string[] = []
  for (const { key, value } of head.fields) if (key === 'host') hosts.push(value)
  return hosts
}

function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Refuse(parsed.rule)
  return parsed.value
}

function mismatch(rule: RuleId = 'authority-mismatch'): never {
  throw new Refuse(rule)
}

/** The rule that a failure is refused by. */
export function ruleFor(error: unknown): RuleId {
  if (error instanceof Refuse) return error.rule
  if (error instanceof Malformed) return error.tooLarge ? 'request-too-large' : 'request-malformed'
  return 'internal'
}
