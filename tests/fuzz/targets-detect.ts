/** What looks through bodies, and what undoes encodings: what is planted in plain is found, what passes is unchanged. */
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  inflateRawSync,
  zstdCompressSync,
} from 'node:zlib'
import { DLP_DEFAULTS } from '../../src/model/policy.ts'
import { decodeAll, UNPACKED_MAX } from '../../sidecars/detect/content.ts'
import { readings } from '../../sidecars/detect/decode.ts'
import type { Reading } from '../../sidecars/detect/reading.ts'
import { inflate } from '../../sidecars/detect/inflate.ts'
import { DEPTH } from '../../sidecars/detect/look.ts'
import { signs } from '../../sidecars/detect/samples.ts'
import type { Random } from '../../sidecars/detect/samples.ts'
import { Room, scanRequest } from '../../sidecars/detect/scan.ts'
import { detectorsFor } from '../../sidecars/egress/exchange/scanning.ts'
import { chanceOf, latin1, must, oneOf, pieces } from './target.ts'
import type { Target } from './target.ts'

const SECRET = 'q7Vb2RkX9sLm4TzW8cNf'
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const detectors = detectorsFor({ 'env:TOKEN': SECRET })
const RULES = { detectors, dlp: DLP_DEFAULTS, accepted: () => false }

