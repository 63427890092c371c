/** F-SEC: one canary per place where a secret is given, and a sweep that knows the forms in which one could come out. */
import { randomBytes } from 'node:crypto'

/** Token characters only, so that every authentication scheme takes it. */
export const canary = (slot: string): string => `bbcanary-${slot}-${randomBytes(12).toString('hex')}`

/** Forms of a value: as it is, reversed, hexadecimal, percent-encoded throughout, base64 at its three alignments. */
export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'latin1')
  const hex = bytes.toString('hex')
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  // What the neighbours of a value cannot change: whole groups of three bytes.
  const base64 = [0, 1, 2].map((skip) => {
    const whole = bytes.subarray(skip)
    return whole.subarray(0, whole.length - (whole.length % 3)).toString('base64')
  })
  return [value, value.split('').toReversed().join(''), hex, hex.toUpperCase(), percent, ...base64]
}

/** The names of the canaries whose value is in the text, in any of its forms. */
export function leaks(text: string | Buffer, canaries: Readonly<Record<string, string>>): readonly string[] {
  const haystack = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return Object.entries(canaries)
    .filter(([, value]) => formsOf(value).some((form) => haystack.includes(Buffer.from(form, 'latin1'))))
    .map(([slot]) => slot)
}
