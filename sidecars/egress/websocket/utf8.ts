/** UTF-8 over pieces: the characters of a text may be cut anywhere, by fragments and by reads. */
import { isUtf8 } from 'node:buffer'

const MASK = 42
const EMPTY = Buffer.alloc(0)

/** Tells whether the pieces of one text are well-formed so far; the last may end inside a character. */
export class Utf8Check {
  #open = EMPTY

  /** False as soon as no continuation could make the text well-formed. */
  push(piece: Buffer): boolean {
    const text = joined(this.#open, piece)
    const cut = text.length - openLength(text)
    this.#open = cut === text.length ? EMPTY : Buffer.from(text.subarray(cut))
    return isUtf8(text.subarray(0, cut))
  }

  /** Whether the text ends at the end of a character. */
  get complete(): boolean {
    return this.#open.length === 0
  }
}

/** Keeps a text well-formed in which bytes were masked: what is left of a character is masked as well, in place. */
export class Utf8Mender {
  #open = EMPTY

  push(piece: Buffer): Buffer {
    const text = joined(this.#open, piece)
    const cut = text.length - openLength(text)
    this.#open = cut === text.length ? EMPTY : Buffer.from(text.subarray(cut))
    return mended(text.subarray(0, cut))
  }

  end(): Buffer {
    const rest = this.#open
    this.#open = EMPTY
    return rest.fill(MASK)
  }
}

export function mended(text: Buffer): Buffer {
  if (isUtf8(text)) return text
  let at = 0
  while (at < text.length) {
    const length = lengthOf(text[at] ?? 0)
    const end = at + length
    if (length > 0 && end <= text.length && isUtf8(text.subarray(at, end))) {
      at = end
      continue
    }
    text[at] = MASK
    at += 1
  }
  return text
}

const joined = (open: Buffer, piece: Buffer): Buffer =>
  open.length === 0 ? piece : Buffer.concat([open, piece])

/** Bytes at the end that begin a character which may still become one. */
function openLength(text: Buffer): number {
  for (let back = 1; back <= Math.min(3, text.length); back++) {
    const lead = text[text.length - back] ?? 0
    if ((lead & 0xc0) === 0x80) continue
    return lengthOf(lead) > back && mayBegin(lead, back > 1 ? text[text.length - back + 1] : undefined)
      ? back
      : 0
  }
  return 0
}

/** Length of the character a byte leads; 0 for a byte that leads none (RFC 3629, 4). */
function lengthOf(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}

/** Second bytes that no character has: overlong forms, surrogates, what is above U+10FFFF. */
function mayBegin(lead: number, second: number | undefined): boolean {
  if (second === undefined) return true
  if (lead === 0xe0) return second >= 0xa0
  if (lead === 0xed) return second < 0xa0
  if (lead === 0xf0) return second >= 0x90
  return lead !== 0xf4 || second < 0x90
}
