/**
 * Characters that look like ASCII, or like nothing, read as what they look like: compatibility forms (full-width,
 * mathematical, enclosed), letters of other scripts with the shape of a Latin one, marks above letters, invisible
 * characters and control bytes. Only where one stands beside a letter or digit as no word of a language has it.
 */
import type { Layer } from './reading.ts'
import { ALIKE as MARKED_ALIKE } from './marks.ts'
import type { Marks } from './marks.ts'
import { matching } from './view.ts'

/** Bytes around such a character that are read with it: longer than any shape or ordinary known form. */
const AROUND = 1536
/** Bytes on both sides by which text is told from bytes that are none. */
const NEAR = 16

export function* folded(bytes: Buffer, marks: Marks): Generator<Layer> {
  for (let at = nextTelling(bytes, marks, 0); at !== -1;) {
    const start = Math.max(0, at - AROUND)
    let last = at
    for (;;) {
      at = nextTelling(bytes, marks, at + 1)
      if (at === -1 || at - last > 2 * AROUND) break
      last = at
    }
    const end = Math.min(bytes.length, last + AROUND)
    const text = foldedText(bytes.toString('utf8', start, end))
    yield { encoding: 'look-alikes', bytes: Buffer.from(text), start, end, goesOn: end < bytes.length }
  }
}

function nextTelling(bytes: Uint8Array, marks: Marks, from: number): number {
  let at = nextSign(bytes, marks, from)
  while (at !== -1 && !isTelling(bytes, at)) at = nextSign(bytes, marks, at + 1)
  return at
}

export const foldedText = (text: string): string =>
  text
    .replaceAll(ENCLOSED, (sign) => enclosed(sign.codePointAt(0) ?? 0))
    .normalize('NFKC')
    .normalize('NFD')
    .replaceAll(BORDER, '\n')
    .replaceAll(INVISIBLE, '')
    .replaceAll(ALIKE, (sign) => ALIKES.get(sign) ?? sign)

// ── what looks like what ────────────────────────────────────────────────────────────────────────

/** Of Unicode's confusables (UTS 39), those that a reader takes for the Latin letter, digit or sign. */
const ALIKES: ReadonlyMap<string, string> = new Map(
  [
    // Cyrillic
    ['авеіјкӏмнорсԁһԛѕтуѵԝхԍ', 'abeijklmhopcdhqstyvwxg'],
    ['АВЕІЈКМНОРСԀԚЅТУѴԜХԌҺӀ', 'ABEIJKMHOPCDQSTYVWXGHl'],
    // Greek
    ['αγηικνορτυχωϲϳ', 'aynikvoptuxwcj'],
    ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ', 'ABEZHIKMNOPTYXCJ'],
    // Armenian
    ['օսհոցզյ', 'ouhngqj'],
    // Cherokee
    ['ᎠᎡᎢᎪᎫᎬᎳᎷᎻᏀᏃᏔᏙᏚᏞᏟᏢᏴᏦ', 'DRTAJEWMHGZWVSLCPBK'],
    // Latin: small capitals, and letters with a stroke, which are no letter and mark
    ['ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ', 'abcdefghijklmnoprstuvwyz'],
    ['ıȷɑɡłøđħŧƅɩʋ', 'ijaglodhtbiv'],
    ['ŁØĐĦŦ', 'LODHT'],
    // Digits of other scripts
    ['٠١٢٣٤٥٦٧٨٩', '0123456789'],
    ['۰۱۲۳۴۵۶۷۸۹', '0123456789'],
    ['०१२३४५६७८९', '0123456789'],
    // Signs of tokens
    ['‐‒–−⁃', '-----'],
    ['⁄∕', '//'],
  ].flatMap(([from = '', to = '']) => [...from].map((sign, index) => [sign, to[index] ?? sign] as const)),
)
const ALIKE = new RegExp(`[${[...ALIKES.keys()].join('')}]`, 'gu')

