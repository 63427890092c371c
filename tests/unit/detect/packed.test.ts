import { createHash } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { UNPACKED_MAX } from '../../../sidecars/detect/content.ts'
import { marksOf } from '../../../sidecars/detect/marking.ts'
import { packed } from '../../../sidecars/detect/packed.ts'
import { seeded } from '../../../sidecars/detect/samples.ts'
import type { Reading } from '../../../sidecars/detect/reading.ts'
import { zipArchive, zipMember } from './archives.ts'

const text = 'name=value; a text of ordinary length'
const read = (bytes: Buffer): readonly Reading[] => [...packed(bytes, marksOf(bytes))]
const holds = (bytes: Buffer): boolean =>
  read(bytes).some((one) => 'bytes' in one && one.bytes.includes(text))
const refusals = (bytes: Buffer): readonly string[] =>
  read(bytes).flatMap((one) => ('opaque' in one ? [`${one.encoding} ${one.opaque}`] : []))

const random = seeded('packed content')
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)))
const within = (bytes: Buffer): Buffer => Buffer.concat([noise(700), bytes, noise(900)])
/** gzip with every optional field of its header (RFC 1952, 2.3). */
const gzipWithFields = (content: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3]),
    Buffer.from('a.txt\0a comment\0\u0001\u0002'),
    deflateRawSync(content),
    Buffer.alloc(8),
  ])
const object = (content: string, level = 6): Buffer =>
  Buffer.concat([Buffer.from([0xb5, 0x02]), deflateSync(content, { level })])
const endingIn = (bytes: Buffer, end: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -end.length), end])
const smallWindow = (content: string): Buffer => deflateSync(content, { windowBits: 9 })
const tar = (content: string): Buffer =>
  Buffer.concat([Buffer.from('a.txt'.padEnd(512, '\0')), Buffer.from(content.padEnd(512, '\0'))])

const CARRIED: Readonly<Record<string, Buffer>> = {
  'gzip behind other bytes': within(gzipSync(text)),
  'gzip with every field of its header': within(gzipWithFields(text)),
  'a second gzip behind the first': Buffer.concat([gzipSync('first'), gzipSync(text)]),
  'a gzip whose checksum is wrong': within(endingIn(gzipSync(text), Buffer.alloc(8))),
  'gzip of a tar archive in a multipart form': Buffer.concat([
    Buffer.from('--b\r\nContent-Disposition: form-data; name="f"; filename="a.tgz"\r\n\r\n'),
    gzipSync(tar(text)),
    Buffer.from('\r\n--b--\r\n'),
  ]),
  'zstd behind other bytes': within(zstdCompressSync(text)),
  'zlib behind other bytes': within(deflateSync(text)),
  'zlib in a small window': within(smallWindow(text)),
  'zlib that is not packed at all': within(deflateSync(text, { level: 0 })),
  'zlib that is damaged behind its first bytes': within(
    endingIn(deflateSync(`${text.repeat(3)}${noise(99).toString('hex')}`), Buffer.alloc(40, 7)),
  ),
  'an object of a git push': Buffer.concat([
    Buffer.from('PACK\0\0\0\x02\0\0\0\x03'),
    ...['first', 'second', text].map((one) => object(one)),
    createHash('sha1').update('').digest(),
  ]),
  'a stream of a PDF': Buffer.concat([
    Buffer.from('%PDF-1.7\n1 0 obj\n<< /Filter /FlateDecode >>\nstream\n'),
    deflateSync(`BT (${text}) Tj ET`),
    Buffer.from('\nendstream\n'),
  ]),
  'a comment in a picture': Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    Buffer.from('\0\0\0\x40zTXtComment\0\0'),
    deflateSync(text),
  ]),
  'a member of a zip archive in a larger body': within(zipArchive({ 'word/document.xml': text })),
  'the last of many members': zipArchive(
    Object.fromEntries([
      ...Array.from({ length: 40 }, (_, index) => [`${index}.txt`, 'x'.repeat(index)]),
      ['z', text],
    ]),
  ),
  'a member whose size follows it': within(zipMember('a.txt', text, { flags: 8 })),
  'gzip in a member that is stored': zipMember('a.gz', gzipSync(text), { method: 0 }),
}

describe('Packed content is read out of', () => {
  for (const [name, carried] of Object.entries(CARRIED)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => {
      expect(holds(carried)).toBe(true)
      expect(refusals(carried)).toEqual([])
    })
  }
})

describe('Packed content that cannot be looked into is said, wherever it begins:', () => {
  const long = noise(3000).toString('hex')
  const OPAQUE: Readonly<Record<string, readonly [string, Buffer]>> = {
    'gzip that is cut': ['gzip cut', within(gzipSync(long)).subarray(0, 1700)],
    'a member that is cut': ['zip cut', within(zipArchive({ a: long })).subarray(0, 1700)],
    'zstd that is cut': ['zstd cut', within(zstdCompressSync(long)).subarray(0, 1700)],
    'an encrypted member': ['zip encrypted', within(zipMember('a', text, { flags: 1 }))],
    'a member packed in a way nobody here can undo': [
      'zip damaged',
      within(zipMember('a', text, { method: 14 })),
    ],
    'gzip that grows too large': ['gzip too-large', within(gzipSync(Buffer.alloc(UNPACKED_MAX + 1)))],
    'zlib that grows too large': ['zlib too-large', within(deflateSync(Buffer.alloc(UNPACKED_MAX + 1)))],
  }
  for (const [name, [expected, bytes]] of Object.entries(OPAQUE)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => expect(refusals(bytes)).toEqual([expected]))
  }
})

describe('Ordinary bytes', () => {
  it('are no packed content by chance', () => {
    expect(refusals(noise(2_000_000))).toEqual([])
  })

  it('of a picture that is far larger than its file are no finding', () => {
    const pixels = Buffer.concat([
      Buffer.from('89504e470d0a1a0a', 'hex'),
      Buffer.from('\0\0\x10\0IDAT'),
      deflateSync(Buffer.alloc(3 * UNPACKED_MAX)),
    ])
    expect(refusals(within(pixels))).toEqual([])
  })

  it('that begin like packed text are text', () => {
    for (const one of ['x^2 + x^3 = 0', 'PK\u0003\u0004 is how it begins', 'hC8O(SXGHK'])
      expect(read(Buffer.from(one.repeat(200)))).toEqual([])
  })
})

describe('Bytes full of beginnings', () => {
  /** Fixed codes that go on for long and end in a fault: all work for nothing. */
  const fault = Buffer.concat([
    deflateRawSync(Buffer.from('abcdefgh'.repeat(40)), { strategy: 4 }).subarray(0, -2),
    Buffer.from([0xff]),
  ])
  const HOSTILE: Readonly<Record<string, Buffer>> = {
    gzip: Buffer.concat([gzipSync('').subarray(0, 10), fault]),
    zlib: Buffer.from('789c4b', 'hex'),
    zstd: Buffer.from('28b52ffd', 'hex'),
    'zip members': zipMember('a', '', {}).subarray(0, 31),
    'names without an end': Buffer.from([0x1f, 0x8b, 8, 8]),
  }
  for (const [name, beginning] of Object.entries(HOSTILE)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => {
      const took = [100_000, 800_000].map((length) => {
        const bytes = Buffer.alloc(length, beginning)
        const from = process.cpuUsage().user
        read(bytes)
        return process.cpuUsage().user - from
      })
      const [small = 0, large = 0] = took
      expect(large).toBeLessThan(Math.max(400_000, 24 * small))
    })
  }
})
