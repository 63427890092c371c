/**
 * Whether kinds of tokens that somebody else wrote do what they say, and cannot be made dear: each is compiled, finds
 * its samples and nothing that is alike, and no body makes it look at more than so much. For whoever takes them in.
 */
import { seeded, writeSample } from '../samples.ts'
import type { Random } from '../samples.ts'
import { readPlaces } from './pattern.ts'
import { createShapeScanner } from './scanner.ts'
import type { ShapeScanner } from './scanner.ts'
import { readShape } from './shape.ts'
import type { Shape, ShapeEntry } from './shape.ts'

/** Bytes looked at per byte of a body, beyond the one search: a constant, whatever the body. */
export const WORK_MOST = 80
/** Bytes of a body that is made to cost. */
const BODY = 1 << 14

/** What is wrong, each with the id of its shape; none: they can be searched for. `ruleOf`: by id. */
export function unfit(entries: readonly ShapeEntry[], ruleOf: (id: string) => string): readonly string[] {
  const ids = entries.map(({ id }) => id)
  const twice = [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))]
  return [
    ...twice.map((id) => `${id}: there is another of this id`),
    ...entries.flatMap((entry) => unfitAlone(entry, ruleOf(entry.id)).map((why) => `${entry.id}: ${why}`)),
  ]
}

function unfitAlone(entry: ShapeEntry, rule: string): readonly string[] {
  try {
    const shape = readShape(entry, rule)
    const scanner = createShapeScanner([shape])
    const most = Math.max(...dearest(shape).map((text) => workOn(repeated(text, BODY), scanner)))
    return [
      ...wrongSamples(shape, scanner),
      ...(most < WORK_MOST
        ? []
        : [
            `a body can make it look at ${Math.round(most)} bytes for each of its own, and ${WORK_MOST} is too many: a longer anchor, or a shorter pattern`,
          ]),
    ]
  } catch (thrown) {
    return [thrown instanceof Error ? thrown.message : String(thrown)]
  }
}

function wrongSamples(shape: Shape, scanner: ShapeScanner): readonly string[] {
  const found = (text: string) => scanner.scan(bytesOf(text)).hits
  const missed = samplesOf(shape, 'true').map((text) => {
    const [hit, more] = found(text)
    return hit === undefined
      ? 'is not found'
      : more || hit.documented
        ? 'is not found as one token'
        : undefined
  })
  const alike = samplesOf(shape, 'alike').map((text) => (found(text).length > 0 ? 'is found' : undefined))
  return [
    ...missed.flatMap((why, index) => (why === undefined ? [] : [`samples.true[${index}] ${why}`])),
    ...alike.flatMap((why, index) => (why === undefined ? [] : [`samples.alike[${index}] ${why}`])),
  ]
}

const workOn = (body: Buffer, scanner: ShapeScanner): number => scanner.scan(body).examined / body.length

/** Texts that cost when they are repeated: anchors, samples cut short, samples in a row. */
export function dearest(shape: Shape): readonly string[] {
  const random = seeded(shape.id)
  const anchors = shape.anchors.map((anchor) => anchorText(shape, random, anchor))
  const samples = samplesOf(shape, 'true')
  return [
    ...anchors.flatMap((anchor) => [anchor, ` ${anchor}`]),
    ...samples.flatMap((sample) => [` ${sample.slice(0, -2)}`, sample.slice(0, -1), sample]),
  ]
}

/** As they are written out: the same ones each time. */
export function samplesOf(shape: Shape, which: 'true' | 'alike'): readonly string[] {
  return shape.samples[which].map((parts, index) =>
    writeSample(parts, seeded(`${shape.id} ${which} ${index}`)),
  )
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

/** One text that an anchor stands for, by default the first. */
export function anchorText(shape: Shape, random: Random, anchor = shape.anchors[0] ?? ''): string {
  return readPlaces(anchor, shape.anyCase)
    .map((set) => {
      const bytes = [...set.keys()].filter((byte) => set[byte] === 1)
      return String.fromCharCode(bytes[random(bytes.length)] ?? 0)
    })
    .join('')
}

/** A body of this length that repeats one text. */
export function repeated(text: string, length: number): Buffer {
  return bytesOf(text.repeat(Math.ceil(length / text.length)).slice(0, length))
}
