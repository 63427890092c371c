import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Receiver } from 'ws'
import { FrameReader, Violation } from '../../../sidecars/egress/websocket/frames.ts'
import type { Frame, Sender } from '../../../sidecars/egress/websocket/frames.ts'
import { FrameWriter } from '../../../sidecars/egress/websocket/writing.ts'
import { Utf8Check, Utf8Mender } from '../../../sidecars/egress/websocket/utf8.ts'
import { closing, frame, framesOf, MASK, sequence } from './websocket-lab.ts'
import type { Written } from './websocket-lab.ts'

declare module 'ws' {
  /** The package's own parser, which its types leave out. */
  // oxlint-disable-next-line no-unused-vars -- it augments the package's types
  class Receiver extends Writable {
    constructor(options: { readonly isServer: boolean })
  }
}

/** What the `ws` package makes of bytes, in the words of `told`. */
function byPackage(sender: Sender, bytes: Buffer): readonly string[] {
  const words: string[] = []
  const receiver = new Receiver({ isServer: sender === 'agent' })
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    words.push(`${isBinary ? 'binary' : 'text'}:${data.toString('latin1')}`),
  )
  receiver.on('ping', (data: Buffer) => words.push(`ping:${data.toString('latin1')}`))
  receiver.on('pong', (data: Buffer) => words.push(`pong:${data.toString('latin1')}`))
  receiver.on('conclude', (code: number, reason: Buffer) =>
    words.push(`close${code === 1005 ? undefined : code}:${reason.toString('latin1')}`),
  )
  receiver.on('error', ({ message }) => words.push(`refused by ws: ${message}`))
  receiver.write(bytes)
  return words
}

