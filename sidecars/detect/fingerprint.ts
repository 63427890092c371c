/**
 * Known secrets without the secrets. A value is reduced to fingerprints, one per form in which it could be written; a
 * scanner that has them recognises the value and cannot give it away. Comparison is on squashed text: ASCII letters and
 * digits only, letters in lower case, so that separators, white space, zero-width characters and changes of case make
 * no difference.
 */
import { createHmac } from 'node:crypto'
import { base64Core, htmlEscaped } from './spelling.ts'

export interface Fingerprint {
  /** Which secret; never its value. */
  readonly id: string
  /** What finding it is reported as. */
  readonly rule: string
  /** How it was written: `raw`, `hex`, `base64`, … */
  readonly form: string
  /** Squashed bytes of the whole form. */
  readonly length: number
  /** 16 bits of the four squashed bytes (`glimpseOf`) that end so many before its end. */
  readonly glimpses: readonly number[]
  /** Hash of the last `WINDOW` squashed bytes. */
  readonly tail: number
  /** Hash of all of them: most chance hits on `tail` end here. */
  readonly whole: number
  /** HMAC-SHA-256 under the key of the set, first 16 bytes, hex. */
  readonly digest: string
}

/** Squashed bytes that are hashed at each place. Shorter forms are not looked for: they occur by chance. */
export const WINDOW = 10
const MULTIPLIER = 0x01000193

/** What a byte is in squashed text; 0: nothing. */
export const SQUASHED: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = byte >= 48 && byte <= 57
  const lower = byte >= 97 && byte <= 122
  const upper = byte >= 65 && byte <= 90
  return digit || lower ? byte : upper ? byte | 32 : 0
})

/** Of four squashed bytes, the last one lowest. */
export const glimpseOf = (four: number): number => Math.imul(four, 0x9e3779b1) >>> 16

const step = (hash: number, byte: number): number => (Math.imul(hash, MULTIPLIER) + byte) | 0

export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0
  for (let at = from; at < to; at++) hash = step(hash, bytes[at] ?? 0)
  return hash
}

export function digestOf(key: Buffer, squashed: Uint8Array): string {
  return createHmac('sha256', key).update(squashed).digest('hex').slice(0, 32)
}

export function squash(text: Uint8Array): Buffer {
  const squashed = Buffer.alloc(text.length)
  let length = 0
  for (const byte of text) {
    const kept = SQUASHED[byte] ?? 0
    if (kept !== 0) squashed[length++] = kept
  }
  return squashed.subarray(0, length)
}

/** One value as a set of fingerprints; none for a value of fewer than `WINDOW` letters and digits. */
export function fingerprints(
  key: Buffer,
  id: string,
  value: string,
  rule = `secret/${id}`,
): readonly Fingerprint[] {
  const found = new Map<string, Fingerprint>()
  const raw = Buffer.from(value)
  if (squash(raw).length < WINDOW) return []
  const add = (form: string, text: Uint8Array): void => {
    const squashed = squash(text)
    const { length } = squashed
    if (length < WINDOW) return
    const digest = digestOf(key, squashed)
    if (found.has(digest)) return
    const tail = hashOf(squashed, length - WINDOW, length)
    const glimpses = [0, 1, 2, 3].map((before) => glimpseOf(squashed.readInt32BE(length - before - 4)))
    found.set(digest, { id, rule, form, length, glimpses, tail, whole: hashOf(squashed, 0, length), digest })
  }
  for (const [form, text] of formsOf(raw)) {
    add(form, text)
    add(`${form}, reversed`, Buffer.from(text).reverse())
  }
  return [...found.values()]
}

/**
 * One layer of encoding, as text. What survives squashing alike is one form: both base64 alphabets, padding, percent
 * escapes of every byte and delimited hexadecimal.
 */
export function formsOf(raw: Buffer): readonly (readonly [string, Buffer])[] {
  const value = raw.toString()
  const text = (form: string, encoded: string) => [form, Buffer.from(encoded)] as const
  const percent = encodeURIComponent(value)
  const json = JSON.stringify(value).slice(1, -1)
  const bytes = [...raw]
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'))
  const wide = Buffer.from(value, 'utf16le')
  return [
    ['raw', raw],
    text('hex', hex.join('')),
    text('hex with x', hex.map((byte) => `x${byte}`).join('')),
    text('hex with 0x', hex.map((byte) => `0x${byte}`).join('')),
    text('decimal', bytes.join(',')),
    text('octal', bytes.map((byte) => byte.toString(8).padStart(3, '0')).join('')),
    text('binary', bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('')),
    text('percent', percent),
    text('double percent', encodeURIComponent(percent)),
    text('percent of every byte, twice', hex.map((byte) => `%25${byte}`).join('')),
    text('json', json),
    text('json, twice', JSON.stringify(json).slice(1, -1)),
    text('unicode escapes', hex.map((byte) => `u00${byte}`).join('')),
    text('html', htmlEscaped(value)),
    ...[0, 1, 2].map((shift) => text('base64', base64Core(raw, shift))),
    ...[0, 1, 2].map((shift) => text('base64 of UTF-16', base64Core(wide, shift))),
    ...[0, 1, 2, 3, 4].map((shift) => text('base32', base32Core(raw, shift))),
    text('hex of UTF-16', wide.toString('hex')),
    text('hex of UTF-16, big end first', Buffer.from(wide).swap16().toString('hex')),
    text('rot13', rot13(value)),
  ]
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

function base32Core(raw: Buffer, shift: number): string {
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of Buffer.concat([Buffer.alloc(shift), raw])) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(held >> bits) & 31] ?? ''
    }
  }
  return text.slice(Math.ceil((shift * 8) / 5))
}

const rot13 = (text: string): string =>
  text.replaceAll(/[a-z]/gi, (letter) => {
    const code = letter.charCodeAt(0)
    const base = code & 96
    return String.fromCharCode(((code - base + 12) % 26) + 1 + base)
  })
