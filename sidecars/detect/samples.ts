/**
 * Writes the samples of shapes out. Stored are parts with templates, so that no token, real or alike, stands in the
 * repository; what stands for a template depends on a seed alone.
 *
 * `{base62:36}` and the other alphabets: so many signs. `{crc32:30}`: so many signs of base62 and their checksum.
 * `{base64-of:…}`: the text, templates in it written out, in base64url. The others: see `template`.
 */
import { bech32Checksum, crc32, crc32Base62 } from './checksum.ts'

const DIGITS = '0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const ALPHABETS: Readonly<Record<string, string>> = {
  digit: DIGITS,
  hex: `${DIGITS}abcdef`,
  HEX: `${DIGITS}ABCDEF`,
  lower: LOWER,
  alpha: LOWER + UPPER,
  lower36: DIGITS + LOWER,
  upper36: DIGITS + UPPER,
  base32: `${UPPER}234567`,
  base62: DIGITS + UPPER + LOWER,
  base64: `${DIGITS}${UPPER}${LOWER}+/`,
  base64url: `${DIGITS}${UPPER}${LOWER}-_`,
}
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** Whole numbers from 0 to below `limit`, the same ones for the same seed. */
export type Random = (limit: number) => number

export function seeded(seed: string): Random {
  let state = crc32(seed)
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

export function signs(alphabet: string, length: number, random: Random): string {
  let text = ''
  for (let index = 0; index < length; index++) text += alphabet[random(alphabet.length)]
  return text
}

export function writeSample(parts: readonly string[], random: Random): string {
  const text = parts.join('')
  let written = ''
  let from = 0
  for (const { index, 0: opening, 1: name = '' } of text.matchAll(/\{([A-Za-z][\w-]*):/g)) {
    if (index < from) continue
    const end = closing(text, index)
    written += text.slice(from, index) + template(name, text.slice(index + opening.length, end), random)
    from = end + 1
  }
  return written + text.slice(from)
}

/** Where the brace that opens at `from` is closed. */
function closing(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth += 1
    if (text[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  throw new RangeError(`open template in ${text}`)
}

function template(name: string, argument: string, random: Random): string {
  const alphabet = ALPHABETS[name]
  if (alphabet !== undefined) return signs(alphabet, Number(argument), random)
  const base62 = (length: number) => signs(ALPHABETS['base62'] ?? '', length, random)
  switch (name) {
    case 'crc32': {
      const body = base62(Number(argument))
      return body + crc32Base62(body)
    }
    case 'base64-of':
      return Buffer.from(writeSample([argument], random)).toString('base64url')
    case 'padded-base64-of':
      return Buffer.from(writeSample([argument], random)).toString('base64')
    // The sixteen signs after the prefix of a key id, with an account of twelve digits in them.
    case 'aws':
      return awsKeyId(random)
    // Fifty-two signs of data and six of checksum, for this prefix.
    case 'bech32-data': {
      const data = signs(BECH32, 52, random)
      return (data + bech32Checksum(argument, data)).toUpperCase()
    }
    // A number of so many digits, in base64.
    case 'snowflake':
      return Buffer.from(`1${signs(DIGITS, Number(argument) - 1, random)}`).toString('base64url')
    // So many signs of base64: a sequence in DER, of a version and the rest.
    case 'der': {
      const rest = Array.from({ length: Number(argument) }, () => random(256))
      return Buffer.from([0x30, 0x82, 0x04, 0xa3, 0x02, 0x01, 0x00, ...rest])
        .toString('base64')
        .slice(0, Number(argument))
    }
    default:
      throw new RangeError(`no template ${name}`)
  }
}

function awsKeyId(random: Random): string {
  const base32 = ALPHABETS['base32'] ?? ''
  const account = BigInt(Number(signs('123456789', 12, random)))
  const head = (1n << 49n) | (account << 9n) | BigInt(random(512))
  const places = Array.from({ length: 10 }, (_, place) => Number((head >> BigInt(5 * (9 - place))) & 31n))
  return places.map((place) => base32[place]).join('') + signs(base32, 6, random)
}
