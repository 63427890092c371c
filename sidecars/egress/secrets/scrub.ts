/**
 * Masks credentials in what comes back, in place and of equal length, so that framing stays as it is. Streams: held
 * back is the last run of bytes of the classes that forms are made of, whether or not it looks like one, so that the
 * moment at which a byte goes on tells nothing about a credential. Nothing is let go because time has passed: an
 * upstream that pauses inside a credential would get its first half out.
 * Work is linear: a table over pairs of bytes skips what cannot be inside any form (Wu and Manber).
 */
import { alphabetOf } from './classes.ts'
import { formsOf } from './forms.ts'
import type { Form } from './forms.ts'

const MASK = 42
const PAIRS = 65_536

export interface Credentialed {
  readonly value: string
  /** Header values rendered from it. */
  readonly rendered: readonly string[]
}

export class Matcher {
  readonly #forms: readonly Form[]
  /** Shortest form, bytes: the window of the search. */
  readonly #shortest: number
  readonly #longest: number
  readonly #shift: Uint8Array
  /** Forms by the pair of bytes at the end of their window. */
  readonly #byPair = new Map<number, Form[]>()
  /** 1 for a byte that may stand inside a form. */
  readonly #alphabet: Uint8Array

  constructor(credentials: readonly Credentialed[]) {
    this.#forms = credentials.flatMap(({ value, rendered }) => formsOf(value, rendered))
    const lengths = this.#forms.map(({ bytes }) => bytes.length)
    this.#shortest = Math.min(255, ...lengths)
    this.#longest = Math.max(0, ...lengths)
    this.#shift = new Uint8Array(PAIRS).fill(Math.max(1, this.#shortest - 1))
    this.#alphabet = alphabetOf(this.#forms.map(({ bytes }) => bytes))
    for (const form of this.#forms) this.#enter(form)
  }

  get empty(): boolean {
    return this.#forms.length === 0
  }

  /** Masks whole forms that begin before `until` in place; returns whether there was one. */
  mask(bytes: Buffer, until = bytes.length): boolean {
    const window = this.#shortest
    const shift = this.#shift
    const last = Math.min(bytes.length, until + window - 1)
    let found = false
    let end = window - 1
    while (end < last) {
      const pair = ((bytes[end - 1] ?? 0) << 8) | (bytes[end] ?? 0)
      const step = shift[pair] ?? 1
      if (step > 0) {
        end += step
        continue
      }
      const start = end - window + 1
      for (const form of this.#byPair.get(pair) ?? []) {
        if (!matchesAt(bytes, start, form, form.bytes.length)) continue
        bytes.fill(MASK, start, start + form.bytes.length)
        found = true
        break
      }
      end += 1
    }
    return found
  }

  /**
   * How many bytes at the end of a stream are held back: its last run of the alphabet, at most one less than the
   * longest form. `held`: how many were before this piece.
   */
  tailOf(piece: Buffer, held: number): number {
    const most = Math.max(0, this.#longest - 1)
    const first = Math.max(0, piece.length - most)
    let at = piece.length
    while (at > first && this.#alphabet[piece[at - 1] ?? 0] === 1) at--
    const run = piece.length - at
    return at === 0 ? Math.min(most, held + run) : run
  }

  /** A short text with every form masked. */
  maskText(text: string): string {
    if (this.empty || text.length < this.#shortest) return text
    const bytes = Buffer.from(text, 'latin1')
    return this.mask(bytes) ? bytes.toString('latin1') : text
  }

  #enter(form: Form): void {
    const window = this.#shortest
    for (let at = 1; at < window; at++) {
      for (const [one, two] of caseVariants(form, at - 1)) {
        const pair = (one << 8) | two
        this.#shift[pair] = Math.min(this.#shift[pair] ?? 0, window - 1 - at)
        if (at !== window - 1) continue
        const forms = this.#byPair.get(pair) ?? []
        // The longest first: a form may begin with another.
        this.#byPair.set(
          pair,
          [...forms, form].sort((a, b) => b.bytes.length - a.bytes.length),
        )
      }
    }
  }
}

/** The stream through a matcher; pieces go in and out in order. */
export class Scrubber {
  readonly #matcher: Matcher
  #held: Buffer | undefined

  constructor(matcher: Matcher) {
    this.#matcher = matcher
  }

  /** What may go on now; may be empty. */
  push(piece: Buffer): Buffer {
    const tail = this.#matcher.tailOf(piece, this.#held?.length ?? 0)
    const bytes = this.#held === undefined ? piece : Buffer.concat([this.#held, piece])
    const cut = bytes.length - tail
    // A form that begins before the cut ends within these bytes; one that begins behind it is looked for when it goes.
    this.#matcher.mask(bytes, cut)
    this.#held = tail === 0 ? undefined : Buffer.from(bytes.subarray(cut))
    return bytes.subarray(0, cut)
  }

  /** What is left, with a last piece where its end is known when it comes. */
  end(last: Buffer = NOTHING): Buffer {
    const rest = this.#held === undefined ? last : Buffer.concat([this.#held, last])
    this.#held = undefined
    this.#matcher.mask(rest)
    return rest
  }
}

const NOTHING = Buffer.alloc(0)

function matchesAt(bytes: Buffer, start: number, form: Form, length: number): boolean {
  if (start + length > bytes.length) return false
  for (let at = 0; at < length; at++) {
    const one = bytes[start + at] ?? 0
    const two = form.bytes[at] ?? 0
    if (one !== two && !(form.folded && fold(one) === fold(two))) return false
  }
  return true
}

const fold = (byte: number): number => (byte >= 65 && byte <= 90 ? byte | 32 : byte)

/** The pairs of bytes a form may have at a place, in either case where case is folded. */
function caseVariants(form: Form, at: number): readonly (readonly [number, number])[] {
  const both = (byte: number): readonly number[] => {
    const lower = fold(byte)
    return form.folded && lower >= 97 && lower <= 122 ? [lower, lower & ~32] : [byte]
  }
  const twos = both(form.bytes[at + 1] ?? 0)
  return both(form.bytes[at] ?? 0).flatMap((one) => twos.map((two) => [one, two] as const))
}
