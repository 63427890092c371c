/** A service that checks signatures (Signature Version 4): written from its description, with `node:crypto` alone, on the bytes that arrived. */
import { createHash, createHmac } from 'node:crypto'
import { answerWith } from './lab.ts'
import type { Answering } from './lab.ts'

export interface Checked {
  /** Absent: the signature holds. */
  readonly wrong?: string
  readonly signedHeaders: readonly string[]
  readonly content: string
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const escaped = (text: string): string =>
  [...Buffer.from(text, 'latin1')]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9\-._~]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
const unescaped = (text: string): string =>
  text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** `secrets`: secret keys by access key id. `request`: one request as latin1. */
export function checkSignature(request: string, secrets: Readonly<Record<string, string>>): Checked {
  const [head = '', ...bodies] = request.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const [method = '', target = ''] = line.split(' ')
  const [path = '', query = ''] = target.split('?')
  const fields = new Map<string, string>()
  for (const text of lines) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(text) ?? []
    const before = fields.get(name.toLowerCase())
    fields.set(name.toLowerCase(), before === undefined ? value : `${before},${value}`)
  }
  const authorization =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const [, id = '', day = '', region = '', service = '', names = '', signature = ''] =
    authorization.exec(fields.get('authorization') ?? '') ?? []
  const signedHeaders = names.split(';')
  const content = fields.get('x-amz-content-sha256') ?? ''
  const checked = { signedHeaders, content }
  const secret = secrets[id]
  if (secret === undefined)
    return { ...checked, wrong: `not signed by a known key: ${fields.get('authorization')}` }
  for (const name of fields.keys())
    if ((name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name))
      return { ...checked, wrong: `${name} is not signed` }
  if (content !== 'UNSIGNED-PAYLOAD' && content !== sha256(bodyOf(bodies.join('\r\n\r\n'), fields)))
    return { ...checked, wrong: 'the body is another one' }
  if (content === 'UNSIGNED-PAYLOAD' && service !== 's3')
    return { ...checked, wrong: `${service} wants the body signed` }
  const canonicalPath =
    service === 's3'
      ? path.split('/').map((part) => escaped(unescaped(part))).join('/') // prettier-ignore
      : path
          .replaceAll(/\/{2,}/g, '/')
          .split('/')
          .map(escaped)
          .join('/')
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('=').map((part) => escaped(unescaped(part))))
    .map(([name = '', value = '']) => `${name}=${value}`)
  const date = fields.get('x-amz-date') ?? ''
  const canonical = [
    method,
    canonicalPath,
    pairs.sort().join('&'),
    ...signedHeaders.map((name) => `${name}:${(fields.get(name) ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    content,
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request')
  const made = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex')
  if (date.slice(0, 8) !== day || Math.abs(Date.now() - timeOf(date)) > 300_000)
    return { ...checked, wrong: `the date is ${date}` }
  return made === signature ? checked : { ...checked, wrong: `another signature, over:\n${canonical}` }
}

function bodyOf(text: string, fields: ReadonlyMap<string, string>): string {
  if (fields.get('transfer-encoding') !== 'chunked') return text
  let [body, at] = ['', 0]
  for (;;) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (!(size > 0)) return body
    body += text.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
}

function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** Answers `valid` where the signature holds, and says what is wrong where it does not. */
export const checking = (secrets: Readonly<Record<string, string>>): Answering =>
  answerWith((request) => {
    const said = checkSignature(request, secrets).wrong ?? 'valid'
    return `HTTP/1.1 ${said === 'valid' ? 200 : 403} Checked\r\nContent-Length: ${said.length}\r\n\r\n${said}`
  })
