/** The binary ones: ClientHello, WebSocket frames, DNS queries. */
import { isUtf8 } from 'node:buffer'
import type { Random } from '../../sidecars/detect/samples.ts'
import { readHello } from '../../sidecars/egress/client/hello.ts'
import { answerQuery } from '../../sidecars/egress/upstream/resolver.ts'
import { FrameReader, Violation } from '../../sidecars/egress/websocket/frames.ts'
import { chanceOf, latin1, must, oneOf, pieces } from './target.ts'
import type { Target } from './target.ts'

const u8 = (value: number): Buffer => Buffer.from([value & 255])
const u16 = (value: number): Buffer => Buffer.from([(value >> 8) & 255, value & 255])
const vector = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])

// ── ClientHello ──────────────────────────────────────────────────────────────────────────────────

function helloMessage(random: Random): Buffer {
  const extension = (): Buffer => {
    const type = oneOf(random, [0, 0, 10, 16, 43, 51, 0xfe0d, 0x0a0a, random(65_536)])
    const name = latin1(oneOf(random, ['allowed.test', 'a', '', 'x'.repeat(300), 'allowed\0test']))
    const names = Buffer.concat([u8(random(4) === 0 ? random(3) : 0), vector(name)])
    return Buffer.concat([u16(type), vector(type === 0 ? vector(names) : Buffer.alloc(random(60)))])
  }
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, random(256)),
    u8(32),
    Buffer.alloc(32),
    vector(Buffer.alloc(2 * (1 + random(9)), 0x13)),
    Buffer.from([1, 0]),
    vector(Buffer.concat(Array.from({ length: random(6) }, extension))),
  ])
  return Buffer.concat([Buffer.from([1, 0]), u16(body.length), body])
}

function records(message: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size)
    parts.push(Buffer.from([22, 3, 1]), vector(message.subarray(at, at + size)))
  return Buffer.concat(parts)
}

const hello: Target = {
  name: 'hello',
  grammar: (random) => records(helloMessage(random), oneOf(random, [3, 17, 100, 16_000])),
  words: ['\x16\x03\x01', '\x16\x03\x03\0\x01\x01', '\x15\x03\x01\0\x02\x01\0', '\0\0', '\xfe\x0d', 'allowed.test'], // prettier-ignore
  ends: ['partial', 'invalid', 'named', 'nameless', 'encrypted'],
  run(bytes) {
    const said = readHello(bytes)
    const random = chanceOf(bytes)
    for (let count = 0; count < 4; count++) {
      const before = readHello(bytes.subarray(0, random(bytes.length + 1)))
      // What has been decided stays so, whatever follows.
      if (before.state === 'invalid') must(said.state === 'invalid', 'valid again')
      if (before.state === 'hello' && said.state === 'hello')
        must(before.hello.serverName === said.hello.serverName, 'another name')
      if (said.state === 'partial') must(before.state === 'partial', 'not known any more')
    }
    if (said.state !== 'hello') return said.state
    if (said.hello.encryptedHello) return 'encrypted'
    return said.hello.serverName === undefined ? 'nameless' : 'named'
  },
  costly: [
    (repeat) => records(Buffer.concat([Buffer.from([1, 0, 255, 255]), Buffer.alloc(repeat)]), 1),
    (repeat) => records(Buffer.concat([Buffer.from([1, 0, 255, 255]), Buffer.alloc(repeat)]), 250),
    (repeat) => Buffer.alloc(repeat, 22),
  ],
}

// ── WebSocket ────────────────────────────────────────────────────────────────────────────────────

function frame(random: Random, masked: boolean): Buffer {
  const opcode = oneOf(random, [0, 1, 1, 2, 2, 8, 9, 10, random(16)])
  const payload = opcode === 8 && random(2) === 0 ? Buffer.concat([u16(1000), latin1('bye')]) : Buffer.from('häé😀'.repeat(random(oneOf(random, [1, 3, 40, 9000])))) // prettier-ignore
  const { length } = payload
  const short = length < 126 ? length : length < 65_536 ? 126 : 127
  const long = Buffer.alloc(8)
  long.writeBigUInt64BE(BigInt(length))
  const extended = short < 126 ? Buffer.alloc(0) : short === 126 ? u16(length) : long
  const mask = Buffer.from([random(256), random(256), random(256), random(256)])
  const first = (random(4) === 0 ? 0 : 0x80) | (random(20) === 0 ? 0x40 : 0) | opcode
  const body = masked ? Buffer.from(payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0))) : payload
  return Buffer.concat([u8(first), u8((masked ? 0x80 : 0) | short), extended, masked ? mask : Buffer.alloc(0), body]) // prettier-ignore
}

