import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerQuery } from '../../../sidecars/egress/upstream/resolver.ts'
import { coversHost } from '../../../sidecars/policy/judge.ts'

const declared = ['allowed.test', '*.wild.test', 'localhost']
const ask = (query: Buffer): Buffer | undefined =>
  answerQuery(query, (name) => declared.some((host) => coversHost(host, name)))

const TYPES = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28, HTTPS: 65, ANY: 255 } as const

function query(
  name: string,
  type: number,
  options: { readonly flags?: number; readonly class?: number; readonly edns?: boolean } = {},
): Buffer {
  const header = Buffer.from([0xab, 0xcd, 0, 0, 0, 1, 0, 0, 0, 0, 0, options.edns ? 1 : 0])
  header.writeUInt16BE(options.flags ?? 0x0100, 2)
  const labels =
    name === ''
      ? []
      : name
          .split('.')
          .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  const edns = options.edns
    ? Buffer.from([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 4, 0, 10, 0, 0])
    : Buffer.alloc(0)
  return Buffer.concat([
    header,
    ...labels,
    Buffer.from([0, type >> 8, type & 255, 0, options.class ?? 1]),
    edns,
  ])
}

function read(answer: Buffer | undefined): { code: number; addresses: string[] } {
  if (answer === undefined) throw new Error('no answer')
  const count = answer.readUInt16BE(6)
  const at = answer.indexOf(Buffer.from([0xc0, 12]))
  return {
    code: answer.readUInt16BE(2) & 15,
    addresses: count === 0 ? [] : [[...answer.subarray(at + 12, at + 16)].join('.')],
  }
}

test.each(['allowed.test', 'ALLOWED.Test', 'x.wild.test'])(
  '%s has the address of the transparent listeners',
  (name) => {
    expect(read(ask(query(name, TYPES.A)))).toEqual({ code: 0, addresses: ['127.0.0.2'] })
    expect(read(ask(query(name, TYPES.A, { edns: true })))).toEqual({ code: 0, addresses: ['127.0.0.2'] })
  },
)

test.each(['NS', 'CNAME', 'PTR', 'MX', 'TXT', 'AAAA', 'HTTPS'] as const)(
  '(DNS-09) a declared name has no record of type %s, and exists',
  (type) => {
    expect(read(ask(query('allowed.test', TYPES[type])))).toEqual({ code: 0, addresses: [] })
  },
)

test.each([
  'denied.test',
  'x.allowed.test',
  'wild.test',
  'y.x.wild.test',
  'localhost',
  'allowed',
  'egress',
  '',
  '1.0.0.127.in-addr.arpa',
  'host.docker.internal',
  'a_b.wild.test',
])('(DNS-06) (DNS-07) %j does not exist', (name) => {
  expect(read(ask(query(name, TYPES.A)))).toEqual({ code: 3, addresses: [] })
})

test('the answer repeats the id, the question and whether recursion was wanted', () => {
  const asked = query('allowed.test', TYPES.A)
  const said = ask(asked)!
  expect(said.subarray(0, 2)).toEqual(asked.subarray(0, 2))
  expect(said.subarray(12, asked.length)).toEqual(asked.subarray(12))
  expect(said.readUInt16BE(2)).toBe(0x8580)
})

test('other opcodes are not implemented, other classes refused, answers ignored', () => {
  expect(read(ask(query('allowed.test', TYPES.A, { flags: 0x2800 }))).code).toBe(4)
  expect(read(ask(query('allowed.test', TYPES.A, { class: 3 }))).code).toBe(5)
  expect(ask(query('allowed.test', TYPES.A, { flags: 0x8000 }))).toBeUndefined()
})

test('a name with a dot inside a label, a pointer, or bytes after the question is malformed', () => {
  const dotted = query('allowed.test', TYPES.A)
  dotted[20] = 46
  expect(read(ask(dotted)).code).not.toBe(0)
  const pointer = Buffer.concat([query('', TYPES.A).subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])
  expect(read(ask(pointer)).code).toBe(1)
  expect(read(ask(Buffer.concat([query('allowed.test', TYPES.A), Buffer.from('x')]))).code).toBe(1)
})

test('(PXY-35) no packet makes it throw, and none but a declared name gets an address', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 600 }),
        fc
          .tuple(
            fc.constantFrom('allowed.test', 'x.wild.test', 'a.b'),
            fc.nat(255),
            fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
          )
          .map(([name, type, edits]) => {
            const bytes = query(name, type)
            for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value
            return bytes
          }),
      ),
      (bytes) => {
        const said = ask(Buffer.from(bytes))
        if (said !== undefined) expect(said.length).toBeLessThanOrEqual(bytes.length + 40)
      },
    ),
    { numRuns: 2000 },
  )
})