/** Marks, format and control characters, and whatever else is drawn as nothing. */
const INVISIBLE = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}[\p{Cc}--[\t\n\r]]]/gv

/** Several control bytes part what stands beside them, as in the formats of programs. */
const BORDER = /[\p{Cc}--[\t\n\r]]{2,}/gv

/** Letters in brackets, circles, squares and flags: those that NFKC leaves, or gives brackets. */
const ENCLOSED =
  /[\u249c-\u24b5\u{1f110}-\u{1f129}\u{1f150}-\u{1f169}\u{1f170}-\u{1f189}\u{1f1e6}-\u{1f1ff}]/gu
const ENCLOSED_ONE = new RegExp(ENCLOSED.source, 'u')
const ENCLOSED_FROM = [0x1f1e6, 0x1f170, 0x1f150, 0x1f110, 0x249c]

function enclosed(point: number): string {
  const from = ENCLOSED_FROM.find((first) => point >= first) ?? point
  return String.fromCharCode(97 + point - from)
}

// ── where it matters ────────────────────────────────────────────────────────────────────────────

const ORDINARY = 0
const CONTROL = 1
/** Begins a character of a block that holds look-alikes or marks. */
const LEAD = 2
const CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 9 || byte === 10 || byte === 13) return ORDINARY
  if (byte < 32 || byte === 127) return CONTROL
  // U+00C0 to 08FF, 0900 to 1FFF, 2000 to 2FFF, A000 to AFFF, F000 to FFFF, beyond.
  const isLead = (byte >= 0xc2 && byte <= 0xe2) || byte === 0xea || byte === 0xef || byte === 0xf0
  return isLead || byte === 0xf3 ? LEAD : ORDINARY
})

/** By byte: whether it is not ordinary. */
export const STRANGE = CLASS.map((kind) => (kind === ORDINARY ? 0 : 1))

/** A control byte between signs of a token, or a character. */
function nextSign(bytes: Uint8Array, marks: Marks, from: number): number {
  for (let at = marks.next(MARKED_ALIKE, from); at < bytes.length; at = marks.next(MARKED_ALIKE, at))
    for (const end = marks.endOf(at); at < end; at++) {
      const kind = CLASS[bytes[at] as number] as number
      if (kind === ORDINARY) continue
      if (kind === LEAD) {
        if (lengthOf(bytes, at) > 0) return at
        // No text in UTF-8 has that, so nothing near it is one: see `isText`.
        at += NEAR
      } else if (at > 0 && IN_TOKEN[bytes[at + 1] ?? 0] === 1 && IN_TOKEN[bytes[at - 1] as number] === 1)
        return at
    }
  return -1
}

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57
const isLetter = (byte: number): boolean => (byte | 0x20) >= 97 && (byte | 0x20) <= 122
const isAlnum = (byte: number): boolean => isDigit(byte) || isLetter(byte)
const IN_TOKEN = matching(/[A-Za-z0-9_-]/)
const isToken = (byte: number): boolean => IN_TOKEN[byte] === 1
const isForeign = (byte: number): boolean => byte >= 0x80

/** Whether this character could stand for one of a secret, or hide in one. */
function isTelling(bytes: Uint8Array, at: number): boolean {
  if (CLASS[bytes[at] as number] === CONTROL) return isText(bytes, at)
  const length = lengthOf(bytes, at)
  return tells(kindOf(pointAt(bytes, at, length)), bytes, at, at + length) && isText(bytes, at)
}

