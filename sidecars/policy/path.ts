/**
 * The readings of a raw path: every string some server could take it for. A path with one reading is canonical. With
 * several, all of them have to be allowed and none denied; one that could climb, or that means nothing, is refused.
 * The path itself is never rewritten: what was matched is what is sent.
 */
import { controls } from './controls.ts'

/** pchar and `/`, and what clients send unescaped though RFC 3986 would not have it. No `\`, `"`, `<`, `>`, `` ` ``, `#`, `?`. */
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/{}|[\]^]*$/
const QUERY = /^[\x21\x22\x24-\x7e]*$/
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[^%;/]+)*\/?$/
/** After decoding: controls, a second separator, and the bytes that only overlong UTF-8 starts with. */
// oxlint-disable-next-line no-control-regex
const DECODED_FORBIDDEN = /[\u0000-\u001f\u007f\\\u00c0\u00c1]/

/** The readings, the raw path first; `undefined` where the path is refused outright. */
export function readingsOf(rawPath: string): readonly string[] | undefined {
  if (!PATH.test(rawPath)) return undefined
  if (!controls.on('path-canonical') || PLAIN.test(rawPath)) return [rawPath]
  // `//host/…` is an authority to some, and an empty first segment means nothing.
  if (rawPath.startsWith('//')) return undefined
  const readings = new Set<string>()
  let text = rawPath
  // Twice: some servers decode again what a front end decoded already.
  for (let depth = 0; depth < 3; depth++) {
    if (!addReadings(text, readings)) return undefined
    const decoded = decode(text)
    if (decoded === undefined) return depth === 0 ? undefined : [...readings]
    if (decoded === text) return [...readings]
    text = decoded
  }
  // A third level of escapes serves no honest client.
  return undefined
}

export function isQuery(text: string): boolean {
  return QUERY.test(text)
}

/** Adds a text with and without empty segments and parameters; false where it climbs or holds what no path may. */
function addReadings(text: string, readings: Set<string>): boolean {
  if (DECODED_FORBIDDEN.test(text)) return false
  for (const segment of text.split('/')) {
    const name = segment.split(';', 1)[0]
    if (name === '.' || name === '..') return false
  }
  readings.add(text)
  const withoutParameters = text.replaceAll(/;[^/]*/g, '')
  for (const variant of [text, withoutParameters]) {
    readings.add(variant)
    readings.add(variant.replaceAll(/\/{2,}/g, '/'))
  }
  return true
}

/** Percent-decoded as latin1, one character a byte; `undefined` for a broken escape. */
function decode(text: string): string | undefined {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Name and value pairs of a raw query, decoded; what cannot be decoded stays as it is. */
export function queryPairs(rawQuery: string): readonly (readonly [string, string])[] {
  if (rawQuery === '') return []
  return rawQuery.split(/[&;]/).map((pair) => {
    const equals = pair.indexOf('=')
    return equals === -1
      ? [decodeForm(pair), '']
      : [decodeForm(pair.slice(0, equals)), decodeForm(pair.slice(equals + 1))]
  })
}

/** A name or value of a form or query. */
function decodeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return decode(spaced) ?? spaced
  }
}
