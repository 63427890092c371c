/**
 * Runs of the alphabets of base64 and hexadecimal, decoded. Ordinary text is full of short ones that carry nothing (names,
 * paths, identifiers), so these are gathered: decoded side by side, weighed, and looked through together.
 */
import { Gathering, SHORT } from './gathering.ts'
import type { StandsAlone } from './gathering.ts'
import type { Gathered, Layer } from './reading.ts'
import {
  endOfHex,
  FOLDED_MIN,
  flatRun,
  hexLayers,
  isEscapedSign,
  layersOf,
  nextHex,
  SHIFTS,
} from './run-layers.ts'
import type { Place } from './run-layers.ts'
import { byPair, matching, TWO_BYTES, viewOf } from './view.ts'
import { rowsOf } from './weight.ts'

/** Shorter runs hold nothing that is looked for. */
const RUN_MIN = 22

export const IN_RUN = matching(/[A-Za-z0-9+/_-]/)
/** The end of a line, also as JSON writes it. */
const FOLD = /^(?:\r\n?|\n|\\r\\n|\\[nr])/

/** Base64 at each alignment, hexadecimal at both. */
export function* runs(bytes: Buffer, standsAlone: StandsAlone): Generator<Layer | Gathered> {
  let gathering: Gathering | undefined
  let end = 0
  const view = viewOf(bytes)
  for (let start = nextRun(bytes, view, 0); start !== -1; start = nextRun(bytes, view, end)) {
    end = endOfRun(bytes, start)
    if (end - start > SHORT) {
      yield* longRun(bytes, { start, end }, standsAlone)
      continue
    }
    gathering ??= new Gathering(bytes, (place) => layersOf(bytes, place), standsAlone)
    if (!gathering.hasRoom) yield* gathering.readings()
    gathering.add(start, end)
  }
  if (gathering) yield* gathering.readings()
  gathering?.close()
}

const RUN_PAIRS = byPair(
  new Uint8Array(TWO_BYTES),
  (first, second) => (IN_RUN[first] ?? 0) & (IN_RUN[second] ?? 0),
)
/** Bytes that are looked at first: a run that begins less than so many before their end has them all. */
const PROBE = 8

/** Where the first run of at least `RUN_MIN` begins, at or after `from`; -1: there is none. */
function nextRun(bytes: Buffer, view: DataView, from: number): number {
  const last = bytes.length - RUN_MIN
  for (let at = from; at <= last;) {
    const probe = at + RUN_MIN - PROBE
    const one = view.getInt32(probe, true)
    const two = view.getInt32(probe + 4, true)
    const isRun =
      (RUN_PAIRS[one & 0xffff] as number) &
      (RUN_PAIRS[one >>> 16] as number) &
      (RUN_PAIRS[two & 0xffff] as number) &
      (RUN_PAIRS[two >>> 16] as number)
    if (isRun === 0) {
      at = probe + 1
      continue
    }
    let start = probe
    while (start > at && IN_RUN[bytes[start - 1] as number] === 1) start -= 1
    let end = probe + PROBE
    while (end - start < RUN_MIN && end < bytes.length && IN_RUN[bytes[end] as number] === 1) end += 1
    if (end - start >= RUN_MIN) return start
    at = end + 1
  }
  return -1
}

/** A run goes on after the end of a long line. */
function endOfRun(bytes: Buffer, start: number): number {
  let lineStart = start
  let at = start
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (IN_RUN[byte] === 1) continue
    if (at - lineStart < FOLDED_MIN) break
    const [fold] = FOLD.exec(bytes.toString('latin1', at, at + 4)) ?? []
    if (fold === undefined || bytes.toString('latin1', at + fold.length, at + fold.length + 2) === '--') break
    at += fold.length - 1
    lineStart = at + 1
  }
  return at
}

/** Of base64, where it is no text at an alignment, what is text by chance; of hexadecimal in it, what is short is gathered. */
function* longRun(bytes: Buffer, place: Place, standsAlone: StandsAlone): Generator<Layer | Gathered> {
  const run = flatRun(bytes, place)
  const goesOn = isEscapedSign(bytes, place.end)
  for (let shift = 0; shift < SHIFTS; shift++) {
    const decoded = Buffer.from(run.slice(shift), 'base64')
    yield { encoding: 'base64', bytes: decoded, texts: rowsOf(decoded), ...place, goesOn }
  }
  const flat = Buffer.from(run, 'latin1')
  let gathering: Gathering | undefined
  let end = 0
  for (let start = nextHex(flat, 0, flat.length); start !== -1; start = nextHex(flat, end, flat.length)) {
    end = endOfHex(flat, start, flat.length)
    if (end - start > SHORT) {
      yield* hexLayers(flat, start, end, place)
      continue
    }
    gathering ??= new Gathering(flat, (hex) => hexLayers(flat, hex.start, hex.end, place), standsAlone)
    if (!gathering.hasRoom) yield* placed(gathering, place)
    gathering.addHex(start, end)
  }
  if (gathering) yield* placed(gathering, place)
  gathering?.close()
}

function* placed(gathering: Gathering, place: Place): Generator<Layer | Gathered> {
  for (const one of gathering.readings()) yield 'each' in one ? one : { ...one, ...place }
}
