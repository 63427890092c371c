/**
 * Where a private key ends that is found by its first line: at its last line, else where what keys are written with ends,
 * so that all of it can be masked. What is behind that has no mark of a key on it, and would not have been found alone.
 */
import type { Hit } from './look.ts'

/** Longer than a key of 16,384 bits as it stands in JSON within JSON. */
const KEY_MOST = 16 * 1024
/** Of a key in text, in JSON, in the lines of a program; no brace, so that a mask does not reach over objects. */
const TO_LAST_LINE = /[\w+/=\\\s"',:.()-]*?-----END [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----/y
const TO_LAST_SIGN = /(?:[A-Za-z0-9+/=\s]|\\+[nrt/])*/y

export const isKeyByFirstLine = ({ rule }: Hit): boolean => rule.startsWith('token/private-key-')

/** `undefined`: it may go on behind the text, or has no lines of base64. `goesOn`: more text follows. */
export function endOfKey(text: Buffer, { rule, end }: Hit, goesOn: boolean): number | undefined {
  if (rule === 'token/private-key-putty') return undefined
  const rest = text.toString('latin1', end, end + KEY_MOST)
  const length = matchedLength(TO_LAST_LINE, rest) ?? matchedLength(TO_LAST_SIGN, rest) ?? 0
  const isCut = length === rest.length && (goesOn || rest.length === KEY_MOST)
  return isCut && !rest.endsWith('-----') ? undefined : end + length
}

function matchedLength(pattern: RegExp, text: string): number | undefined {
  pattern.lastIndex = 0
  return pattern.exec(text)?.[0].length
}