const WRAPS: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => latin1(bytes.toString('base64')),
  (bytes) => latin1(bytes.toString('base64url')),
  (bytes) => latin1(bytes.toString('hex')),
  (bytes) => latin1(bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n')),
  (bytes) => latin1([...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')),
  (bytes) => latin1([...bytes].map((byte) => `\\u00${byte.toString(16).padStart(2, '0')}`).join('')),
  (bytes) => latin1([...bytes].map((byte) => `&#${byte};`).join('')),
  (bytes) =>
    latin1([...bytes].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')),
  (bytes) => latin1(JSON.stringify({ text: bytes.toString('latin1') })),
  (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
  (bytes) => gzipSync(bytes),
  (bytes) => deflateSync(bytes),
  (bytes) => zstdCompressSync(bytes),
  (bytes) => zipped(bytes),
]

function zipped(bytes: Buffer): Buffer {
  const packed = deflateRawSync(bytes)
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(packed.length, 18)
  head.writeUInt32LE(bytes.length, 22)
  return Buffer.concat([head, packed])
}

function text(random: Random): Buffer {
  const filler = (): string =>
    oneOf(random, ['a few words ', '{"key": "value"} ', signs(ALPHABET, random(200), random), ' '.repeat(random(40)), 'ghp_', 'AKIA', 'eyJhbGciOiJIUzI1NiJ9.', '-----BEGIN RSA PRIVATE KEY-----\n', `${SECRET.slice(0, random(SECRET.length))} `]) // prettier-ignore
  let made = latin1(filler() + filler() + (random(3) === 0 ? SECRET : '') + filler())
  for (let count = random(DEPTH + 2); count > 0 && made.length < 6000; count--) {
    made = Buffer.concat([latin1(filler()), oneOf(random, WRAPS)(made), latin1(filler())])
    if (random(3) === 0) made = oneOf(random, WRAPS)(made)
  }
  return made
}

const WORDS = [SECRET, SECRET.slice(0, 10), '%', '%25', '\\u', '\\', '&#', '=', '=\r\n', '\x1f\x8b\x08\0', '\x28\xb5\x2f\xfd', '\x78\x9c', 'PK\x03\x04', 'H4sI', '/H4sI', 'ghp_', 'AKIA', '-----BEGIN', 'eyJ', '\0', '\xff', '\r\n', '\\n', '"', '==', 'A'.repeat(64)] // prettier-ignore

const COSTLY: Target['costly'] = [
  (repeat) => latin1(`/${'H4sI/'.repeat(repeat)}`),
  (repeat) => latin1('%41%'.repeat(repeat)),
  (repeat) => latin1('\\u0041'.repeat(repeat)),
  (repeat) => latin1('\\\\'.repeat(repeat)),
  (repeat) => latin1('&#65;'.repeat(repeat)),
  (repeat) => latin1('=41'.repeat(repeat)),
  (repeat) => latin1('A'.repeat(repeat)),
  (repeat) => latin1(`${'A'.repeat(60)}\r\n`.repeat(repeat >> 4)),
  (repeat) => latin1('PK\x03\x04'.repeat(repeat)),
  (repeat) => Buffer.concat(Array.from({ length: repeat >> 5 }, () => zipped(Buffer.from('a')))),
  (repeat) => Buffer.from('a\0'.repeat(repeat), 'latin1'),
  (repeat, random) => latin1(oneOf(random, WORDS).repeat(repeat)),
  (repeat, random) => latin1((oneOf(random, WORDS) + oneOf(random, WORDS)).repeat(repeat)),
  (repeat, random) => latin1(`${oneOf(random, WORDS).repeat(5)}${signs(ALPHABET, 7, random)}`.repeat(repeat)),
]

/** A body as egress gives it to the scan; a finding, or what went on. */
function scan(
  parts: readonly Buffer[],
  length: number | undefined,
  encodings: readonly string[],
): string | Buffer {
  const room = new Room(UNPACKED_MAX)
  const scanned = scanRequest(
    { sent: 'allowed.test\n/\n', given: '', body: { length, encodings } },
    { ...RULES, room },
  )
  if ('rule' in scanned) return scanned.rule
  const { body } = scanned
  if (body === undefined) throw new Error('nothing is scanned')
  const passed: Buffer[] = []
  try {
    for (const part of parts) {
      const said = body.push(part)
      if (!Buffer.isBuffer(said)) return said.rule
      passed.push(Buffer.from(said))
    }
    const said = body.end()
    if (!Buffer.isBuffer(said)) return said.rule
    return Buffer.concat([...passed, said])
  } finally {
    body.dispose()
    must(room.take(UNPACKED_MAX), 'room was not given back')
  }
}

const bodies: Target = {
  name: 'scan',
  grammar: text,
  words: WORDS,
  ends: ['passed', 'secret', 'token', 'uninspectable'],
  run(bytes) {
    const random = chanceOf(bytes)
    const whole = scan([bytes], bytes.length, [])
    const stream = scan(pieces(random, bytes), undefined, [])
    for (const said of [whole, stream]) {
      if (typeof said === 'string') continue
      must(said.equals(bytes), 'what passed was changed')
      must(!bytes.includes(SECRET), 'a secret in plain was passed')
    }
    return typeof whole === 'string' ? (whole.split('/')[0] ?? '') : 'passed'
  },
  costly: COSTLY,
}

const CODINGS = ['gzip', 'deflate', 'br', 'zstd', 'identity', 'x-gzip', 'unknown']

const decoders: Target = {
  name: 'decode',
  grammar(random) {
    const inner = random(20) === 0 ? Buffer.alloc(random(3_000_000), 97) : text(random)
    const pack = oneOf(random, [gzipSync, deflateSync, deflateRawSync, brotliCompressSync, zstdCompressSync, zipped, (bytes: Buffer) => bytes]) // prettier-ignore
    const packed = pack(inner)
    return random(3) === 0 ? oneOf(random, [gzipSync, zstdCompressSync])(packed) : packed
  },
  words: WORDS,
  ends: ['read', 'damaged', 'cut'],
  run(bytes) {
    let layers = 0
    for (const reading of each(bytes)) {
      layers += 1
      if ('opaque' in reading) continue
      must(reading.bytes.length <= Math.max(UNPACKED_MAX, bytes.length), 'a layer larger than it may be')
      const { start, end } = reading
      must(start >= 0 && start <= end && end <= bytes.length, 'a place outside')
      // They are read one at a time, and never more than a budget of them.
      if (layers > 1000) break
    }
    const random = chanceOf(bytes)
    const codings = Array.from({ length: 1 + random(3) }, () => oneOf(random, CODINGS))
    const content = decodeAll(codings, bytes)
    for (const coding of CODINGS) {
      const read = decodeAll([coding], bytes)
      if ('bytes' in read) return 'read'
    }
    return 'opaque' in content ? content.opaque : 'read'
  },
  costly: [],
}

const INFLATED_MAX = 1 << 20

const inflated: Target = {
  name: 'inflate',
  grammar(random) {
    const strategy = random(5)
    const inner =
      random(3) === 0 ? Buffer.alloc(random(400_000), signs(ALPHABET, 1 + random(9), random)) : text(random)
    const bytes = deflateRawSync(inner, { level: random(10), strategy, memLevel: 1 + random(9) })
    return random(3) === 0 ? Buffer.concat([bytes, Buffer.from('behind it')]) : bytes
  },
  words: ['\0\0\xff\xff', '\x03\0', '\x01', '\x05', '\x04', '\xff\xff', '\x4b'],
  ends: ['done', 'cut', 'damaged', 'too-large'],
  run(bytes) {
    const random = chanceOf(bytes)
    const most = oneOf(random, [100, INFLATED_MAX])
    const ours = inflate(Buffer.concat([Buffer.alloc(3), bytes]), 3, most)
    must(ours.bytes.length <= most, 'more than was asked for')
    const theirs = byZlib(bytes, most)
    if (typeof theirs === 'string') must(ours.end !== 'done', `zlib says ${theirs}`)
    else must(ours.end === 'done' && ours.bytes.equals(theirs), `zlib reads it, we say ${ours.end}`)
    return ours.end
  },
  costly: [
    (repeat) => deflateRawSync(Buffer.alloc(repeat)),
    (repeat) => deflateRawSync(Buffer.alloc(repeat, 'abcdefgh'), { level: 0 }),
    (repeat) => Buffer.from('000000ffff'.repeat(repeat), 'hex'),
    (repeat) => Buffer.alloc(repeat, 0x04),
  ],
}

function byZlib(bytes: Buffer, most: number): Buffer | string {
  try {
    return inflateRawSync(bytes, { maxOutputLength: most })
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  }
}

export const DETECT_TARGETS: readonly Target[] = [bodies, decoders, inflated]

/** Also those that are gathered. */
function* each(bytes: Buffer): Generator<Reading> {
  for (const one of readings(bytes)) {
    if ('each' in one) yield* one.each()
    else yield one
  }
}
