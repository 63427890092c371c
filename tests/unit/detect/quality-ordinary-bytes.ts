/** Pictures, packed bytes, minified and drawn things: ordinary bodies in which letters are as good as random. */
import { deflateSync } from 'node:zlib'
import { signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { identifier } from './quality-ordinary-code.ts'
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

function png(random: Random): Buffer {
  const chunk = (type: string, content: Buffer): Buffer => {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(content.length)
    return Buffer.concat([size, Buffer.from(type), content, bytes(4, random)])
  }
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', Buffer.from([0, 0, 1, 0, 0, 0, 1, 0, 8, 6, 0, 0, 0])),
    chunk('IDAT', deflateSync(bytes(1500 + random(1500), random))),
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
