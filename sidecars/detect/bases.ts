/** Base64 and hexadecimal, read where they stand: of a short run a call of the library costs more than its bytes. */
import { byPair, TWO_BYTES } from './view.ts'

const SEXTETS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(
    String.fromCharCode(byte),
  )
  return byte === 0x2d ? 62 : byte === 0x5f ? 63 : Math.max(0, at)
})
const SEXTET_PAIRS = byPair(
  new Uint16Array(TWO_BYTES),
  (first, second) => ((SEXTETS[first] as number) << 6) | (SEXTETS[second] as number),
)
const NIBBLES = Uint8Array.from({ length: 256 }, (_, byte) =>
  Math.max(0, '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase())),
)

/** Three bytes, the first one highest, of the four characters at a place; beyond the end they are 0. */
export function fourAt(from: DataView, place: number): number {
  if (place + 4 > from.byteLength) return lastFour(from, place)
  const four = from.getInt32(place, true)
  return ((SEXTET_PAIRS[four & 0xffff] as number) << 12) | (SEXTET_PAIRS[four >>> 16] as number)
}

function lastFour(from: DataView, place: number): number {
  let four = 0
  for (let at = place; at < place + 4; at++)
    four = (four << 6) | (at < from.byteLength ? (SEXTETS[from.getUint8(at)] as number) : 0)
  return four
}

/** The end of what was written; the rest of a group is read as far as it goes. */
export function decodeBase64(from: DataView, start: number, end: number, to: Buffer, at: number): number {
  const last = at + Math.max(0, ((end - start) * 3) >> 2)
  for (let place = start; place < end; place += 4) {
    const four = fourAt(from, place)
    to[at] = four >> 16
    to[at + 1] = four >> 8
    to[at + 2] = four
    at += 3
  }
  return last
}

/** The end of what was written. */
export function decodeHex(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  for (let place = start; place + 1 < end; place += 2)
    to[at++] =
      ((NIBBLES[from[place] as number] as number) << 4) | (NIBBLES[from[place + 1] as number] as number)
  return at
}
