/**
 * Classes of bytes by which the scrubber decides what it holds back. They are fixed: what is held depends on which
 * classes the credentials of a bottle are made of, and on nothing else about them.
 */

/** In every token, and in every encoding that `forms.ts` makes: base64, hexadecimal, percent, JSON, HTML. */
const BASE = textClass('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~%&#;:@\\')

/** Each joins whole, and only where a form has a byte of it. Texts mostly end in the last four. */
const FURTHER: readonly ReadonlySet<number>[] = [
  textClass('!$*,?^|`'),
  textClass('"\'()<>[]{}'),
  textClass(' '),
  new Set([...range(0, 31), 127]),
  new Set(range(128, 255)),
]

/** A table of 256: 1 for each byte of a class that occurs in the texts. */
export function alphabetOf(texts: readonly Uint8Array[]): Uint8Array {
  const present = new Set(texts.flatMap((text) => [...text]))
  const classes = FURTHER.filter((members) => !members.isDisjointFrom(present))
  const alphabet = new Uint8Array(256)
  for (const members of [BASE, ...classes]) for (const byte of members) alphabet[byte] = 1
  return alphabet
}

function textClass(characters: string): ReadonlySet<number> {
  return new Set(Buffer.from(characters, 'latin1'))
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}
