/** Streams of the engine and of control sockets, cut into lines. */
import type { Readable } from 'node:stream'

/** Longest line accepted, bytes. */
const LINE_MAX = 16 * 1024 * 1024

export async function* textLines(stream: Readable): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end).toString('utf8')
      rest = rest.subarray(end + 1)
    }
    if (rest.length > LINE_MAX) throw new Error('a line is longer than 16 MiB')
  }
  if (rest.length > 0) yield rest.toString('utf8')
}

/** One JSON object per line; blank lines are skipped. */
export async function* jsonLines(stream: Readable): AsyncGenerator<Readonly<Record<string, unknown>>> {
  for await (const line of textLines(stream)) {
    if (line.trim() === '') continue
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) yield value as Readonly<Record<string, unknown>>
  }
}
