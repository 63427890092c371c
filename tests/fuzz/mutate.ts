/** Structure is kept mostly: a few edits of what a grammar has made. */
import type { Random } from '../../sidecars/detect/samples.ts'
import { latin1, oneOf } from './target.ts'

/** Longest input, bytes. */
export const INPUT_MAX = 256 * 1024
const NUMBERS = [0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

export function mutate(random: Random, bytes: Buffer, words: readonly string[], other: Buffer): Buffer {
  let made = bytes
  for (let count = random(oneOf(random, [2, 2, 6])); count > 0; count--)
    made = edit(random, made, words, other)
  return made.length > INPUT_MAX ? made.subarray(0, INPUT_MAX) : made
}

function edit(random: Random, bytes: Buffer, words: readonly string[], other: Buffer): Buffer {
  const at = random(bytes.length + 1)
  const length = random(oneOf(random, [2, 9, 65, 4000]))
  const put = (piece: Buffer, instead = 0): Buffer =>
    Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + instead)])
  switch (random(9)) {
    case 0:
      return put(Buffer.alloc(0), length)
    case 1:
      return put(Buffer.from([random(256)]), 1)
    case 2:
      return put(Buffer.from([(bytes[at] ?? 0) ^ (1 << random(8))]), 1)
    case 3:
      return put(latin1(oneOf(random, words)), random(2) * length)
    case 4:
      return put(Buffer.concat(Array.from({ length: 1 + random(8) }, () => bytes.subarray(at, at + length))))
    case 5:
      return put(other.subarray(random(other.length + 1)).subarray(0, length), random(2) * length)
    case 6:
      return put(number(random), random(2) * 4)
    case 7:
      return bytes.subarray(0, at)
    default:
      return put(Buffer.alloc(length, random(256)))
  }
}

function number(random: Random): Buffer {
  const size = oneOf(random, [1, 2, 4])
  const bytes = Buffer.alloc(4)
  const value = oneOf(random, NUMBERS)
  if (random(2) === 0) bytes.writeUInt32BE(value)
  else bytes.writeUInt32LE(value)
  return bytes.subarray(4 - size)
}
