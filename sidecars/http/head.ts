/**
 * Heads of messages, read and parsed strictly: CRLF only, no folding, no space before the colon, no NUL, no empty
 * first line. What this file accepts has one reading; everything else is `Malformed`.
 */
import { controls } from '../policy/controls.ts'
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
  const first = wire.take() ?? (await wire.read())
  return first === null ? undefined : headFrom(wire, first, limits, onLate)
}

/** The head that begins with a piece just read: at once where it ends in it. As `readHead` otherwise. */
export function headFrom(
  wire: Wire,
  first: Buffer,
  limits: DoorLimits,
  onLate?: () => void,
): Head | Promise<Head> {
  return endedHead(wire, first, 0, limits) ?? restOfHead(wire, first, limits, onLate)
}

/** The head where it ends in these bytes, of which those before `from` were searched; what follows is put back. */
function endedHead(wire: Wire, bytes: Buffer, from: number, limits: DoorLimits): Head | undefined {
  const at = bytes.indexOf(END, from)
  if (at === -1 || at > limits.headBytes) return undefined
  const end = at + END.length
  if (end < bytes.length) wire.unread(bytes.subarray(end))
  return parseHead(bytes.toString('latin1', 0, at), limits)
}

async function restOfHead(
  wire: Wire,
  first: Buffer,
  limits: DoorLimits,
  onLate: (() => void) | undefined,
): Promise<Head> {
  wire.deadline = Date.now() + limits.headMs
  if (onLate) wire.onDeadline = onLate
  let bytes = first
  let searched = 0
  // Twice what is needed: a head that comes byte by byte is not copied anew for each.
  let room: Buffer = bytes
  for (;;) {
    if (bytes.length > limits.headBytes) throw new Malformed('head too large', true)
    if (
      controls.on('strict-framing') &&
      AMBIGUOUS_BYTE.test(bytes.toString('latin1', Math.max(0, searched - 1), bytes.length))
    )
      throw new Malformed('bare CR, LF or NUL')
    searched = bytes.length
    const more = wire.take() ?? (await wire.read())
    if (more === null) throw new Malformed('head without an end')
    if (bytes.length + more.length > room.length) {
      room = Buffer.allocUnsafe(2 * (bytes.length + more.length))
      bytes.copy(room)
    }
    more.copy(room, bytes.length)
    bytes = room.subarray(0, bytes.length + more.length)
    const head = endedHead(wire, bytes, Math.max(0, searched - 3), limits)
    if (head !== undefined) return head
  }
}

function parseHead(text: string, limits: DoorLimits): Head {
  const first = lineEnd(text, 0)
  if (first === 0) throw new Malformed('empty first line')
  if (linesAfter(text, first) > limits.headFields) throw new Malformed('too many fields', true)
  const fields: Field[] = []
  // A bare CR, LF or NUL stays in its line, and no grammar of a line takes one.
  for (let end = first; end < text.length;) {
    const start = end + 2
    end = lineEnd(text, start)
    fields.push(fieldIn(text, start, end))
  }
  return { startLine: text.slice(0, first), fields }
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\r\n', from)
  return at === -1 ? text.length : at
}

function linesAfter(text: string, first: number): number {
  let lines = 0
  for (let end = first; end < text.length; end = lineEnd(text, end + 2)) lines++
  return lines
}

export const parseField = (line: string): Field => fieldIn(line, 0, line.length)

/** In time proportional to the line: one class for each byte of name and value, the white space around a value cut by hand. */
function fieldIn(text: string, from: number, until: number): Field {
  let colon = from
  let folds = false
  for (; colon < until; colon++) {
    const code = text.charCodeAt(colon)
    if (isNameByte(code)) folds ||= code >= 65 && code <= 90
    else break
  }
  if (colon === from || colon === until || text.charCodeAt(colon) !== 58) throw notWellFormed()
  let start = colon + 1
  let end = until
  while (start < end && isBlank(text, start)) start++
  while (end > start && isBlank(text, end - 1)) end--
  for (let at = start; at < end; at++) if (!isValueByte(text.charCodeAt(at))) throw notWellFormed()
  const name = text.slice(from, colon)
  return { name, key: folds ? name.toLowerCase() : name, value: text.slice(start, end) }
}

const notWellFormed = (): Malformed => new Malformed('field is not well-formed')
const isBlank = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t'

const NAME_BYTES = bytesOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/)
const VALUE_BYTES = bytesOf(/[\t\x20-\x7e\x80-\xff]/)
const isNameByte = (code: number): boolean => NAME_BYTES[code] === 1
const isValueByte = (code: number): boolean => VALUE_BYTES[code] === 1

function bytesOf(kind: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (kind.test(String.fromCharCode(code)) ? 1 : 0))
}

/** How the body of a message is delimited. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

const LOOK_ALIKE = /^(?:content[_-]length|transfer[_-]encoding)$/
const LOOK_ALIKE_LENGTHS = ['content-length'.length, 'transfer-encoding'.length]
const isLookAlike = (key: string): boolean => LOOK_ALIKE_LENGTHS.includes(key.length) && LOOK_ALIKE.test(key)

/** Framing of a request, or of a response that may have a body. One Content-Length or one `chunked`, never both. */
export function framingOf(head: Head, version: '1.0' | '1.1', otherwise: 'none' | 'close'): Framing {
  let lengths = 0
  let length: string | undefined
  let codings = 0
  let coding: string | undefined
  for (const { key, value } of head.fields) {
    if (key === 'content-length') {
      lengths++
      length ??= value
    } else if (key === 'transfer-encoding') {
      codings++
      coding ??= value
    } else if (isLookAlike(key) && controls.on('strict-framing'))
      throw new Malformed('look-alike of a framing field')
  }
  if (controls.on('strict-framing')) {
    if (lengths + codings > 1) throw new Malformed('framed twice')
    if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || version === '1.0'))
      throw new Malformed('transfer coding')
  }
  if (codings > 0) return { kind: 'chunked' }
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
