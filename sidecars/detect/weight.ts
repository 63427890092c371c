/**
 * What a few decoded bytes can hold: most of what short runs give is neither text nor letters enough, and need not be looked
 * through.
 */
import { fourAt } from './bases.ts'
import { WINDOW } from './fingerprint.ts'
import { beginsPacked } from './packed.ts'
import { matching } from './view.ts'

export const NOTHING = 0
/** Enough letters and digits, however scattered, for a known secret. */
export const LETTERS = 1
/** Enough text in a row for a shape or another layer. */
export const TEXT = 2
/** What stands before a password in a URL, which may be any bytes. */
export const WHOLE = 3
/** Packed content may begin in it, which has an end only where it stands alone; or an escape, among letters enough. */
export const ALONE = 4

/** Bytes in a row that could be text in UTF-8: no shape is shorter, and look-alikes stand in as many. */
export const TEXT_MIN = 12

/** By two bytes in a row. */
const BROKEN = 1
export const ESCAPE = 2
const URL = 4
export const PACKED_PAIR = 8
/** The second byte is one of a known secret. */
const LETTER_BIT = 4
/** What a byte is in UTF-8. */
const [ASCII, REST, LEAD, NEVER] = [0, 1, 2, 3]
const UTF8 = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 ? ASCII : byte < 0xc0 ? REST : byte < 0xc2 || byte > 0xf4 ? NEVER : LEAD,
)
/** Escapes of `decode.ts`, also of two bytes each. */
const ESCAPES = [
  ['%', '0123456789abcdefABCDEF\0'],
  ['\\', 'ux/0123nrt\0'],
  ['&', '#alqgn\0'],
  ['=', '234567\r\n\0'],
  ['\0', '%\\&='],
] as const
const ALNUM = matching(/[A-Za-z0-9]/)
const PAIRS = pairs()

const NEWLINE = 10

/** `alone`: the flags for which it may have to stand alone. */
export function weightOf(bytes: Buffer, begin: number, end: number, alone: number): number {
  let previous = NEWLINE
  let flags = 0
  let row = 0
  let reached = 0
  let letters = 0
  for (let at = begin; at < end; at++) {
    const byte = bytes[at] as number
    const pair = PAIRS[(previous << 8) | byte] as number
    flags |= pair
    row = (row & ((pair & BROKEN) - 1)) + 1
    reached |= TEXT_MIN - 1 - row
    letters += pair >> LETTER_BIT
    previous = byte
  }
  if (flags & alone & PACKED_PAIR || (flags & alone & ESCAPE && letters >= WINDOW)) return ALONE
  if (flags & URL) return WHOLE
  if (reached < 0) return TEXT
  return letters >= WINDOW ? LETTERS : NOTHING
}

/** Stands for what is no text between rows: in no UTF-8, and no shape, run or escape has it. */
const NO_TEXT = 0xff

/**
 * Copies what is text of these bytes, every row long enough to hold anything, and says where that ends. Looks backwards
 * from where a row would be long enough, which passes over most of what is none.
 */
export function copyRows(from: Buffer, begin: number, end: number, to: Buffer, at: number): number {
  for (let start = begin; start + TEXT_MIN <= end;) {
    const broken = lastBroken(from, start, start + TEXT_MIN)
    if (broken !== start) {
      start = broken
      continue
    }
    let rowEnd = start + TEXT_MIN
    while (rowEnd < end && !isBroken(from, rowEnd)) rowEnd += 1
    if (start > begin) to[at++] = NO_TEXT
    at += from.copy(to, at, start, rowEnd)
    if (rowEnd < end) to[at++] = NO_TEXT
    start = rowEnd
  }
  return at
}

/** Bytes that rows of so many can be with their ends. */
const rowsMost = (length: number): number => length + 2 * Math.ceil(length / TEXT_MIN)

/** What is text of bytes most of which are not; undefined where most are, or where a password may stand in a URL. */
export function rowsOf(bytes: Buffer): Buffer | undefined {
  if (bytes.includes(BEFORE_PASSWORD)) return undefined
  const rows = Buffer.allocUnsafe(rowsMost(bytes.length))
  const end = copyRows(bytes, 0, bytes.length, rows, 0)
  return end * 2 > bytes.length ? undefined : rows.subarray(0, end)
}

const BEFORE_PASSWORD = '://'

/** The last place behind `start` and before `end` where no text goes on; `start`: there is none. */
function lastBroken(bytes: Buffer, start: number, end: number): number {
  let at = end - 1
  while (at > start && !isBroken(bytes, at)) at -= 1
  return at
}

/** Whether text cannot go on with the byte at a place. */
const isBroken = (bytes: Buffer, at: number): boolean =>
  ((PAIRS[((bytes[at - 1] as number) << 8) | (bytes[at] as number)] as number) & BROKEN) !== 0

/**
 * Of base64, before it is decoded: whether it could weigh anything, by what `weightOf` goes by; few runs of ordinary
 * text do. The rest of a group counts as well. Without branches, for by chance nothing can be foretold.
 */
export function mayWeigh(view: DataView, start: number, end: number): boolean {
  let previous = NEWLINE
  let flags = 0
  let row = 0
  let reached = 0
  let letters = 0
  for (let place = start; place < end; place += 4) {
    const four = fourAt(view, place)
    const one = PAIRS[(previous << 8) | (four >> 16)] as number
    const two = PAIRS[four >> 8] as number
    const three = PAIRS[four & 0xffff] as number
    flags |= one | two | three
    row = (row & ((one & BROKEN) - 1)) + 1
    reached |= TEXT_MIN - 1 - row
    row = (row & ((two & BROKEN) - 1)) + 1
    reached |= TEXT_MIN - 1 - row
    row = (row & ((three & BROKEN) - 1)) + 1
    reached |= TEXT_MIN - 1 - row
    letters += (one >> LETTER_BIT) + (two >> LETTER_BIT) + (three >> LETTER_BIT)
    previous = four & 255
  }
  return (flags & (PACKED_PAIR | URL)) !== 0 || reached < 0 || letters >= WINDOW
}

function pairs(): Uint8Array {
  const table = new Uint8Array(1 << 16)
  for (let pair = 0; pair < table.length; pair++) {
    const one = UTF8[pair >> 8] as number
    const two = UTF8[pair & 255] as number
    const fits = two === REST ? one === LEAD || one === REST : one !== LEAD
    table[pair] =
      (fits && one !== NEVER && two !== NEVER ? 0 : BROKEN) |
      (beginsPacked(pair) ? PACKED_PAIR : 0) |
      ((ALNUM[pair & 255] as number) << LETTER_BIT)
  }
  const mark = (first: string, second: string, flag: number): void => {
    const pair = (first.charCodeAt(0) << 8) | second.charCodeAt(0)
    table[pair] = (table[pair] as number) | flag
  }
  for (const [first, seconds] of ESCAPES) for (const second of seconds) mark(first, second, ESCAPE)
  mark(':', '/', URL)
  return table
}
