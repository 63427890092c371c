/** Pictures, packed bytes, minified and drawn things: ordinary bodies in which letters are as good as random. */
import { crc32, deflateSync, gzipSync } from 'node:zlib'
import { signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { code, identifier } from './quality-ordinary-code.ts'
import { zipArchive } from './archives.ts'
import { multipart, prose } from './quality-places.ts'
import type { Sent } from './quality-places.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const many = (count: number, write: () => string): string => Array.from({ length: count }, write).join('')
const bytes = (length: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length }, () => random(256)))
/** Small numbers and runs of zeros between random bytes, as programs and models have them. */
const structured = (length: number, random: Random): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 48) }, () =>
      random(3) === 0 ? bytes(48, random) : Buffer.alloc(48, random(2) * random(4)),
    ),
  )

const split = (whole: Buffer, size: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
    whole.subarray(index * size, (index + 1) * size),
  )
const screenshot = (random: Random): Buffer =>
  Buffer.concat(Array.from({ length: 300 }, () => Buffer.alloc(1 + random(4000), random(256))))
/** Objects with streams, as a program that writes PDF packs them. */
const pdf = (random: Random): Buffer =>
  Buffer.concat([
    Buffer.from('%PDF-1.7\n%\u00e2\u00e3\u00cf\u00d3\n', 'latin1'),
    ...[Buffer.from(code('a shell session', 30, random)), bytes(900, random), Buffer.alloc(60_000, 255)].map(
      (stream, index) =>
        Buffer.concat([
          Buffer.from(`${index + 1} 0 obj\n<< /Filter /FlateDecode >>\nstream\n`),
          deflateSync(stream),
          Buffer.from('\nendstream\nendobj\n'),
        ]),
    ),
  ])
const archive = (random: Random): Buffer =>
  zipArchive(
    Object.fromEntries(
      Array.from({ length: 6 }, () => [`src/${identifier(random)}.ts`, code('TypeScript', 12, random)]),
    ),
  )
const tarball = (random: Random): Buffer =>
  gzipSync(
    Buffer.concat(
      Array.from({ length: 4 }, () =>
        Buffer.concat([
          Buffer.from(identifier(random).padEnd(512, '\0')),
          Buffer.from(code('TypeScript', 20, random)),
          Buffer.alloc(512),
        ]),
      ),
    ),
  )

