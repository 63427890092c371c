/**
 * Heads of messages, read and parsed strictly: CRLF only, no folding, no space before the colon, no NUL, no empty
 * first line. What this file accepts has one reading; everything else is `Malformed`.
 */
import { controls } from './controls.ts'
import type { DoorLimits } from './limits.ts'
import type { Wire } from './wire.ts'

export interface Field {
  /** As it was written. */
  readonly name: string
  /** Lower-case. */
  readonly key: string
  readonly value: string
}

export interface Head {
  readonly startLine: string
  readonly fields: readonly Field[]
}

export class Malformed extends Error {
  override readonly name = 'Malformed'
  readonly tooLarge: boolean
  constructor(message: string, tooLarge = false) {
    super(message)
    this.tooLarge = tooLarge
  }
}

const END = Buffer.from('\r\n\r\n')
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** A bare CR or LF, or a NUL: no reading of such a head is the only one. */
// oxlint-disable-next-line no-control-regex
const AMBIGUOUS_BYTE = /\u0000|[^\r]\n|\r(?=[^\n])/

/**
 * The next head; `undefined` when the peer ended before its first byte. From that byte on it has `headMs`, then
 * `onLate` is called. Throws Malformed, WireClosed.
 */
export async function readHead(
  wire: Wire,
  limits: DoorLimits,
  onLate?: () => void,
): Promise<Head | undefined> {
  let bytes = await wire.read()
  if (bytes === null) return undefined
  wire.deadline = Date.now() + limits.headMs
  if (onLate) wire.onDeadline = onLate
  let searched = 0
  // Twice what is needed: a head that comes byte by byte is not copied anew for each.
  let room: Buffer = bytes
  for (;;) {
    const at = bytes.indexOf(END, Math.max(0, searched - 3))
    if (at !== -1 && at <= limits.headBytes) {
      wire.unread(bytes.subarray(at + END.length))
      return parseHead(bytes.toString('latin1', 0, at), limits)
    }
    if (bytes.length > limits.headBytes) throw new Malformed('head too large', true)
    if (
      controls.on('strict-framing') &&
      AMBIGUOUS_BYTE.test(bytes.toString('latin1', Math.max(0, searched - 1), bytes.length))
    )
      throw new Malformed('bare CR, LF or NUL')
    searched = bytes.length
    const more = await wire.read()
    if (more === null) throw new Malformed('head without an end')
    if (bytes.length + more.length > room.length) {
      room = Buffer.allocUnsafe(2 * (bytes.length + more.length))
      bytes.copy(room)
    }
    more.copy(room, bytes.length)
    bytes = room.subarray(0, bytes.length + more.length)
  }
}

function parseHead(text: string, limits: DoorLimits): Head {
  // A bare CR, LF or NUL stays in its line, and no grammar of a line takes one.
  const lines = text.split('\r\n')
  const startLine = lines[0] ?? ''
  if (startLine === '') throw new Malformed('empty first line')
  if (lines.length - 1 > limits.headFields) throw new Malformed('too many fields', true)
  const fields: Field[] = []
  for (let at = 1; at < lines.length; at++) fields.push(parseField(lines[at] ?? ''))
  return { startLine, fields }
}

/** In time proportional to the line: one class per pattern, the white space around a value cut by hand. */
export function parseField(line: string): Field {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(0, colon))
  let start = colon + 1
  let end = line.length
  while (start < end && isBlank(line, start)) start++
  while (end > start && isBlank(line, end - 1)) end--
  const value = line.slice(start, end)
  if (!FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) throw new Malformed('field is not well-formed')
  return { name, key: name.toLowerCase(), value }
}

const isBlank = (line: string, at: number): boolean => line[at] === ' ' || line[at] === '\t'

/** How the body of a message is delimited. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

const LOOK_ALIKE = /^(?:content[_-]length|transfer[_-]encoding)$/

/** Framing of a request, or of a response that may have a body. One Content-Length or one `chunked`, never both. */
export function framingOf(head: Head, version: '1.0' | '1.1', otherwise: 'none' | 'close'): Framing {
  const lengths: string[] = []
  const codings: string[] = []
  for (const { key, value } of head.fields) {
    if (key === 'content-length') lengths.push(value)
    else if (key === 'transfer-encoding') codings.push(value)
    else if (LOOK_ALIKE.test(key) && controls.on('strict-framing'))
      throw new Malformed('look-alike of a framing field')
  }
  if (controls.on('strict-framing')) {
    if (lengths.length + codings.length > 1) throw new Malformed('framed twice')
    if (codings.length === 1 && (codings[0]?.toLowerCase() !== 'chunked' || version === '1.0'))
      throw new Malformed('transfer coding')
  }
  if (codings.length > 0) return { kind: 'chunked' }
  const [length] = lengths
  if (length === undefined) return { kind: otherwise }
  if (!/^[0-9]{1,15}$/.test(length)) throw new Malformed('content length')
  return { kind: 'length', length: Number(length) }
}

const NONE: readonly string[] = []

/** Lower-case members of a comma-separated field, over all its lines. */
export function membersOf(fields: readonly Field[], key: string): readonly string[] {
  let members: string[] | undefined
  for (const field of fields) {
    if (field.key !== key) continue
    members ??= []
    for (const member of field.value.split(',')) members.push(member.trim().toLowerCase())
  }
  return members ?? NONE
}

export function valueOf(fields: readonly Field[], key: string): string | undefined {
  return fields.find((field) => field.key === key)?.value
}
