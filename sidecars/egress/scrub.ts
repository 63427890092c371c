/**
 * Masks credentials in what comes back, in place and of equal length, so that framing stays as it is. Streams: only
 * a tail that could be the beginning of a form is held back, so an event that ends in ordinary text is not delayed.
 * Work is linear: a table over pairs of bytes skips what cannot be inside any form (Wu and Manber).
 */
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
  readonly #first = new Uint8Array(256)

  constructor(credentials: readonly Credentialed[]) {
    this.#forms = credentials.flatMap(({ value, rendered }) => formsOf(value, rendered))
    const lengths = this.#forms.map(({ bytes }) => bytes.length)
    this.#shortest = Math.min(255, ...lengths)
    this.#longest = Math.max(0, ...lengths)
    this.#shift = new Uint8Array(PAIRS).fill(Math.max(1, this.#shortest - 1))
    for (const form of this.#forms) this.#enter(form)
  }

  get empty(): boolean {
    return this.#forms.length === 0
  }

  /** Masks whole forms in place; returns whether there was one. */
  mask(bytes: Buffer): boolean {
    const { length } = bytes
    const window = this.#shortest
    const shift = this.#shift
    let found = false
    let end = window - 1
    while (end < length) {
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

  /** How many bytes at the end could be the beginning of a form. */
  tailOf(bytes: Buffer): number {
    const { length } = bytes
    for (let start = Math.max(0, length - this.#longest + 1); start < length; start++) {
      if (this.#first[bytes[start] ?? 0] === 0) continue
      const available = length - start
      if (
        this.#forms.some((form) => form.bytes.length > available && matchesAt(bytes, start, form, available))
      )
        return available
    }
    return 0
  }

  /** A short text with every form masked. */
  maskText(text: string): string {
    if (this.empty || text.length < this.#shortest) return text
    const bytes = Buffer.from(text, 'latin1')
    return this.mask(bytes) ? bytes.toString('latin1') : text
  }

  #enter(form: Form): void {
    const window = this.#shortest
    for (const [one] of caseVariants(form, 0)) this.#first[one] = 1
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
    // A form that lies wholly in held bytes and piece is found: the tail is held as long as it may become one.
    const bytes = this.#held === undefined ? piece : Buffer.concat([this.#held, piece])
    this.#matcher.mask(bytes)
    const tail = this.#matcher.tailOf(bytes)
    this.#held = tail === 0 ? undefined : Buffer.from(bytes.subarray(bytes.length - tail))
    return tail === 0 ? bytes : bytes.subarray(0, bytes.length - tail)
  }

  end(): Buffer {
    const rest = this.#held ?? Buffer.alloc(0)
    this.#held = undefined
    return rest
  }
}

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
