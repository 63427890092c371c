/** Requests with a text in one place of them, and what the scanner says of a request. */
import { gzipSync } from 'node:zlib'
import { brotliCompressSync, deflateSync, zstdCompressSync } from 'node:zlib'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import type { Detectors } from '../../../sidecars/detect/look.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { seeded, signs } from '../../../sidecars/detect/samples.ts'
import { scanRequest } from '../../../sidecars/detect/scan.ts'
import { scanInput, scanRules } from '../../../sidecars/egress/exchange/scanning.ts'

export interface Sent {
  readonly host: string
  readonly path: string
  /** Without the question mark. */
  readonly query?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** The body comes in pieces, its length unknown. */
  readonly chunked?: boolean
}

/** Of the first label everything may be asked, so that it is looked at as well. */
const routeOf = (host: string): RoutePolicy => ({
  host: `*.${host.slice(host.indexOf('.') + 1)}`,
  port: 443,
  scheme: 'https',
  tlsPassthrough: false,
  allowPrivate: false,
  gitFetch: false,
})

/** The rule by which egress would refuse a request, with its own rules for a route that says nothing. */
export function ruleOf(
  sent: Sent,
  detectors: Detectors,
  random: Random,
  uninspectable: 'block' | 'allow' = 'block',
): string | undefined {
  const { host, path, query = '', fields = {}, body, chunked = false } = sent
  const route = routeOf(host)
  const all = Object.entries(fields).map(([name, value]) => ({ name, key: name.toLowerCase(), value }))
  const input = scanInput(
    {
      method: body === undefined ? 'GET' : 'POST',
      scheme: 'https',
      authority: { host: host as never, port: 443 },
      path,
      query,
      version: '1.1',
      fields: all,
      framing:
        body === undefined
          ? { kind: 'none' }
          : chunked
            ? { kind: 'chunked' }
            : { kind: 'length', length: body.length },
      keepAlive: true,
      expectsContinue: false,
    },
    route,
    all,
    query,
  )
  const scanned = scanRequest(input, {
    ...scanRules(detectors, route, { path, today: '2026-11-21' }),
    dlp: { outboundOnMatch: 'block', uninspectable },
  })
  if ('rule' in scanned) return scanned.rule
  if (body === undefined || scanned.body === undefined) return undefined
  for (let at = 0; at < body.length;) {
    const size = 1 + random(chunked ? 1500 : 65_536)
    const passed = scanned.body.push(Buffer.from(body.subarray(at, at + size)))
    if (!Buffer.isBuffer(passed)) {
      scanned.body.dispose()
      return passed.rule
    }
    at += size
  }
  const passed = scanned.body.end()
  scanned.body.dispose()
  return Buffer.isBuffer(passed) ? undefined : passed.rule
}

export interface Place {
  readonly name: string
  /** What it can carry: `text` of one line, `any` bytes. */
  readonly carries: 'text' | 'any'
  /** It writes some characters with escapes of its own: one layer more. */
  readonly escapes: boolean
  /** A stream holds back 2 KiB, a field has a length that servers take. */
  readonly most?: number
  /** One line. */
  readonly line?: boolean
  readonly put: (carried: Buffer, random: Random) => Sent
}

const host = 'api.example.com'
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const component = (carried: Buffer): string =>
  carried
    .toString('latin1')
    .replaceAll(/[^\w.~!*'()/:@+-]/g, (sign) => `%${latin1(sign).toString('hex').toUpperCase()}`)
const formValue = (carried: Buffer): string =>
  carried
    .toString('latin1')
    .replaceAll(/[^\w.*-]/g, (sign) =>
      sign === ' ' ? '+' : `%${latin1(sign).toString('hex').toUpperCase()}`,
    )
const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const noise = (length: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length }, () => random(256)))
const json = (carried: Buffer, random: Random): Buffer =>
  Buffer.from(
    JSON.stringify({
      model: 'small-3',
      messages: [
        { role: 'user', content: `look at ${prose(random)}` },
        { role: 'tool', content: ` ${carried.toString('utf8')} ` },
      ],
    }),
  )
const CODINGS = [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['deflate', deflateSync],
  ['zstd', zstdCompressSync],
] as const

