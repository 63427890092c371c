/** Blanks marks in a stream of bytes, wherever a part ends: as long as before, and nothing of them left. Pure. */
import type { FrozenMark } from '../../../ports/driver.ts'

const BLANK = 'x'.charCodeAt(0)

export interface Marks {
  readonly all: readonly { readonly begin: Buffer; readonly length: number }[]
  /** Bytes of the longest. */
  readonly longest: number
}

export function marksOf(marks: readonly FrozenMark[]): Marks {
  const all = marks.map(({ begin, length }) => ({ begin: Buffer.from(begin), length }))
  return { all, longest: Math.max(1, ...all.map(({ length }) => length)) }
}

/** `found` is called at each mark. */
export async function* blanked(
  parts: AsyncIterable<Buffer>,
  marks: Marks,
  found: () => void,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for await (const part of parts) {
    const bytes = held.length === 0 ? part : Buffer.concat([held, part])
    blankIn(bytes, marks, found)
    // A mark that is cut here is whole with the next part.
    const done = Math.max(0, bytes.length - marks.longest + 1)
    held = bytes.subarray(done)
    if (done > 0) yield bytes.subarray(0, done)
  }
  if (held.length > 0) yield held
}

export function holdsMark(bytes: Buffer, { all }: Marks): boolean {
  return all.some(({ begin }) => bytes.includes(begin))
}

function blankIn(bytes: Buffer, { all }: Marks, found: () => void): void {
  for (const { begin, length } of all)
    for (let at = bytes.indexOf(begin); at >= 0; at = bytes.indexOf(begin, at + 1)) {
      if (at + length > bytes.length) break
      bytes.fill(BLANK, at, at + length)
      found()
    }
}
