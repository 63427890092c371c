/**
 * What an audit may say of a hit beside its rule: in which part of a head it stands, how long it is, and under which
 * encodings. Never a byte of it, nor a name that any hit reaches into.
 */
interface Place {
  readonly start: number
  readonly end: number
  /** Encodings undone on the way, outermost first. */
  readonly layers?: readonly string[]
}

/** `[40 bytes in base64 in gzip]`; absent where a hit has no extent. */
export function maskedExcerpt({ start, end, layers = [] }: Place): string | undefined {
  if (end <= start) return undefined
  const within = layers.toReversed().map((layer) => ` in ${layer}`)
  return `[${end - start} bytes${within.join('')}]`
}

/** `head`: host, target, then one line for each field, as `ScanInput.sent` has them. `hits`: all of it. */
export function headExcerpt(head: string, hit: Place, hits: readonly Place[]): string | undefined {
  const masked = maskedExcerpt(hit)
  return masked === undefined ? undefined : `${partOf(head, hit.start, hits)}: ${masked}`
}

function partOf(head: string, at: number, hits: readonly Place[]): string {
  const begin = head.lastIndexOf('\n', at - 1) + 1
  const line = head.slice(0, begin).split('\n').length - 1
  const named = (what: string, from: number, to: number): string => {
    const name = head.slice(from, to)
    const isShown = to < at && NAME.test(name) && !hits.some(({ start, end }) => start < to && end > from)
    return isShown ? `${what} ${name}` : what
  }
  if (line === 0) return 'host'
  if (line > 1) return named('header', begin, head.indexOf(':', begin))
  const query = head.indexOf('?', begin)
  if (query === -1 || at < query) return 'path'
  const parameter = head.lastIndexOf('&', at - 1)
  const from = Math.max(query, parameter) + 1
  return named('query', from, head.indexOf('=', from))
}

/** Of a field or a parameter; longer ones are nobody's honest name. */
const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,39}$/
