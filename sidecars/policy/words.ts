/**
 * A refusal in words: what happened, by which rule, and the manifest line that would allow it. Texts are fixed; the
 * only variable parts are a canonical authority, a known method and a path of plain characters.
 */
import { schemePort } from '../../src/model/policy.ts'
import type { RoutePolicy } from '../../src/model/policy.ts'
import type { Authority } from './authority.ts'
import { RULES } from './rules.ts'
import type { RuleId } from './rules.ts'

export interface Refused {
  readonly rule: RuleId
  readonly scheme?: 'https' | 'http'
  /** Absent where none could be read. */
  readonly authority?: Authority
  readonly method?: string
  readonly path?: string
  readonly route?: RoutePolicy
  /** What the scanner found: a rule of its own and the part of the request. */
  readonly finding?: { readonly rule: string; readonly place: 'head' | 'body' }
}

export interface Refusal {
  readonly code: RuleId
  readonly status: number
  readonly message: string
  /** Manifest line, where a line can allow it. */
  readonly allow?: string
}

/** A longer path helps nobody in a manifest line. */
const PATH_SHOWN = 120

export function refusalOf(refused: Refused): Refusal {
  const { status, words } = RULES[refused.rule]
  const allow = allowLine(refused)
  return {
    code: refused.rule,
    status,
    message: sentence(refused, words),
    ...(allow === undefined ? {} : { allow }),
  }
}

function sentence(refused: Refused, words: string): string {
  // A sentence of its own starts upper-case; the others need their object.
  if (/^[A-Z]/.test(words)) return `${words} (rule ${refused.rule}).`
  const { authority } = refused
  const subject =
    authority === undefined
      ? 'The host'
      : isDefaultPort(refused)
        ? authority.host
        : `${authority.host}:${authority.port}`
  const { finding } = refused
  const found = finding === undefined ? '' : ` Found: ${finding.rule} in the ${finding.place}.`
  const place = refused.route?.from === undefined ? '' : ` It is declared at ${refused.route.from}.`
  return `${subject} ${words} (rule ${refused.rule}).${found}${place}`
}

function allowLine(refused: Refused): string | undefined {
  const { authority } = refused
  if (authority === undefined) return undefined
  const scheme = refused.scheme ?? 'https'
  const port = isDefaultPort(refused) ? '' : `, port: ${authority.port}`
  switch (refused.rule) {
    case 'host-undeclared':
    case 'port-undeclared':
    case 'scheme-undeclared':
    case 'policy-narrowed':
    case 'name-budget':
      return `egress.routes: [{ host: ${authority.host}${port}${scheme === 'http' ? ', scheme: http' : ''} }]`
    case 'request-undeclared': {
      const path =
        refused.path !== undefined && refused.path.length <= PATH_SHOWN
          ? `, paths: [{ exact: ${scalar(refused.path)} }]`
          : ''
      return `egress.routes: [{ host: ${refused.route?.host === undefined ? authority.host : scalar(refused.route.host)}${port}, matches: [{ methods: [${refused.method ?? 'GET'}]${path} }] }]`
    }
    case 'uninspectable':
      return `egress.routes: [{ host: ${authority.host}${port}, dlp: { uninspectable: allow } }]`
    case 'inbound-found':
    case 'secret-found':
      return /^(?:token|plugin|inbound|exfiltration|personal)\//.test(refused.finding?.rule ?? '') &&
        refused.finding
        ? `egress.allow_findings: [{ rule: ${refused.finding.rule}, host: ${refused.route?.host === undefined ? authority.host : scalar(refused.route.host)} }]`
        : undefined
    case 'websocket-undeclared':
      return `egress.routes: [{ host: ${authority.host}${port}, protocols: [websocket] }]`
    case 'git-fetch':
      return `egress.routes: [{ host: ${authority.host}${port}, git: { fetch: true } }]`
    default:
      return undefined
  }
}

const isDefaultPort = (refused: Refused): boolean =>
  refused.authority?.port === schemePort(refused.scheme ?? 'https')

/** A YAML flow scalar: plain where it can be. */
const scalar = (text: string): string => (/^[\w/.@~-]+$/.test(text) ? text : JSON.stringify(text))
