import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Malformed, parseField } from '../../../sidecars/http/head.ts'
import { readHello } from '../../../sidecars/egress/client/hello.ts'
import { VECTORS } from './cases/framing.ts'
import { endOfRequest } from './lab.ts'
import { ours } from './parsers-ours.ts'

/** What is read; how it goes on depends on the pieces, where it is chunked. */
const read = async (pieces: readonly Buffer[]) =>
  (await ours(pieces)).map(({ method, target, body }) => ({ method, target, body }))

const cut = (text: string, cuts: readonly number[]): Buffer[] => {
  const places = [...new Set([0, ...cuts.map((at) => at % (text.length + 1)), text.length])].sort(
    (a, b) => a - b,
  )
  return places.slice(1).map((end, at) => Buffer.from(text.slice(places[at], end), 'latin1'))
}

const mutated = fc
  .tuple(
    fc.constantFrom(
      ...Object.values(VECTORS),
      'GET /a HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
      'POST /b HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 3\r\n\r\nabc',
      'POST /c HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ),
    fc.array(
      fc.tuple(
        fc.nat(200),
        fc.constantFrom(
          '',
          ' ',
          '\t',
          '\r',
          '\n',
          '\r\n',
          '\0',
          ':',
          ';',
          ',',
          '0',
          'chunked',
          'Content-Length: 4\r\n',
          '\u00ff',
        ),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce(
      (edited, [at, put]) => `${edited.slice(0, at)}${put}${edited.slice(at + (put === '' ? 1 : 0))}`,
      text,
    ),
  )

test('[PXY-35] what our parser reads does not depend on how it was cut', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, fc.array(fc.nat(300), { maxLength: 20 }), async (text, cuts) => {
      const whole = await read([Buffer.from(text + text, 'latin1')])
      expect(await read(cut(text + text, cuts))).toEqual(whole)
    }),
    { numRuns: 1500 },
  )
})

test('[PXY-35] a request that our parser takes is one for a second parser too', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, async (text) => {
      let rest = text
      for (const request of await ours([Buffer.from(text, 'latin1')])) {
        const end = endOfRequest(rest)
        expect(end).toBeGreaterThan(0)
        expect(rest.startsWith(`${request.method} ${request.target} HTTP/1.`)).toBe(true)
        rest = rest.slice(end)
      }
    }),
    { numRuns: 1500 },
  )
})

/** Milliseconds. A door that computes serves nobody and can be told nothing, also not that a route is closed. */
const took = (work: () => void): number => {
  const began = performance.now()
  work()
  return performance.now() - began
}

test('(PXY-34) a field costs no more than its length, whatever is in it', () => {
  for (const [before, after] of [
    ['a:', '\u0001'],
    ['a:b', '\u0001'],
    ['a:', ''],
    ['a', ':'],
  ] as const) {
    const line = `${before}${' '.repeat(64_000)}${after}`
    expect(
      took(() => {
        try {
          parseField(line)
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed)
        }
      }),
    ).toBeLessThan(1000)
  }
})

// ── ClientHello ──────────────────────────────────────────────────────────────────────────────────

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
const vector = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])
const extension = (type: number, content: Buffer): Buffer => Buffer.concat([u16(type), vector(content)])
const serverName = (...names: string[]): Buffer =>
  extension(
    0,
    vector(Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0]), vector(Buffer.from(name))])))),
  )

function hello(...extensions: readonly Buffer[]): Buffer {
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 1),
    Buffer.from([0]),
    vector(u16(0x1301)),
    Buffer.from([1, 0]),
    vector(Buffer.concat(extensions)),
  ])
  return Buffer.concat([Buffer.from([1, 0]), u16(body.length), body])
}
const records = (message: Buffer, size: number): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size)
    parts.push(Buffer.from([22, 3, 1]), vector(message.subarray(at, at + size)))
  return Buffer.concat(parts)
}

test('(TLS-07) the server name is read whatever the records and pieces', () => {
  for (const size of [1, 7, 50, 16_000]) {
    const bytes = records(hello(serverName('allowed.test')), size)
    expect(readHello(bytes)).toEqual({
      state: 'hello',
      hello: { serverName: 'allowed.test', encryptedHello: false },
    })
    for (let end = 0; end < bytes.length; end++)
      expect(readHello(bytes.subarray(0, end)).state).toBe('partial')
  }
})

test('(PXY-34) a hello in ten thousand records is refused before it costs anything', () => {
  const drips = records(Buffer.concat([Buffer.from([1, 0, 234, 96]), Buffer.alloc(10_000)]), 1)
  expect(took(() => expect(readHello(drips).state).toBe('invalid'))).toBeLessThan(1000)
})

test('(TLS-07) an encrypted hello is seen, two names, a doubled extension or bytes left over are invalid', () => {
  expect(
    readHello(records(hello(serverName('a.test'), extension(0xfe0d, Buffer.alloc(8))), 999)),
  ).toMatchObject({ hello: { encryptedHello: true } })
  expect(readHello(records(hello(), 999))).toEqual({ state: 'hello', hello: { encryptedHello: false } })
  for (const wrong of [
    hello(serverName('a.test', 'b.test')),
    hello(serverName('a.test'), serverName('b.test')),
    hello(serverName('')),
    hello(extension(0, Buffer.alloc(0))),
  ])
    expect(readHello(records(wrong, 999)).state).toBe('invalid')
  expect(readHello(Buffer.concat([records(hello(serverName('a.test')), 999), Buffer.from('x')])).state).toBe(
    'hello',
  )
  expect(readHello(records(Buffer.concat([hello(serverName('a.test')), Buffer.from('x')]), 999)).state).toBe(
    'invalid',
  )
  expect(readHello(Buffer.from('80', 'hex')).state).toBe('invalid')
})

test('[PXY-35] no bytes make the parser of hellos throw', () => {
  const good = records(hello(serverName('allowed.test')), 40)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(good.length),
      (edits, end) => {
        const bytes = Buffer.from(good.subarray(0, end))
        for (const [at, put] of edits) if (at < bytes.length) bytes[at] = put
        expect(['partial', 'invalid', 'hello']).toContain(readHello(bytes).state)
      },
    ),
    { numRuns: 3000 },
  )
})
