/** One run of the alphabet of base64 or hexadecimal and the layers that it is, whole. */
import type { Layer } from './reading.ts'
import { matching } from './view.ts'

/** Base64 is read at so many alignments, because what stands before a run may belong to it; hexadecimal at two. */
export const SHIFTS = 4
export const HEX_SHIFTS = 2
/** Shorter runs of hexadecimal hold nothing that is looked for. */
const HEX_MIN = 24

/** Lines of this length may go on after their end (RFC 2045, 6.8, and PEM). */
export const FOLDED_MIN = 60

const IN_HEX = matching(/[0-9A-Fa-f]/)

/** `+`, `/`, `=` or the end of a line, as a form, JSON or HTML writes it within base64. */
const ESCAPED_SIGN = /^(?:%(?:2[bf]|3d|0[ad])|\\\/|\\u00(?:2[bf]|3d)|&#(?:x2[bf]|x3d|4[37]|61))/i

/** Whether a run goes on behind its end. */
export const isEscapedSign = (bytes: Buffer, at: number): boolean =>
  ESCAPED_SIGN.test(bytes.toString('latin1', at, at + 6))

/** Where a run stands in the text around it. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** Without the ends of its lines. */
export const flatRun = (bytes: Buffer, { start, end }: Place): string =>
  bytes.toString('latin1', start, end).replaceAll(/[\r\n]|\\[nr]/g, '')

export function* layersOf(bytes: Buffer, place: Place): Generator<Layer> {
  const run = flatRun(bytes, place)
  const goesOn = isEscapedSign(bytes, place.end)
  for (let shift = 0; shift < SHIFTS; shift++)
    yield { encoding: 'base64', bytes: Buffer.from(run.slice(shift), 'base64'), ...place, goesOn }
  const flat = Buffer.from(run, 'latin1')
  let end = 0
  for (let from = nextHex(flat, 0, flat.length); from !== -1; from = nextHex(flat, end, flat.length)) {
    end = endOfHex(flat, from, flat.length)
    yield* hexLayers(flat, from, end, place)
  }
}

/** `place`: what is said of where they stand. */
export function* hexLayers(bytes: Buffer, start: number, end: number, place: Place): Generator<Layer> {
  for (let shift = 0; shift < HEX_SHIFTS; shift++) {
    const digits = bytes.toString('latin1', start + shift, end)
    yield { encoding: 'hex', bytes: Buffer.from(digits, 'hex'), ...place }
  }
}

/** Where hexadecimal begins that is long enough; -1: nowhere. */
export function nextHex(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at + HEX_MIN <= end;) {
    let last = at + HEX_MIN - 1
    while (last >= at && IN_HEX[bytes[last] as number] === 1) last -= 1
    if (last < at) return at
    at = last + 1
  }
  return -1
}

export function endOfHex(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && IN_HEX[bytes[at] as number] === 1) at += 1
  return at
}
