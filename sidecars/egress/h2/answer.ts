/** Heads of HTTP/2 as we send them: rebuilt from what was checked, and refusals that a gRPC client can read. */
import type { OutgoingHttpHeaders } from 'node:http2'
import { formatAuthority } from '../../policy/authority.ts'
import type { Refusal } from '../../policy/words.ts'
import { Malformed, parseField, valueOf } from '../../http/head.ts'
import type { Field, Framing } from '../../http/head.ts'
import { passedBack, targetOf } from '../exchange/outgoing.ts'
import type { OutgoingRequest } from '../exchange/outgoing.ts'
import { refusalBody } from '../client/refuse.ts'
import { Refuse } from '../exchange/request.ts'
import type { ResponseHead } from '../exchange/response.ts'
import type { Matcher } from '../secrets/scrub.ts'
import { sensitiveHeaders } from './node.ts'

export const isGrpc = (fields: readonly Field[]): boolean =>
  /^application\/grpc(?:$|[+;])/i.test(valueOf(fields, 'content-type') ?? '')

export function requestHead(outgoing: OutgoingRequest): OutgoingHttpHeaders {
  const { request, fields, credential, identityOnly } = outgoing
  const { authority, method, framing } = request
  const secret: string[] = []
  const head: OutgoingHttpHeaders = {
    ':method': method,
    ':scheme': 'https',
    ':authority': formatAuthority(authority, 443),
    ':path': targetOf(outgoing),
    ...collected(fields),
    // Of its own connection; a gRPC server asks for it.
    ...(request.fields.some(({ key }) => key === 'te') && { te: 'trailers' }),
    ...(identityOnly && { 'accept-encoding': 'identity' }),
  }
  if (credential?.kind === 'header') {
    head[credential.name.toLowerCase()] = credential.value
    secret.push(credential.name.toLowerCase())
  } else if (credential !== undefined && credential.kind !== 'query') throw new Refuse('internal')
  if (framing.kind === 'length') head['content-length'] = String(framing.length)
  // Never in a table that a later field could be compared with.
  return { ...head, [sensitiveHeaders]: secret }
}

/** The head of an answer; `ended`: nothing follows it. Throws Refuse for one that has no reading. */
export function answerOf(raw: readonly string[], ended: boolean): ResponseHead {
  const { status, fields } = readAnswer(raw)
  const lengths = fields.filter(({ key }) => key === 'content-length')
  const [length] = lengths
  if (lengths.length > 1 || (length !== undefined && !/^[0-9]{1,15}$/.test(length.value))) malformed()
  const framing: Framing = ended
    ? { kind: 'none' }
    : length === undefined
      ? { kind: 'chunked' }
      : { kind: 'length', length: Number(length.value) }
  return {
    status,
    reason: '',
    fields,
    framing,
    ...(ended && length !== undefined && { describedLength: Number(length.value) }),
    keepAlive: true,
  }
}

function readAnswer(raw: readonly string[]): { readonly status: number; readonly fields: readonly Field[] } {
  if (raw[0] !== ':status' || !/^[2-5][0-9]{2}$/.test(raw[1] ?? '')) malformed()
  return { status: Number(raw[1]), fields: fieldsOf(raw.slice(2)) }
}

export function trailersOf(raw: readonly string[], matcher: Matcher | undefined): OutgoingHttpHeaders {
  return masked(passedBack(fieldsOf(raw)), matcher)
}

export function answerHead(response: ResponseHead, matcher: Matcher | undefined): OutgoingHttpHeaders {
  const { framing, describedLength } = response
  const length = framing.kind === 'length' ? framing.length : describedLength
  return {
    ':status': response.status,
    ...masked(passedBack(response.fields), matcher),
    ...(length !== undefined && { 'content-length': String(length) }),
  }
}

function fieldsOf(raw: readonly string[]): readonly Field[] {
  const fields: Field[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    try {
      const field = parseField(`${raw[at]}: ${raw[at + 1]}`)
      if (field.key !== raw[at]) malformed()
      fields.push(field)
    } catch (error) {
      if (error instanceof Malformed) malformed()
      throw error
    }
  }
  return fields
}

function malformed(): never {
  throw new Refuse('upstream-malformed')
}

const masked = (fields: readonly Field[], matcher: Matcher | undefined): OutgoingHttpHeaders =>
  collected(
    fields.map(({ key, name, value }) => ({
      key: matcher?.maskText(key) ?? key,
      name,
      value: matcher?.maskText(value) ?? value,
    })),
  )

function collected(fields: readonly Field[]): OutgoingHttpHeaders {
  const head: Record<string, string | string[]> = Object.create(null) as Record<string, never>
  for (const { key, value } of fields) {
    const known = head[key]
    head[key] = known === undefined ? value : [...(typeof known === 'string' ? [known] : known), value]
  }
  return head
}

/** A refusal as a head and a body. Who speaks gRPC reads status and message from trailers, and nothing of a body. */
export function refusalAnswer(
  refusal: Refusal,
  fields: readonly Field[],
  method: string | undefined,
): { readonly head: OutgoingHttpHeaders; readonly body: string } {
  if (isGrpc(fields)) {
    const words = [refusal.message, refusal.allow].filter((text) => text !== undefined).join(' ')
    const head = {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(GRPC_STATUS[refusal.status] ?? 13),
      'grpc-message': percentEncoded(`bot-bottle: ${words}`),
    }
    return { head, body: '' }
  }
  const { type, body } = refusalBody(refusal, fields)
  const head = {
    ':status': refusal.status,
    'content-type': type,
    'content-length': String(Buffer.byteLength(body)),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  }
  return { head, body: method === 'HEAD' ? '' : body }
}

/** PERMISSION_DENIED, UNAVAILABLE and DEADLINE_EXCEEDED; everything else is INTERNAL (13). */
const GRPC_STATUS: Readonly<Record<number, number>> = { 403: 7, 421: 7, 502: 14, 503: 14, 504: 4 }

const percentEncoded = (text: string): string =>
  Buffer.from(text)
    .toString('latin1')
    .replaceAll(/[^ -$&-~]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
