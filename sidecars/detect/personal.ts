/**
 * Personal and financial data, looked for where a manifest asks for it: payment cards, bank accounts, wallets. Each kind
 * has a checksum, and hits are few in ordinary text, but a number that is none may still look like a card: that is why
 * it is off by default.
 */
import { createHash } from 'node:crypto'
import { isBech32Address } from './checksum.ts'
import { WORDS } from './mnemonic-words.ts'

export type PersonalRule =
  | 'personal/card'
  | 'personal/iban'
  | 'personal/mnemonic'
  | 'personal/wallet'
  | 'personal/wallet-key'

export interface PersonalHit {
  readonly rule: PersonalRule
  readonly start: number
  readonly end: number
}

interface Kind {
  readonly rule: PersonalRule
  readonly pattern: RegExp
  readonly holds: (text: string) => boolean
}

/** Bytes of the longest of them; what ends nearer to the end of a piece may go on behind it. */
export const PERSONAL_LONGEST = 512

/** `last`: nothing follows. `before`: the byte in front. */
export function personalIn(bytes: Buffer, last = true, before = ''): readonly PersonalHit[] {
  const text = before + bytes.toString('latin1')
  const hits: PersonalHit[] = []
  for (const { rule, pattern, holds } of KINDS)
    for (const { 0: found, index } of text.matchAll(pattern))
      if (holds(found)) hits.push(hitOf(rule, index, found.length))
  for (const [start, end] of mnemonics(text)) hits.push(hitOf('personal/mnemonic', start, end - start))
  function hitOf(rule: PersonalRule, at: number, length: number): PersonalHit {
    return { rule, start: at - before.length, end: at - before.length + length }
  }
  return last ? hits : hits.filter(({ end }) => end <= bytes.length - PERSONAL_LONGEST)
}

// ── cards ───────────────────────────────────────────────────────────────────────────────────────

/** Numbers that networks and processors print in their documents. */
const TEST_CARDS: ReadonlySet<string> = new Set(
  `4111111111111111 4242424242424242 4012888888881881 4000056655665556 5555555555554444 5105105105105100 2223003122003222
   5200828282828210 378282246310005 371449635398431 6011111111111117 6011000990139424 3530111333300000 3566002020360505
   36227206271667 30569309025904 6200000000000005`.split(/\s+/),
)

/** Length and first digits of issuers (ISO/IEC 7812 and the networks' tables). */
function isIssued(digits: string): boolean {
  const two = Number(digits.slice(0, 2))
  const three = Number(digits.slice(0, 3))
  const four = Number(digits.slice(0, 4))
  switch (digits.length) {
    case 14:
      return two === 36 || two === 38 || two === 39 || (three >= 300 && three <= 305)
    case 15:
      return two === 34 || two === 37
    case 16:
      return (
        digits.startsWith('4') ||
        (two >= 51 && two <= 55) ||
        (four >= 2221 && four <= 2720) ||
        four === 6011 ||
        (three >= 644 && three <= 659) ||
        (four >= 3528 && four <= 3589) ||
        two === 62
      )
    default:
      return false
  }
}

function isCard(text: string): boolean {
  const digits = text.replaceAll(/[ -]/g, '')
  if (!isIssued(digits) || TEST_CARDS.has(digits) || /^(\d)\1+$/.test(digits.slice(1))) return false
  let sum = 0
  for (let at = digits.length - 1, double = false; at >= 0; at--, double = !double) {
    const digit = Number(digits[at]) * (double ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return sum % 10 === 0
}

// ── bank accounts ───────────────────────────────────────────────────────────────────────────────

/** Lengths by country (SWIFT, IBAN registry). */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FI FO GL NL SD FK',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU XK MN',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ OM SO TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'LY PT ST',
    26: 'IS TR',
    27: 'FR GR IT MC MR SM',
    28: 'AL AZ BY CY DO GT HU LB PL SV NI',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU YE',
    31: 'MT SC',
    32: 'LC',
    33: 'RU',
  }).flatMap(([length, countries]) =>
    countries.split(' ').map((country) => [country, Number(length)] as const),
  ),
)

