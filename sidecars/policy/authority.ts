/**
 * The one place where text becomes an authority. An own ASCII grammar, stricter than any URL library: no IP form in
 * any spelling, no userinfo, no escapes, no underscore. The value made here is what is matched, dialled, verified
 * and used for credentials; nothing downstream looks at the text again (containment.md, rule 7).
 *
 * Decided once: case is folded, one trailing dot is stripped, ports are decimal without leading zeros.
 */
import { controls } from './controls.ts'
import type { RuleId } from './rules.ts'

declare const hostBrand: unique symbol
/** A canonical host name: lower-case ASCII labels, no trailing dot, not an address. */
export type Host = string & { readonly [hostBrand]: true }

export interface Authority {
  readonly host: Host
  readonly port: number
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly rule: RuleId }

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const DOTTED_QUAD = /^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$/
/** Plain hexadecimal groups; a zone or an embedded IPv4 is another spelling and not even a literal here. */
const BRACKETED_V6 = /^\[[0-9a-f:]+\]$/i
/** What URL parsers read as a number: the last label decides (WHATWG, "ends in a number"). */
const NUMERIC_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/

const invalid = { ok: false, rule: 'authority-invalid' } as const
const literal = { ok: false, rule: 'ip-literal' } as const

export function parseHost(text: string): Parsed<Host> {
  if (text.length === 0 || text.length > 254) return invalid
  if (BRACKETED_V6.test(text)) return literal
  const folded = foldAscii(text)
  const name = folded.endsWith('.') ? folded.slice(0, -1) : folded
  if (name.length === 0 || name.length > 253) return invalid
  const labels = name.split('.')
  if (!labels.every((label) => LABEL.test(label))) return invalid
  if (controls.on('ip-literals') && NUMERIC_LABEL.test(labels.at(-1) ?? ''))
    return isQuad(folded) ? literal : invalid
  return { ok: true, value: name as Host }
}

/** `host:port`, the port written out unless `defaultPort` is given. */
export function parseAuthority(text: string, defaultPort?: number): Parsed<Authority> {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']')) : text.indexOf(':')
  const host = parseHost(colon === -1 ? text : text.slice(0, colon))
  if (!host.ok) return host
  const port = colon === -1 ? defaultPort : parsePort(text.slice(colon + 1))
  return port === undefined ? invalid : { ok: true, value: { host: host.value, port } }
}

export function sameAuthority(a: Authority, b: Authority): boolean {
  return a.host === b.host && a.port === b.port
}

export const formatAuthority = (authority: Authority, defaultPort: number): string =>
  authority.port === defaultPort ? authority.host : `${authority.host}:${authority.port}`

function parsePort(text: string): number | undefined {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) return undefined
  const port = Number(text)
  return port <= 65_535 ? port : undefined
}

/** `toLowerCase` would fold the Kelvin sign to `k`. */
const foldAscii = (text: string): string => text.replaceAll(/[A-Z]+/g, (upper) => upper.toLowerCase())

const isQuad = (text: string): boolean =>
  DOTTED_QUAD.test(text) && text.split('.').every((part) => Number(part) <= 255)

/** Names that mean the machine, its engine or a cloud's metadata service: refused even where a manifest declares them. */
export function isForbiddenName(host: Host): boolean {
  if (!controls.on('local-names')) return false
  return (
    !host.includes('.') || FORBIDDEN.has(host) || FORBIDDEN_SUFFIXES.some((suffix) => host.endsWith(suffix))
  )
}

/** Names that only mean something inside one network: refused unless a route names them exactly and takes private addresses. */
export function isLocalName(host: Host): boolean {
  return controls.on('local-names') && LOCAL_SUFFIXES.some((suffix) => host.endsWith(suffix))
}

const FORBIDDEN: ReadonlySet<string> = new Set([
  'metadata.google.internal',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.goog',
  'host.lima.internal',
  'host.orb.internal',
])
const FORBIDDEN_SUFFIXES = [
  '.localhost',
  '.docker.internal',
  '.containers.internal',
  '.in-addr.arpa',
  '.ip6.arpa',
]
const LOCAL_SUFFIXES = ['.local', '.localdomain', '.internal', '.home.arpa']
