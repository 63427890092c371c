/** Second line of defence: values that travelled in this run are taken out of every text that leaves it. */
import type { Secret } from '../model/secret.ts'

export interface Scrubber {
  learn(secret: Secret): void
  clean(text: string): string
}

/** Shorter values would blank out ordinary words. */
const SHORTEST = 6

export function secretScrubber(): Scrubber {
  const values = new Set<string>()
  return {
    learn(secret) {
      const value = secret.reveal()
      if (value.length >= SHORTEST) values.add(value)
    },
    clean(text) {
      let clean = text
      for (const value of [...values].sort((a, b) => b.length - a.length))
        clean = clean.replaceAll(value, '‹secret›')
      return clean
    },
  }
}
