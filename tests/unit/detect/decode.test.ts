import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeContent, UNPACKED_MAX } from '../../../sidecars/detect/content.ts'
import { readings } from '../../../sidecars/detect/decode.ts'
import type { Reading } from '../../../sidecars/detect/reading.ts'
import { zipMember } from './archives.ts'

const text = 'name=value; a text of ordinary length'
const read = (bytes: Buffer | string): readonly Reading[] =>
  [...readings(Buffer.from(bytes as string))].flatMap((one) => ('each' in one ? [...one.each()] : one))
const texts = (bytes: Buffer | string): readonly string[] =>
  read(bytes).flatMap((one) => ('bytes' in one ? [one.bytes.toString('latin1')] : []))
const holds = (bytes: Buffer | string): boolean => texts(bytes).some((one) => one.includes(text))

const zip = (content: string, flags = 0): Buffer => zipMember('a.txt', content, { flags })

const CARRIED: Readonly<Record<string, string | Buffer>> = {
  'base64 at the beginning of a group': Buffer.from(text).toString('base64'),
  'base64 after one byte': `=${Buffer.from(`x${text}`).toString('base64')}`,
  'base64 behind letters that belong to nothing': `abc${Buffer.from(text).toString('base64')}`,
  'base64 in lines of 76': Buffer.from(`${'-'.repeat(76)}${text}`)
    .toString('base64')
    .replaceAll(/(.{76})/g, '$1\r\n'),
  'base64 of the other alphabet, in JSON': JSON.stringify({
    a: Buffer.from(`???>>>${text}`).toString('base64url'),
  }),
  hexadecimal: `0x${Buffer.from(text).toString('hex')}`,
  'percent escapes': `a=${encodeURIComponent(text)}`,
  'percent escapes of some letters': text.replaceAll('a', '%61'),
  'escapes of JSON': `{"a":"${text.replaceAll('e', '\\u0065')}"}`,
  'escapes of C': text.replaceAll('e', '\\x65').replaceAll('a', '\\141'),
  'entities of HTML': text
    .replaceAll('e', '&#101;')
    .replaceAll('a', '&#x61;')
    .replaceAll(';', '&semi;')
    .replaceAll('&semi;', ';'),
  'quoted-printable': text.replaceAll('a', '=61').replaceAll(' of', '=\r\n of').replaceAll('= ', '=3D '),
  'UTF-16': Buffer.from(text, 'utf16le'),
  'UTF-16, big end first': Buffer.from(text, 'utf16le').swap16(),
  gzip: gzipSync(text),
  zlib: deflateSync(text),
  zstd: zstdCompressSync(text),
  'a member of a zip archive': zip(text),
  'a second member of a zip archive': Buffer.concat([zip('first'), zip(text)]),
  'a member whose size follows it': Buffer.concat([zip(text, 8), zip('last', 8)]),
}

describe('A text is read out of', () => {
  for (const [name, carried] of Object.entries(CARRIED)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => expect(holds(carried)).toBe(true))
  }

  it('a body, by its Content-Encoding', () => {
    const packed: Readonly<Record<string, Buffer>> = {
      gzip: gzipSync(text),
      deflate: deflateSync(text),
      br: brotliCompressSync(text),
      zstd: zstdCompressSync(text),
    }
    for (const [encoding, bytes] of Object.entries(packed))
      expect(decodeContent(encoding, bytes)).toMatchObject({ bytes: Buffer.from(text) })
    // RFC 9110, 8.4.1.2: some senders leave the zlib wrapping out.
    expect(decodeContent('deflate', deflateRawSync(text))).toMatchObject({ bytes: Buffer.from(text) })
  })
})

describe('What cannot be looked into is said', () => {
  it('of an encrypted archive', () => {
    expect(read(zip(text, 1))).toMatchObject([{ encoding: 'zip', opaque: 'encrypted' }])
  })

  it('of what grows too large', () => {
    const bomb = gzipSync(Buffer.alloc(UNPACKED_MAX + 1))
    expect(decodeContent('gzip', bomb)).toMatchObject({ encoding: 'gzip', opaque: 'too-large' })
    expect(read(bomb)).toContainEqual(expect.objectContaining({ encoding: 'gzip', opaque: 'too-large' }))
  })

  it('of a body that lies about its encoding, or has one that nobody knows', () => {
    expect(decodeContent('gzip', Buffer.from(text))).toMatchObject({ opaque: 'damaged' })
    expect(decodeContent('x-foo', Buffer.from(text))).toMatchObject({ opaque: 'damaged' })
  })
})

describe('Reading', () => {
  it('leaves ordinary text alone', () => {
    expect(read('The quick brown fox jumps over /usr/share/dict, 3 times.')).toEqual([])
  })

  it('does not give again what only looks as if it held escapes', () => {
    const code = 'for(a=n&a,b=n&l;c=6f*a%(b+c);)x=n&g?a&l:"\\d"&a;'.repeat(20)
    for (const one of texts(code)) expect(one).not.toBe(code)
    expect(read(code).filter(({ encoding }) => encoding === 'html')).toEqual([])
  })

  it('never throws, and gives at most a few times what it was given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
        const out = read(Buffer.from(bytes)).reduce(
          (sum, one) => sum + ('bytes' in one ? one.bytes.length : 0),
          0,
        )
        expect(out).toBeLessThanOrEqual(16 * bytes.length)
      }),
      { numRuns: 200 },
    )
  })
})
