/** A ustar writer for build contexts: an explicit list of entries, no owners, no times, so the same files give the same bytes. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'

export type TarEntry =
  | { readonly path: string; readonly mode: number; readonly content: Buffer | string }
  | { readonly path: string; readonly mode: number; readonly file: string }
  | { readonly path: string; readonly mode: number; readonly folder: true }
  /** A symbolic link; its target has at most 100 bytes. */
  | { readonly path: string; readonly mode: number; readonly link: string }

export function tar(entries: Iterable<TarEntry>): Readable {
  return Readable.from(blocks(entries), { objectMode: false })
}

async function* blocks(entries: Iterable<TarEntry>): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    if ('folder' in entry) {
      yield header(`${entry.path}/`, entry.mode, 0, '5')
    } else if ('link' in entry) {
      yield header(entry.path, entry.mode, 0, '2', entry.link)
    } else if ('content' in entry) {
      const content = Buffer.from(entry.content)
      yield header(entry.path, entry.mode, content.length, '0')
      yield content
      yield padding(content.length)
    } else {
      const { size } = await stat(entry.file)
      yield header(entry.path, entry.mode, size, '0')
      for await (const chunk of createReadStream(entry.file, {
        end: Math.max(size - 1, 0),
        highWaterMark: 1 << 20,
      }))
        yield chunk as Buffer
      yield padding(size)
    }
  }
  yield Buffer.alloc(1024)
}

function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512)
}

function header(path: string, mode: number, size: number, type: '0' | '2' | '5', link = ''): Buffer {
  if (Buffer.byteLength(link) > 100) throw new Error(`link target is too long for a build context: ${link}`)
  const [name, prefix] = split(path)
  const block = Buffer.alloc(512)
  block.write(name, 0, 100)
  block.write(octal(mode, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(0, 11), 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write(link, 157, 100)
  block.write('ustar\x0000', 257)
  block.write(prefix, 345, 155)
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  )
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function split(path: string): readonly [name: string, prefix: string] {
  if (Buffer.byteLength(path) <= 100) return [path, '']
  for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1)) {
    if (Buffer.byteLength(path.slice(cut + 1)) <= 100 && cut <= 155)
      return [path.slice(cut + 1), path.slice(0, cut)]
  }
  throw new Error(`path is too long for a build context: ${path}`)
}