function isIban(text: string): boolean {
  const plain = text.replaceAll(' ', '')
  if (IBAN_LENGTHS.get(plain.slice(0, 2)) !== plain.length) return false
  const moved = plain.slice(4) + plain.slice(0, 4)
  let rest = 0
  for (const sign of moved) {
    const value = Number.parseInt(sign, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

// ── wallets ─────────────────────────────────────────────────────────────────────────────────────

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The bytes of base58 with a checksum of double SHA-256; undefined where it does not hold. */
function base58Check(text: string): Buffer | undefined {
  let value = 0n
  for (const sign of text) value = value * 58n + BigInt(BASE58.indexOf(sign))
  const hex = value.toString(16)
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  const bytes = Buffer.concat([
    Buffer.alloc(zeros),
    Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'),
  ])
  if (bytes.length < 5) return undefined
  const content = bytes.subarray(0, -4)
  return sha256(sha256(content)).subarray(0, 4).equals(bytes.subarray(-4)) ? content : undefined
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

const KINDS: readonly Kind[] = [
  { rule: 'personal/card', pattern: /(?<![\w.-])[2-6](?:[ -]?\d){13,15}(?![\w-]|[.]\d)/g, holds: isCard },
  {
    rule: 'personal/iban',
    pattern: /(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)/g,
    holds: isIban,
  },
  {
    rule: 'personal/wallet',
    pattern: /(?<!\w)[13][1-9A-HJ-NP-Za-km-z]{25,34}(?!\w)/g,
    holds: (text) => base58Check(text)?.length === 21,
  },
  { rule: 'personal/wallet', pattern: /(?<!\w)bc1[02-9ac-hj-np-z]{11,71}(?!\w)/g, holds: isBech32Address },
  // An address of Ethereum has a checksum only where its letters are of both cases; fingerprints have capitals alone.
  {
    rule: 'personal/wallet',
    pattern: /(?<!\w)0x[0-9a-fA-F]{40}(?!\w)/g,
    holds: (text) => /[a-f]/.test(text.slice(2)),
  },
  {
    rule: 'personal/wallet-key',
    pattern: /(?<!\w)(?:5[1-9A-HJ-NP-Za-km-z]{50}|[KL][1-9A-HJ-NP-Za-km-z]{51})(?!\w)/g,
    holds: (text) => base58Check(text)?.[0] === 0x80,
  },
  {
    rule: 'personal/wallet-key',
    pattern: /(?<!\w)[xyzt]prv[1-9A-HJ-NP-Za-km-z]{107}(?!\w)/g,
    holds: (text) => base58Check(text)?.length === 78,
  },
]

// ── phrases ─────────────────────────────────────────────────────────────────────────────────────

/** By word; made when somebody asks. */
let places: ReadonlyMap<string, number> | undefined
const placeOf = (word: string): number | undefined =>
  (places ??= new Map(WORDS().map((one, place) => [one, place]))).get(word)
/** Numbers of words of a phrase, the longest first. */
const PHRASES = [24, 21, 18, 15, 12]
/** What may stand between two words of a phrase: white space, commas, quotes, numbers of a list. */
const BETWEEN = /^(?:[\s,;|"']|\\[nrt]|\d{1,2}[.:)]){1,12}$/

function* mnemonics(text: string): Generator<readonly [number, number]> {
  let run: { readonly place: number; readonly start: number; readonly end: number }[] = []
  for (const { 0: word, index } of text.matchAll(/(?<![A-Za-z])[a-z]{3,8}(?![A-Za-z])/g)) {
    const place = placeOf(word)
    const end = run.at(-1)?.end
    if (
      place === undefined ||
      (end !== undefined && !BETWEEN.test(text.slice(end, Math.min(index, end + 13))))
    )
      run = []
    if (place === undefined) continue
    run = [...run.slice(1 - (PHRASES[0] ?? 0)), { place, start: index, end: index + word.length }]
    const words = PHRASES.find(
      (count) => run.length >= count && isPhrase(run.slice(-count).map((one) => one.place)),
    )
    if (words === undefined) continue
    yield [run.at(-words)?.start ?? index, index + word.length]
    run = []
  }
}

/** BIP-39: eleven bits a word, the last of them a checksum of the others, one for each three words. */
function isPhrase(places: readonly number[]): boolean {
  // The same few words over and over are no key.
  if (new Set(places).size < places.length / 2) return false
  const bits = places.map((place) => place.toString(2).padStart(11, '0')).join('')
  const length = (bits.length * 32) / 33
  const entropy = Buffer.from(
    bits
      .slice(0, length)
      .match(/.{8}/g)
      ?.map((byte) => Number.parseInt(byte, 2)) ?? [],
  )
  const [first = 0] = sha256(entropy)
  return first.toString(2).padStart(8, '0').startsWith(bits.slice(length))
}