function png(random: Random): Buffer {
  const chunk = (type: string, content: Buffer): Buffer => {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(content.length)
    const check = Buffer.alloc(4)
    check.writeUInt32BE(crc32(content, crc32(type)))
    return Buffer.concat([size, Buffer.from(type), content, check])
  }
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', Buffer.from([0, 0, 1, 0, 0, 0, 1, 0, 8, 6, 0, 0, 0])),
    ...(random(2) === 0
      ? [chunk('IDAT', deflateSync(bytes(1500 + random(1500), random)))]
      : // A drawing or a screenshot: far larger than its file, in pieces.
        split(deflateSync(screenshot(random)), 400).map((piece) => chunk('IDAT', piece))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const JPEG = Buffer.from('ffd8ffe000104a46494600010101004800480000ffdb0043', 'hex')
const name = (random: Random): string => signs(LETTERS, 1 + random(2), random)
const number = (random: Random): string => `${random(999)}.${random(99)}`
const post = (path: string, body: Buffer | string): Sent => ({
  host: 'api.example.com',
  path,
  body: Buffer.from(body as string),
})
/** Fields of protocol buffers: a tag, and a number or bytes of a given length. */
const record = (random: Random): Buffer => {
  const content = random(2) === 0 ? bytes(random(90), random) : Buffer.from(prose(random))
  return Buffer.concat([Buffer.from([8 * (1 + random(12)) + 2, content.length]), content])
}

export const BINARY_FAMILIES: Readonly<Record<string, (random: Random) => Sent>> = {
  'pictures for a model, base64': (random) =>
    post(
      '/v1/messages',
      JSON.stringify({
        content: [
          { type: 'image', source: { media_type: 'image/png', data: png(random).toString('base64') } },
          { type: 'text', text: prose(random) },
        ],
      }),
    ),
  'photographs, base64': (random) =>
    post(
      '/v1/images',
      JSON.stringify({
        image_url: `data:image/jpeg;base64,${Buffer.concat([JPEG, bytes(4000, random)]).toString('base64')}`,
      }),
    ),
  'programs, base64': (random) =>
    post(
      '/v1/blobs',
      JSON.stringify({ encoding: 'base64', content: structured(4000, random).toString('base64') }),
    ),
  'bytes in hexadecimal': (random) => post('/v1/blobs', `{"hex":"${bytes(1500, random).toString('hex')}"}`),
  'embeddings, base64': (random) =>
    post(
      '/v1/vectors',
      JSON.stringify({
        vector: Buffer.from(Float32Array.from({ length: 700 }, () => random(2e6) / 1e6 - 1).buffer).toString(
          'base64',
        ),
      }),
    ),
  'short base64': (random) =>
    post(
      '/v1/ids',
      JSON.stringify(Array.from({ length: 60 }, () => bytes(18 + random(60), random).toString('base64'))),
    ),
  'short base64url in a path': (random) => ({
    host: 'cdn.example.com',
    path: `/o/${bytes(32, random).toString('base64url')}/${bytes(16, random).toString('base64url')}`,
  }),
  'multipart picture': (random) => post('/upload', multipart('a.png', png(random), random)),
  'multipart document (PDF)': (random) => post('/upload', multipart('a.pdf', pdf(random), random)),
  'documents for a model, base64': (random) =>
    post(
      '/v1/messages',
      JSON.stringify({ content: [{ type: 'document', data: pdf(random).toString('base64') }] }),
    ),
  'multipart archive (zip)': (random) => post('/upload', multipart('a.zip', archive(random), random)),
  'multipart archive (tar.gz)': (random) => post('/upload', multipart('a.tgz', tarball(random), random)),
  'archives, base64 in a form': (random) =>
    post('/upload', `name=a.tgz&data=${encodeURIComponent(tarball(random).toString('base64'))}`),
  'a long picture in a stream': (random) => ({
    ...post('/upload', Buffer.concat(Array.from({ length: 6 }, () => png(random)))),
    chunked: true,
  }),
  'random bytes': (random) => post('/upload', bytes(3000 + random(3000), random)),
  'random bytes in a stream': (random) => ({ ...post('/upload', bytes(5000, random)), chunked: true }),
  'structured bytes': (random) => post('/upload', structured(6000, random)),
  'protocol buffers': (random) =>
    post('/rpc.Service/Call', Buffer.concat(Array.from({ length: 40 }, () => record(random)))),
  'minified scripts': (random) =>
    post(
      '/sourcemaps',
      many(
        60,
        () =>
          `function ${name(random)}(${name(random)},${name(random)}){return ${name(random)}.${identifier(random)}?${name(random)}("${identifier(random)}"):{key:"${identifier(random)}",token:${name(random)}.${identifier(random)},password:!0}}`,
      ),
    ),
  'source maps': (random) =>
    post(
      '/sourcemaps',
      `{"version":3,"mappings":"${many(200, () => `${signs(`${LETTERS}0123456789+/`, 4 + random(2), random)}${random(5) === 0 ? ';' : ','}`)}"}`,
    ),
  'style sheets': (random) =>
    post(
      '/theme',
      many(
        50,
        () =>
          `.${identifier(random)}_${signs(LETTERS, 6, random)}{color:#${signs('0123456789abcdef', 6, random)};margin:${random(40)}px}`,
      ),
    ),
  'drawings (SVG)': (random) =>
    post(
      '/icons',
      `<svg viewBox="0 0 24 24"><path d="${many(120, () => `M${number(random)} ${number(random)}c-${number(random)} ${number(random)}`)}z"/></svg>`,
    ),
  'pages with data URIs': (random) =>
    post(
      '/pages',
      `<img src="data:image/png;base64,${png(random).toString('base64')}"><p>${prose(random)}</p>`,
    ),
}