/** What a reader makes of bytes that arrive in pieces of a size; the code of a violation ends the list. */
function read(sender: Sender, bytes: Buffer, size = bytes.length, max?: number): readonly (Frame | number)[] {
  const reader = new FrameReader(sender, max)
  const found: (Frame | number)[] = []
  try {
    for (let at = 0; at < bytes.length; at += Math.max(1, size)) {
      // A reader owns what it is fed.
      reader.feed(Buffer.from(bytes.subarray(at, at + Math.max(1, size))))
      for (let next = reader.next(); next; next = reader.next())
        found.push({ ...next, bytes: Buffer.from(next.bytes) })
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    found.push(error.code)
  }
  return found
}

/** Whole messages, control frames and violations, in words. */
function told(found: readonly (Frame | number)[]): readonly string[] {
  const words: string[] = []
  let open: Buffer[] = []
  for (const one of found) {
    if (typeof one === 'number') words.push(`${one}`)
    else if (one.kind === 'text' || one.kind === 'binary') {
      open.push(one.bytes)
      if (!one.last) continue
      words.push(`${one.kind}:${Buffer.concat(open).toString('latin1')}`)
      open = []
    } else words.push(`${one.kind}${one.kind === 'close' ? one.code : ''}:${one.bytes.toString('latin1')}`)
  }
  return words
}

const AE = Buffer.from('ä')
const REFUSED: readonly (readonly [string, readonly Written[], number])[] = [
  ['a reserved bit', [{ reserved: 4, payload: 'x' }], 1002],
  ['each reserved bit', [{ reserved: 1 }], 1002],
  ['a reserved data opcode', [{ opcode: 3 }], 1002],
  ['a reserved control opcode', [{ opcode: 11 }], 1002],
  ['a ping in fragments', [{ opcode: 9, final: false }], 1002],
  ['a ping of 126 bytes', [{ opcode: 9, payload: 'p'.repeat(126) }], 1002],
  ['a close of 126 bytes', [{ opcode: 8, payload: closing(1000, 'r'.repeat(124)) }], 1002],
  ['a continuation of nothing', [{ opcode: 0, payload: 'x' }], 1002],
  ['a continuation after the end', [{ payload: 'x' }, { opcode: 0, payload: 'x' }], 1002],
  ['a text inside a message', [{ payload: 'x', final: false }, { payload: 'x' }], 1002],
  ['a binary inside a message', [{ payload: 'x', final: false }, { opcode: 2 }], 1002],
  ['125 bytes in a field of 16 bits', [{ payload: 'x'.repeat(125), lengthBytes: 2 }], 1002],
  ['65,535 bytes in a field of 64 bits', [{ opcode: 2, payload: 'x'.repeat(65_535), lengthBytes: 8 }], 1002],
  ['a length of 64 bits', [{ opcode: 2, lengthBytes: 8, length: 1n << 63n }], 1002],
  ['a length that no number holds', [{ opcode: 2, lengthBytes: 8, length: 1n << 53n }], 1009],
  ['a close of one byte', [{ opcode: 8, payload: 'x' }], 1002],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map(
    (code) => [`a close with ${code}`, [{ opcode: 8, payload: closing(code) }], 1002] as const,
  ),
  [
    'a reason that is not UTF-8',
    [{ opcode: 8, payload: Buffer.concat([closing(1000), Buffer.from([0xff])]) }],
    1007,
  ],
  ['a text that is not UTF-8', [{ payload: Buffer.from([0xce, 0xba, 0xff]) }], 1007],
  ['an overlong character', [{ payload: Buffer.from([0xc0, 0xaf]) }], 1007],
  ['a surrogate', [{ payload: Buffer.from([0xed, 0xa0, 0x80]) }], 1007],
  ['a character above the last', [{ payload: Buffer.from([0xf4, 0x90, 0x80, 0x80]) }], 1007],
  ['a text that ends inside a character', [{ payload: AE.subarray(0, 1) }], 1007],
  [
    'fragments that end inside a character',
    [
      { payload: 'a', final: false },
      { opcode: 0, payload: AE.subarray(0, 1) },
    ],
    1007,
  ],
]

const ACCEPTED: readonly (readonly [string, readonly Written[], readonly string[]])[] = [
  ['an empty text', [{}], ['text:']],
  ['an empty binary', [{ opcode: 2 }], ['binary:']],
  ['empty fragments', [{ final: false }, { opcode: 0, final: false }, { opcode: 0 }], ['text:']],
  [
    'a character cut by fragments',
    [
      { payload: AE.subarray(0, 1), final: false },
      { opcode: 0, payload: AE.subarray(1) },
    ],
    [`text:${AE.toString('latin1')}`],
  ],
  [
    'a ping inside a message',
    [
      { payload: 'a', final: false },
      { opcode: 9, payload: 'p' },
      { opcode: 0, payload: 'b' },
    ],
    ['ping:p', 'text:ab'],
  ],
  ['a close inside a message', [{ payload: 'a', final: false }, { opcode: 8 }], ['closeundefined:']],
  ['bytes that are no text', [{ opcode: 2, payload: Buffer.from([0xff, 0]) }], ['binary:\xff\0']],
  ['an unasked pong', [{ opcode: 10, payload: 'p' }], ['pong:p']],
  [
    'control frames of 125 bytes',
    [
      { opcode: 9, payload: 'p'.repeat(125) },
      { opcode: 8, payload: closing(1000, 'r'.repeat(123)) },
    ],
    [`ping:${'p'.repeat(125)}`, `close1000:${'r'.repeat(123)}`],
  ],
  ...[125, 126, 65_535, 65_536].map(
    (length) =>
      [
        `${length} bytes`,
        [{ opcode: 2, payload: 'x'.repeat(length) }],
        [`binary:${'x'.repeat(length)}`],
      ] as const,
  ),
  ...[1000, 1003, 1007, 1011, 1014, 3000, 4999].map(
    (code) =>
      [`a close with ${code}`, [{ opcode: 8, payload: closing(code, 'why') }], [`close${code}:why`]] as const,
  ),
  [
    'nothing of what follows a close',
    [{ opcode: 8 }, { payload: 'late' }, { opcode: 15 }],
    ['closeundefined:'],
  ],
]

describe.each([
  ['agent', MASK],
  ['upstream', undefined],
] as const)('frames of an %s', (sender, mask) => {
  const written = (frames: readonly Written[]): Buffer =>
    Buffer.concat(frames.map((one) => frame({ ...one, mask })))

  it.each(REFUSED)('are refused for %s, however they arrive', (_, frames, code) => {
    const bytes = written(frames)
    for (const size of [bytes.length, 7, 1]) expect(told(read(sender, bytes, size)).at(-1)).toBe(`${code}`)
  })

  it.each(ACCEPTED)('may be %s, however they arrive', (_, frames, expected) => {
    const bytes = written(frames)
    for (const size of [bytes.length, 7, 1]) expect(told(read(sender, bytes, size))).toEqual(expected)
  })

  it('are refused with the mask of the other side', () => {
    const other = frame({ payload: 'x', mask: mask ? undefined : MASK })
    expect(read(sender, other)).toEqual([1002])
  })

  it('are refused by the length they announce, before the payload has come', () => {
    const bytes = written([
      { payload: '12345678', final: false },
      { opcode: 0, payload: '9' },
    ])
    expect(told(read(sender, bytes, undefined, 9))).toEqual(['text:123456789'])
    expect(read(sender, bytes, undefined, 8).at(-1)).toBe(1009)
    expect(read(sender, bytes.subarray(0, 2 + (mask ? 4 : 0)), undefined, 7)).toEqual([1009])
  })
})

// ── properties ───────────────────────────────────────────────────────────────────────────────────

const side = fc.constantFrom<Sender>('agent', 'upstream')

/** Reads bytes as one side's and writes what was accepted as the door does towards the other. */
function passedOn(sender: Sender, bytes: Buffer, size: number): Buffer {
  const writer = new FrameWriter(sender === 'agent')
  const out: Buffer[] = []
  for (const one of read(sender, bytes, size)) {
    if (typeof one === 'number') break
    if (one.kind === 'text' || one.kind === 'binary') out.push(writer.message(one.kind, one.bytes, one.last))
    else if (one.kind === 'close') out.push(writer.close(one.code, one.bytes))
    else out.push(writer.control(one.kind, one.bytes))
  }
  return Buffer.concat(out)
}

describe('any sequence of frames', () => {
  it('is delivered message by message as it was, in whatever pieces it arrives', () => {
    fc.assert(
      fc.property(sequence, side, fc.integer({ min: 1, max: 400 }), ({ frames, meaning }, sender, size) => {
        const mask = sender === 'agent' ? MASK : undefined
        const bytes = Buffer.concat(frames.map((one) => frame({ ...one, mask })))
        const on = passedOn(sender, bytes, size)
        // What the door writes is read by the other end as an agent's, or as an upstream's.
        expect(told(read(sender, on))).toEqual(meaning)
        expect(framesOf(on.toString('latin1')).every(({ masked }) => masked === (sender === 'agent'))).toBe(
          true,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('that was changed anywhere passes on only what is well-formed, the same in whatever pieces it arrives', () => {
    const edit = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      what: fc.constantFrom('set', 'drop', 'insert', 'cut'),
    })
    fc.assert(
      fc.property(
        sequence,
        side,
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 64 }),
        ({ frames }, sender, edits, size) => {
          const mask = sender === 'agent' ? MASK : undefined
          let bytes = Buffer.concat(frames.map((one) => frame({ ...one, mask })))
          for (const { at, byte, what } of edits) {
            const place = at % (bytes.length + 1)
            const rest = bytes.subarray(what === 'cut' ? bytes.length : what === 'insert' ? place : place + 1)
            const put = what === 'set' || what === 'insert' ? [byte] : []
            bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from(put), rest])
          }
          const on = passedOn(sender, bytes, size)
          const accepted = told(read(sender, bytes, size))
          expect(accepted).toEqual(told(read(sender, bytes)))
          const meaning = accepted.filter((word) => !/^\d+$/.test(word))
          expect(told(read(sender, on))).toEqual(meaning)
          expect(byPackage(sender, on)).toEqual(meaning)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('of random bytes ends in frames or in a violation, and never in another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), side, (bytes, sender) => {
        read(sender, Buffer.from(bytes))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('UTF-8 in pieces', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 8 })
  const decodes = (bytes: Buffer): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      return true
    } catch {
      return false
    }
  }

  it('is judged as a decoder judges the whole', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((one) => [...Buffer.from(one)].map((byte) => Uint8Array.of(byte)))
    fc.assert(
      fc.property(fc.oneof(pieces, text), (parts) => {
        const check = new Utf8Check()
        const good = parts.every((part) => check.push(Buffer.from(part))) && check.complete
        expect(good).toBe(decodes(Buffer.concat(parts)))
      }),
      { numRuns: 2000 },
    )
  })

  it('is mended to the same length, well-formed, and left alone where it is well-formed', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const whole = Buffer.concat(parts)
        const mender = new Utf8Mender()
        const out = Buffer.concat([
          ...parts.map((part) => Buffer.from(mender.push(Buffer.from(part)))),
          mender.end(),
        ])
        expect(out).toHaveLength(whole.length)
        expect(decodes(out)).toBe(true)
        if (decodes(whole)) expect(out.equals(whole)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
