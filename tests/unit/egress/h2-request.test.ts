import { expect, test } from 'vitest'
import { requestOf } from '../../../sidecars/egress/h2/request.ts'
import { LIMITS } from '../../../sidecars/http/limits.ts'
import { parseAuthority } from '../../../sidecars/policy/authority.ts'
import type { ParsedRequest } from '../../../sidecars/egress/exchange/request.ts'

const authority = parseAuthority('allowed.test:443')
const HEAD = [':method', 'POST', ':scheme', 'https', ':authority', 'allowed.test', ':path', '/a?b=c']

function read(fields: readonly string[], ended = false): ParsedRequest {
  if (!authority.ok) throw new Error('the name is canonical')
  return requestOf([...HEAD, ...fields], ended, authority.value, LIMITS)
}

test('a stream is the value that a request of HTTP/1.1 is', () => {
  expect(read(['x-a', 'b', 'te', 'trailers'])).toEqual({
    method: 'POST',
    scheme: 'https',
    authority: { host: 'allowed.test', port: 443 },
    path: '/a',
    query: 'b=c',
    version: '1.1',
    fields: [
      { name: 'x-a', key: 'x-a', value: 'b' },
      { name: 'te', key: 'te', value: 'trailers' },
    ],
    framing: { kind: 'chunked' },
    keepAlive: true,
    expectsContinue: false,
  })
})

test('its body is as long as it says, has no end that is known, or is none', () => {
  expect(read(['content-length', '7']).framing).toEqual({ kind: 'length', length: 7 })
  expect(read([]).framing).toEqual({ kind: 'chunked' })
  expect(read(['content-length', '0'], true).framing).toEqual({ kind: 'none' })
  expect(() => read(['content-length', '7'], true)).toThrow('body ended early')
})

test('the crumbs of a cookie are one field again before anybody judges it', () => {
  expect(read(['cookie', 'a=1', 'x-a', 'b', 'cookie', 'c=2']).fields).toEqual([
    { name: 'x-a', key: 'x-a', value: 'b' },
    { name: 'cookie', key: 'cookie', value: 'a=1; c=2' },
  ])
})

test.each([
  ['a name in capitals', ['X-A', 'b']],
  ['a name with a colon', ['x:a', 'b']],
  ['an empty name', ['', 'b']],
  ['a value with a line in it', ['x-a', 'b\r\nc: d']],
  ['a value with blanks around it', ['x-a', ' b']],
])('%s is no field', (_what, fields) => {
  expect(() => read(fields)).toThrow()
})

test('a head is as large as its names and values and 32 bytes for each', () => {
  const field = ['x-a', 'x'.repeat(965)]
  const many = (count: number): readonly string[] => Array.from({ length: count }, () => field).flat()
  expect(read(many(65)).fields).toHaveLength(65)
  expect(() => read(many(66))).toThrow('head too large')
})