function tells(kind: number, bytes: Uint8Array, at: number, next: number): boolean {
  const before = bytes[at - 1] ?? 0
  const after = bytes[next] ?? 0
  switch (kind) {
    case INVISIBLE_KIND:
      return isToken(before) && (isToken(after) || isForeign(after))
    // Words of many languages are written so, but not beside a digit.
    case MARKED:
      return isDigit(before) || isDigit(after) || before === 0x5f || after === 0x5f
    // A word of another script, or a letter of it behind a number, is no mixture.
    case SCRIPT:
      return (
        isLetter(before) ||
        isLetter(after) ||
        (isDigit(before) && isAlnum(behindForeign(bytes, next))) ||
        hasLetters(bytes, next, 1) ||
        hasLetters(bytes, at - 1, -1)
      )
    case FORM:
      return isAlnum(before) || isAlnum(after) || (isForeign(before) && isForeign(after))
    case SIGN:
      return isAlnum(before) && isAlnum(after)
    default:
      return false
  }
}

/** A digit here, and a letter with the next ones: more than a number with its unit. */
function hasLetters(bytes: Uint8Array, from: number, step: 1 | -1): boolean {
  for (let at = from; Math.abs(at - from) < IN_ROW; at += step) {
    const byte = bytes[at] ?? 0
    if (isLetter(byte)) return true
    if (!isDigit(byte)) return false
  }
  return false
}
const IN_ROW = 12

/** The first ASCII byte from here on, within a short word. */
function behindForeign(bytes: Uint8Array, from: number): number {
  for (let at = from; at < from + 64; at++) {
    const byte = bytes[at] ?? 0
    if (byte < 0x80) return byte
  }
  return 0
}

const UNREAD = 0
const NO_KIND = 1
/** Drawn as nothing. */
const INVISIBLE_KIND = 2
/** A letter with a mark. */
const MARKED = 3
/** A letter of another script. */
const SCRIPT = 4
/** Another form of a letter: full-width, mathematical, enclosed. */
const FORM = 5
/** A sign that tokens have: also ordinary punctuation. */
const SIGN = 6
/** By code point, filled as they are met. */
const KINDS = new Uint8Array(0x20000)

function kindOf(point: number): number {
  if (point >= KINDS.length) return point >> 16 === 0xe ? INVISIBLE_KIND : NO_KIND
  const known = KINDS[point] as number
  if (known !== UNREAD) return known
  return (KINDS[point] = readKind(String.fromCodePoint(point)))
}

function readKind(sign: string): number {
  const text = foldedText(sign)
  if (text === '') return INVISIBLE_KIND
  if (!/^[\w+/=.:~-]{1,3}$/.test(text)) return NO_KIND
  if (!/^[A-Za-z0-9]/.test(text)) return SIGN
  if (ALIKES.has(sign)) return SCRIPT
  return sign.normalize('NFKC') === sign && !ENCLOSED_ONE.test(sign) ? MARKED : FORM
}

/** Bytes of the character that begins here, 0 where none does. */
function lengthOf(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  for (let next = at + 1; next < at + length; next++) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

function pointAt(bytes: Uint8Array, at: number, length: number): number {
  let point = (bytes[at] as number) & (0x7f >> length)
  for (let next = at + 1; next < at + length; next++) point = (point << 6) | ((bytes[next] as number) & 0x3f)
  return point === 0 || (point >= 0xd800 && point < 0xe000) ? 0xfffd : point
}

/** Nothing near but text in UTF-8, with some control bytes between. */
function isText(bytes: Uint8Array, at: number): boolean {
  const from = Math.max(0, at - NEAR)
  const to = Math.min(bytes.length, at + NEAR)
  let controls = 0
  for (let near = from; near < to; near++) {
    const byte = bytes[near] as number
    if (byte < 0x80) {
      if (CLASS[byte] === CONTROL) controls += 1
    } else if ((byte & 0xc0) === 0x80) {
      // The rest of a character that began before.
      if (near - from >= 3) return false
    } else {
      const length = byte >= 0xc2 && byte <= 0xf4 ? lengthOf(bytes, near) : 0
      // The last one may go on beyond what is looked at, not beyond what there is.
      if (length === 0) return false
      near += length - 1
    }
  }
  return controls * 2 <= to - from
}
