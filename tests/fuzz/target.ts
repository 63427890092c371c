import { seeded } from '../../sidecars/detect/samples.ts'
import type { Random } from '../../sidecars/detect/samples.ts'

/** One parser under fire. */
export interface Target {
  readonly name: string
  /** Well-formed, or nearly: what it is mutated from. The same for the same chance. */
  readonly grammar: (random: Random) => Buffer
  /** What is put in by mutation, beside single bytes. */
  readonly words: readonly string[]
  /** Reads it and says in a word how that ended. Whatever it throws is a bug: what a parser may refuse is caught here. */
  readonly run: (bytes: Buffer) => string | Promise<string>
  /** Ends that must be seen: fire that only ever hits the first check proves nothing. */
  readonly ends: readonly string[]
  /** Texts of any length, built to be costly: by the number of repetitions. Time may grow no faster than length. */
  readonly costly: readonly ((repeat: number, random: Random) => Buffer)[]
}

export function oneOf<T>(random: Random, values: readonly T[]): T {
  const value = values[random(values.length)]
  if (value === undefined) throw new Error('nothing to choose from')
  return value
}

/** The same for the same beginning, so that an input fails alike wherever it is read, and a longer one is cut alike. */
export const chanceOf = (bytes: Buffer): Random => seeded(bytes.toString('latin1', 0, 64))

/** The same pieces for the same chance. */
export function pieces(random: Random, bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = []
  const most = oneOf(random, [1, 3, 17, 200, 5000])
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random(most)
    // Readers own what they are fed.
    found.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return found
}

export function must(holds: boolean, message: string): void {
  if (!holds) throw new Error(message)
}

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
