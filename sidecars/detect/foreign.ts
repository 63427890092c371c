/**
 * Secrets that are kept elsewhere: this process recognises them and never held them. What is told of a value must not
 * give it back to whoever reads this memory, key included. Every window that is hashed can be tried out, so a print
 * has one short window at the end of a form and nothing between it and a keyed digest of the whole: besides its last few
 * characters a value is as safe as it is long, which is why short ones are not told at all.
 */
import type { ForeignPrint, NamedPrint } from '../../src/model/known.ts'
import { digestOf, formsOf, glimpseOf, hashOf, squash } from './fingerprint.ts'

/** Squashed bytes at the end of a form that can be tried out. */
export const FOREIGN_WINDOW = 6
/** Letters and digits of a value that is told: beyond the window enough that nobody can try out. */
export const FOREIGN_MIN = 20

/** Without the spellings whose ends would tell several places of a value. */
const TOLD: ReadonlySet<string> = new Set(['raw', 'hex', 'percent', 'json', 'base64', 'base32'])

/** None for a value that is too short to be told. */
export function foreignPrints(key: Buffer, value: string): readonly ForeignPrint[] {
  const raw = Buffer.from(value)
  if (squash(raw).length < FOREIGN_MIN) return []
  const prints = new Map<string, ForeignPrint>()
  for (const [form, text] of formsOf(raw)) {
    if (!TOLD.has(form)) continue
    const squashed = squash(text)
    const { length } = squashed
    const digest = digestOf(key, squashed)
    const glimpse = glimpseOf(squashed.readInt32BE(length - 4))
    if (!prints.has(digest))
      prints.set(digest, { length, glimpse, tail: hashOf(squashed, length - FOREIGN_WINDOW, length), digest })
  }
  return [...prints.values()]
}

/** What names a value to whoever has the key and the value: the digest of its first print. */
export const foreignDigest = (key: Buffer, value: string): string =>
  foreignPrints(key, value)[0]?.digest ?? ''

/** Finds the print that ends at a place of squashed text. */
export class ForeignSecrets {
  readonly #key: Buffer
  readonly #byTail = new Map<number, NamedPrint[]>()

  constructor(key: Buffer, prints: readonly NamedPrint[]) {
    this.#key = key
    for (const one of prints) {
      const same = this.#byTail.get(one.tail)
      if (same) same.push(one)
      else this.#byTail.set(one.tail, [one])
    }
  }

  at(squashed: Uint8Array, end: number): NamedPrint | undefined {
    if (end < FOREIGN_WINDOW) return undefined
    return this.#byTail
      .get(hashOf(squashed, end - FOREIGN_WINDOW, end))
      ?.find(
        ({ length, digest }) =>
          end >= length && digestOf(this.#key, squashed.subarray(end - length, end)) === digest,
      )
  }
}
