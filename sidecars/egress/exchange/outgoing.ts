/** Heads as we send them: rebuilt from what was checked, never relayed. Hop-by-hop, proxy, forwarding and override fields are dropped. */
import { schemePort } from '../../../src/model/policy.ts'
import { formatAuthority } from '../../policy/authority.ts'
import type { Credential } from '../secrets/credentials.ts'
import { membersOf } from '../../http/head.ts'
import type { Field, Framing } from '../../http/head.ts'
import type { ParsedRequest } from './request.ts'
import type { ResponseHead } from './response.ts'
import type { Matcher } from '../secrets/scrub.ts'
import { openingLines } from '../websocket/handshake.ts'
import type { Opening } from '../websocket/handshake.ts'

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'content-length',
]) // prettier-ignore
const REQUEST_DROPPED: ReadonlySet<string> = new Set([
  'host', 'expect', 'via', 'forwarded', 'max-forwards', 'alt-used', 'x-real-ip', 'true-client-ip', 'x-client-ip', 'client-ip', 'cf-connecting-ip', 'x-cluster-client-ip',
  'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-accept', 'sec-websocket-extensions',
  'x-original-url', 'x-rewrite-url', 'x-original-host', 'x-host', 'x-http-host-override', 'x-http-method-override', 'x-http-method', 'x-method-override',
]) // prettier-ignore
/** `request-range` is an old name that servers still take; `x-ms-range` goes before `range` at Azure. */
const CUTS_ANSWER: ReadonlySet<string> = new Set([
  'accept-encoding', 'grpc-accept-encoding', 'range', 'if-range', 'request-range', 'x-ms-range',
]) // prettier-ignore
const RESPONSE_DROPPED: ReadonlySet<string> = new Set([
  'alt-svc',
  'proxy-authenticate',
  'proxy-authentication-info',
  'via',
])

const NONE: ReadonlySet<string> = new Set()

/** Fields that `Connection` says are for one hop. */
function nominatedIn(fields: readonly Field[]): ReadonlySet<string> {
  const names = membersOf(fields, 'connection')
  return names.length === 0 ? NONE : new Set(names)
}

/** What becomes of a field by its name alone. */
type Fate = 'goes-on' | 'cuts-answer' | 'dropped'

function fateOfRequestField(key: string): Fate {
  const folded = key.includes('_') ? key.replaceAll('_', '-') : key
  if (HOP_BY_HOP.has(folded) || REQUEST_DROPPED.has(folded)) return 'dropped'
  if (folded.startsWith('proxy-') || folded.startsWith('x-forwarded-')) return 'dropped'
  return CUTS_ANSWER.has(folded) ? 'cuts-answer' : 'goes-on'
}

const fateOfResponseField = (key: string): Fate =>
  HOP_BY_HOP.has(key) || RESPONSE_DROPPED.has(key) ? 'dropped' : 'goes-on'

/** Both sides send the same few names over and over. */
const FATES_MAX = 512
function remembered(fateOf: (key: string) => Fate): (key: string) => Fate {
  const fates = new Map<string, Fate>()
  return (key) => {
    const known = fates.get(key)
    if (known !== undefined) return known
    const fate = fateOf(key)
    // A copy: what is cut out of a head would keep all of it.
    if (fates.size < FATES_MAX && key.length <= NAME_REMEMBERED)
      fates.set(Buffer.from(key, 'latin1').toString('latin1'), fate)
    return fate
  }
}
/** Longer names are of nobody. */
const NAME_REMEMBERED = 64

const requestFate = remembered(fateOfRequestField)
const responseFate = remembered(fateOfResponseField)

/** The agent's fields that go on, before any credential: what is judged is what is sent. */
export function passedFields(fields: readonly Field[], identityOnly: boolean): readonly Field[] {
  const nominated = nominatedIn(fields)
  return fields.filter(({ key }) => {
    const fate = requestFate(key)
    // A credential cut in pieces by ranges, or compressed, could not be recognised in the answer.
    if (fate === 'dropped' || (identityOnly && fate === 'cuts-answer')) return false
    return nominated.size === 0 || !nominated.has(key)
  })
}

export interface OutgoingRequest {
  readonly request: ParsedRequest
  readonly fields: readonly Field[]
  readonly query: string
  readonly credential: Credential | undefined
  readonly identityOnly: boolean
  /** Our own handshake, where the agent asked for a WebSocket. */
  readonly opening?: Opening
}

/** Path and query, with a credential that goes there. */
export function targetOf({ request, query, credential }: OutgoingRequest): string {
  const full =
    credential?.kind === 'query' ? (query === '' ? credential.pair : `${query}&${credential.pair}`) : query
  return full === '' ? request.path : `${request.path}?${full}`
}

export function renderRequest(outgoing: OutgoingRequest): string {
  const { request, fields, credential, identityOnly, opening } = outgoing
  const { method, authority, framing } = request
  let text = `${method} ${targetOf(outgoing)} HTTP/1.1\r\nHost: ${formatAuthority(authority, schemePort(request.scheme))}\r\n`
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`
  if (identityOnly) text += 'Accept-Encoding: identity\r\n'
  if (credential?.kind === 'header') text += `${credential.name}: ${credential.value}\r\n`
  if (credential?.kind === 'fields')
    for (const { name, value } of credential.fields) text += `${name}: ${value}\r\n`
  if (opening) text += openingLines(opening)
  if (framing.kind === 'length') text += `Content-Length: ${framing.length}\r\n`
  else if (framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n'
  // A server may wait for a body it was not told about (RFC 9110, 8.6).
  else if (method === 'POST' || method === 'PUT' || method === 'PATCH') text += 'Content-Length: 0\r\n'
  return `${text}\r\n`
}

/** The upstream's fields that go on. */
export function passedBack(fields: readonly Field[]): readonly Field[] {
  const nominated = nominatedIn(fields)
  return fields.filter(({ key }) => responseFate(key) !== 'dropped' && !nominated.has(key))
}

/** `close`: the connection ends after this response. */
export function renderResponse(
  response: ResponseHead,
  framing: Framing,
  close: boolean,
  matcher: Matcher | undefined,
): string {
  const masked = (text: string): string => matcher?.maskText(text) ?? text
  let text = `HTTP/1.1 ${response.status} ${masked(response.reason)}\r\n`
  for (const { name, value } of passedBack(response.fields)) text += `${masked(name)}: ${masked(value)}\r\n`
  if (framing.kind === 'length') text += `Content-Length: ${framing.length}\r\n`
  else if (framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n'
  // HEAD and 304 describe a body that does not come.
  else if (framing.kind === 'none' && response.describedLength !== undefined)
    text += `Content-Length: ${response.describedLength}\r\n`
  return `${text}${close ? 'Connection: close\r\n' : ''}\r\n`
}