export const PLACES: readonly Place[] = [
  {
    name: 'path',
    carries: 'text',
    escapes: true,
    most: 4000,
    put: (carried) => ({ host, path: `/v1/items/${component(carried)}` }),
  },
  {
    name: 'query',
    carries: 'text',
    escapes: true,
    most: 4000,
    put: (carried, random) => ({
      host,
      path: '/search',
      query: `page=${random(20)}&q=${component(carried).replaceAll('+', '%2B')}&lang=en`,
    }),
  },
  {
    name: 'header',
    carries: 'text',
    escapes: false,
    most: 6000,
    line: true,
    put: (carried) => ({ host, path: '/', fields: { accept: '*/*', 'X-Note': carried.toString('latin1') } }),
  },
  {
    name: 'cookie',
    carries: 'text',
    escapes: true,
    most: 4000,
    put: (carried, random) => ({
      host,
      path: '/',
      fields: { Cookie: `theme=dark; id=${component(carried)}; n=${random(900)}` },
    }),
  },
  {
    name: 'JSON body',
    carries: 'text',
    escapes: true,
    put: (carried, random) => ({ host, path: '/v1/chat', body: json(carried, random) }),
  },
  {
    name: 'form body',
    carries: 'text',
    escapes: true,
    put: (carried) => ({ host, path: '/form', body: latin1(`a=1&note=${formValue(carried)}&b=two`) }),
  },
  {
    name: 'multipart file',
    carries: 'any',
    escapes: false,
    put: (carried, random) => ({ host, path: '/upload', body: multipart('notes.txt', carried, random) }),
  },
  {
    name: 'XML body',
    carries: 'text',
    escapes: true,
    put: (carried) => ({
      host,
      path: '/soap',
      body: latin1(
        `<?xml version="1.0"?>\n<m:e xmlns:m="urn:x"><m:v>${xml(carried.toString('latin1'))}</m:v></m:e>`,
      ),
    }),
  },
  {
    name: 'bytes around it',
    carries: 'any',
    escapes: false,
    put: (carried, random) => ({
      host,
      path: '/rpc',
      body: Buffer.concat([noise(700, random), EDGE, carried, EDGE, noise(400, random)]),
    }),
  },
  {
    name: 'stream with random cuts',
    carries: 'any',
    escapes: false,
    most: 1200,
    put: (carried, random) => ({
      host,
      path: '/stream',
      chunked: true,
      body: Buffer.concat([
        latin1(`${prose(random)}\n`.repeat(1 + random(60))),
        EDGE,
        carried,
        EDGE,
        latin1(prose(random).repeat(30)),
      ]),
    }),
  },
  {
    name: 'Content-Encoding',
    carries: 'text',
    escapes: true,
    put: (carried, random) => {
      const [coding, pack] = CODINGS[random(CODINGS.length)] ?? CODINGS[0]
      return {
        host,
        path: '/v1/batch',
        fields: { 'Content-Encoding': coding },
        body: pack(json(carried, random)),
      }
    },
  },
]

/** Stands beside the value in binary formats. */
const EDGE = Buffer.from([0, 0, 1, 3])

const WORDS = 'the build of this branch fails since we moved every parser into one folder'.split(' ')
export const prose = (random: Random): string =>
  Array.from({ length: 9 }, () => WORDS[random(WORDS.length)]).join(' ')

const HEX = '0123456789abcdef'

export function multipart(name: string, content: Buffer, random: Random): Buffer {
  const boundary = `----WebKitFormBoundary${signs('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 16, random)}`
  return Buffer.concat([
    latin1(
      `--${boundary}\r\nContent-Disposition: form-data; name="id"\r\n\r\n${signs(HEX, 24, random)}\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    ),
    content,
    latin1(`\r\n--${boundary}--\r\n`),
  ])
}

/** Whether this place can hold a text that is written so. */
export function fits(
  place: Place,
  carried: Buffer,
  encoding: { readonly name: string; readonly binary?: boolean; readonly deepest?: boolean },
): boolean {
  if (encoding.binary === true && place.carries !== 'any') return false
  if (encoding.deepest === true && place.escapes) return false
  if (place.line === true && /[\r\n]/.test(carried.toString('latin1'))) return false
  return carried.length <= (place.most ?? Infinity)
}

export const seededRandom = (...parts: readonly (string | number)[]): Random => seeded(parts.join(' '))
