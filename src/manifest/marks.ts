/**
 * What a bottle's agent is given that is nobody's secret: placeholders and a canary. Both are derived from a key of
 * this installation and the bottle's name, so that they stay the same as long as the bottle does, differ between
 * bottles, and need no place of their own to be kept in.
 */
import type { Marks } from '../model/known.ts'

/** 32 bytes as hexadecimal, by what they are for; another text for every list of words. */
export type Derived = (...words: readonly string[]) => string

export interface Canary {
  readonly name: string
  readonly value: string
}

export interface BottleMarks extends Marks {
  readonly placeholders: Readonly<Record<string, string>>
  readonly canary: string
}

/** What every placeholder begins with, and how many digits follow. */
export const PLACEHOLDER = { begin: 'bot_bottle_placeholder_', digits: 32 } as const

/** Says what it is to whoever reads it in a bottle; no kind of token looks like it. */
export function placeholderOf(derived: Derived, stack: string, bottle: string, secret: string): string {
  return `${PLACEHOLDER.begin}${derived('placeholder', stack, bottle, secret).slice(0, PLACEHOLDER.digits)}`
}

const SUBJECTS = [
  'ARTIFACTS', 'BACKUP', 'BILLING', 'DEPLOY', 'INTERNAL', 'INVENTORY', 'LEDGER', 'METRICS',
  'PAYOUTS', 'RELEASE', 'REPORTING', 'SCHEDULER', 'STAGING', 'SYNC', 'TELEMETRY', 'VAULT',
] // prettier-ignore
const THINGS = ['ACCESS_KEY', 'ACCESS_TOKEN', 'API_KEY', 'API_TOKEN', 'AUTH_TOKEN', 'SECRET_KEY', 'SERVICE_TOKEN', 'SIGNING_KEY'] // prettier-ignore
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A token under a name that somebody who looks for tokens would take; `taken`: names that the manifest gives away. */
export function canaryOf(
  derived: Derived,
  stack: string,
  bottle: string,
  taken: ReadonlySet<string>,
): Canary {
  const bytes = Buffer.from(derived('canary', stack, bottle), 'hex')
  const value = [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')
  for (let attempt = 0; ; attempt++) {
    const [subject = 0, thing = 0] = Buffer.from(
      derived('canary name', stack, bottle, String(attempt)),
      'hex',
    )
    const name = `${SUBJECTS[subject % SUBJECTS.length]}_${THINGS[thing % THINGS.length]}`
    if (!taken.has(name)) return { name, value }
  }
}
