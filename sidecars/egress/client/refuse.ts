/** A refusal as bytes: fixed words, JSON or text by Accept, no hint to try again, and the connection ends. */
import type { Refusal } from '../../policy/words.ts'
import { membersOf } from '../../http/head.ts'
import type { Field } from '../../http/head.ts'

/**
 * The whole response. `method` decides two things: HEAD gets no body; for CONNECT the words are in the status line
 * too, because clients show that line and throw the body of a refused tunnel away.
 */
export function renderRefusal(
  refusal: Refusal,
  asked: { readonly fields: readonly Field[]; readonly method: string | undefined },
): Buffer {
  const { type, body } = refusalBody(refusal, asked.fields)
  const lines = [
    `HTTP/1.1 ${refusal.status} ${asked.method === 'CONNECT' ? inStatusLine(refusal) : (REASONS[refusal.status] ?? 'Refused')}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
    '',
    asked.method === 'HEAD' ? '' : body,
  ]
  return Buffer.from(lines.join('\r\n'))
}

/** Its words in the form that the request asks for. */
export function refusalBody(
  refusal: Refusal,
  fields: readonly Field[],
): { readonly type: string; readonly body: string } {
  return wantsJson(fields)
    ? { type: 'application/json', body: `${JSON.stringify({ error: refusalFields(refusal) })}\n` }
    : { type: 'text/plain; charset=utf-8', body: asText(refusal) }
}

const refusalFields = ({ code, message, allow }: Refusal): object => ({
  code,
  message,
  ...(allow && { allow }),
})

const inStatusLine = ({ message }: Refusal): string => `bot-bottle: ${message.replaceAll(/[^ -~]/g, '?')}`

function asText({ message, allow }: Refusal): string {
  const allowed = allow === undefined ? '' : ` The operator can allow it with\n  ${allow}`
  return `bot-bottle: ${message}${allowed}\n`
}

function wantsJson(fields: readonly Field[]): boolean {
  const accepted = membersOf(fields, 'accept').map((member) => member.split(';', 1)[0]?.trim() ?? '')
  return (
    accepted.some((type) => /^application\/(?:[\w.+-]+\+)?json$/.test(type)) &&
    !accepted.includes('text/html')
  )
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  408: 'Request Timeout',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}
