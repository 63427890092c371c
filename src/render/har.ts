/**
 * Traffic of one bottle as HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), from the audit. What the audit
 * does not hold (fields, queries, bodies) is left out as the format allows: empty lists, and sizes of -1.
 */

/** One exchange, or a refusal, as the audit tells it. */
export interface AuditedExchange {
  /** ISO 8601, when it was told: at its end. */
  readonly at: string
  readonly decision: 'allowed' | 'refused' | 'failed'
  readonly rule?: string
  readonly scheme?: 'https' | 'http'
  /** Empty: the request named none that could be read. */
  readonly host: string
  readonly port: number
  readonly method?: string
  readonly path?: string
  readonly status?: number
  readonly bytesOut?: number
  readonly bytesIn?: number
  readonly ms?: number
  readonly closeCode?: number
  readonly finding?: string
  readonly generation?: number
}

export interface HarSource {
  readonly bottle: string
  readonly version: string
  readonly exchanges: readonly AuditedExchange[]
  /** What is not in it, in words. */
  readonly comments: readonly string[]
}

export function harOf({ bottle, version, exchanges, comments }: HarSource): object {
  const named = exchanges.filter(({ host }) => host !== '')
  const left = exchanges.length - named.length
  const said = [
    `egress of ${bottle}`,
    'from its audit: no fields, queries and bodies',
    ...(left > 0 ? [`${left} refused without a host`] : []),
    ...comments,
  ]
  return {
    log: {
      version: '1.2',
      creator: { name: 'bot-bottle', version },
      entries: named
        .map(entryOf)
        .sort((a, b) => Date.parse(a.startedDateTime) - Date.parse(b.startedDateTime)),
      comment: said.join('; '),
    },
  }
}

function entryOf(exchange: AuditedExchange) {
  const { at, ms = 0, method = 'CONNECT', status = 0, bytesOut = -1, bytesIn = -1 } = exchange
  const { decision, rule, finding, generation, closeCode } = exchange
  return {
    startedDateTime: new Date(Date.parse(at) - ms).toISOString(),
    time: ms,
    request: {
      method,
      url: urlOf(exchange),
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [],
      queryString: [],
      headersSize: -1,
      bodySize: bytesOut,
    },
    response: {
      status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [],
      content: { size: Math.max(0, bytesIn), mimeType: 'x-unknown' },
      redirectURL: '',
      headersSize: -1,
      bodySize: bytesIn,
    },
    cache: {},
    timings: { send: 0, wait: ms, receive: 0 },
    comment: [decision, rule, finding, closeCode === undefined ? undefined : `closed ${closeCode}`]
      .filter((word) => word !== undefined)
      .join(' '),
    _decision: decision,
    ...(rule !== undefined && { _rule: rule }),
    ...(finding !== undefined && { _finding: finding }),
    ...(generation !== undefined && { _generation: generation }),
  }
}

function urlOf({ scheme, host, port, path = '/' }: AuditedExchange): string {
  const spoken = scheme ?? (port === 80 ? 'http' : 'https')
  const named = port === (spoken === 'https' ? 443 : 80) || port === 0 ? host : `${host}:${port}`
  // Of a path, what no URL may hold; the rest stands as it was sent.
  const escaped = path.replaceAll(/[^\x21-\x7e]|["<>\\^`{|}#]/gu, (sign) =>
    encodeURIComponent(sign.toWellFormed()),
  )
  return `${spoken}://${named}${escaped}`
}