function readFrames(said: readonly Buffer[], sender: 'agent' | 'upstream', max: number): readonly string[] {
  const reader = new FrameReader(sender, max)
  const words: string[] = []
  let text = ''
  try {
    for (const piece of said) {
      reader.feed(piece)
      for (let next = reader.next(); next; next = reader.next()) {
        const bytes = next.bytes.toString('latin1')
        if (next.kind !== 'text' && next.kind !== 'binary') {
          words.push(`${next.kind} ${'code' in next ? next.code : ''} ${bytes}`)
          continue
        }
        text += bytes
        if (!next.last) continue
        must(next.kind === 'binary' || isUtf8(latin1(text)), 'a text that is none was handed on')
        words.push(`${next.kind} ${text}`)
        text = ''
      }
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    words.push(`violation ${error.code}`)
  }
  return words
}

const websocket: Target = {
  name: 'websocket',
  grammar: (random) => {
    const masked = random(2) === 0
    return Buffer.concat(Array.from({ length: 1 + random(5) }, () => frame(random, masked)))
  },
  words: ['\x81\x80\0\0\0\0', '\x88\x80\0\0\0\0', '\x89\x00', '\x81\x7e\x00\x01', '\x82\x7f\0\0\0\0\0\0\0\x01', '\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff', '\x00\x80', '\xf0\x9f\x98', '\xed\xa0\x80'], // prettier-ignore
  ends: ['nothing', 'violation', 'text', 'binary', 'ping', 'pong', 'close'],
  run(bytes) {
    const random = chanceOf(bytes)
    const max = oneOf(random, [Number.POSITIVE_INFINITY, 20_000])
    const sender = ((bytes[1] ?? 0) & 0x80) === 0 ? 'upstream' : 'agent'
    const whole = readFrames([Buffer.from(bytes)], sender, max)
    const cut = readFrames(pieces(random, bytes), sender, max)
    must(JSON.stringify(cut) === JSON.stringify(whole), 'reads something else in pieces')
    return whole.at(-1)?.split(' ')[0] ?? 'nothing'
  },
  costly: [
    (repeat) => Buffer.from('8180000000'.repeat(repeat), 'hex'),
    (repeat) => Buffer.from('8900'.repeat(repeat), 'hex'),
    (repeat) => Buffer.concat([Buffer.from('017f00000000000fffff', 'hex'), Buffer.alloc(repeat, 'x')]),
    (repeat) => Buffer.concat([Buffer.from('0100', 'hex'), Buffer.from('0000'.repeat(repeat), 'hex')]),
  ],
}

// ── DNS ──────────────────────────────────────────────────────────────────────────────────────────

function query(random: Random): Buffer {
  const labels =
    oneOf(random, ['allowed.test', 'x.wild.test', 'other.test', 'a', '', `${'a'.repeat(63)}.test`, 'ALLOWED.test', '\xff\xfe.test']) // prettier-ignore
      .split('.')
      .filter((label) => label !== '')
      .map((label) => Buffer.concat([u8(label.length), latin1(label)]))
  const edns = random(2) === 0
  const header = Buffer.concat([u16(random(65_536)), u16(oneOf(random, [0x0100, 0, 0x8100, 0x2800])), u16(1), u16(0), u16(0), u16(edns ? 1 : 0)]) // prettier-ignore
  const asked = Buffer.concat([...labels, u8(0), u16(oneOf(random, [1, 28, 16, 255, 65])), u16(oneOf(random, [1, 1, 3, 255]))]) // prettier-ignore
  return Buffer.concat([header, asked, edns ? Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]) : Buffer.alloc(0)]) // prettier-ignore
}

const resolver: Target = {
  name: 'resolver',
  grammar: query,
  words: ['\xc0\x0c', '\x07allowed\x04test\0', '\0', '\x3f', '\xff', '\0\x01\0\x01', '\0\0\x29'],
  ends: ['silent', 'code 0', 'code 1', 'code 3', 'code 4', 'code 5'],
  run(bytes) {
    let isDeclared = false
    const said = answerQuery(bytes, (name) => {
      isDeclared = name === 'allowed.test' || name.endsWith('.wild.test')
      return isDeclared
    })
    if (said === undefined) return 'silent'
    must(said.length <= bytes.length + 64, 'an answer much longer than its question')
    must(said.readUInt16BE(0) === bytes.readUInt16BE(0) && (said[2] ?? 0) >= 0x80, 'no answer to it')
    must(said.readUInt16BE(6) === 0 || isDeclared, 'an address for an undeclared name')
    return `code ${(said[3] ?? 0) & 15}`
  },
  costly: [
    (repeat) => Buffer.concat([query(() => 0).subarray(0, 12), Buffer.from('0161'.repeat(repeat), 'hex')]),
    (repeat) => Buffer.concat([query(() => 0), Buffer.alloc(repeat)]),
  ],
}

export const FRAME_TARGETS: readonly Target[] = [hello, websocket, resolver]
