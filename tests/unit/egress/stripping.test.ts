import { expect, test } from 'vitest'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { stripQuery } from '../../../sidecars/policy/strip.ts'
import { passedFields } from '../../../sidecars/egress/exchange/outgoing.ts'

const route: RoutePolicy = {
  host: 'allowed.test',
  port: 443,
  scheme: 'https',
  tlsPassthrough: false,
  allowPrivate: false,
  gitFetch: false,
}

test.each([
  ['a=1&access_token=x&b=2', 'a=1&b=2'],
  ['a=1;access_token=x;b=2', 'a=1;b=2'],
  ['access_token=x;b=2&c=3', 'b=2&c=3'],
  ['a=1;b&api%5Fkey=x', 'a=1;b'],
  ['a=1;;b=2&', 'a=1;;b=2&'],
])('(CRD-03) the query %s goes on as %s, whichever separator the server knows', (query, sent) => {
  expect(stripQuery(query, route)).toBe(sent)
})

test.each(['Range', 'If-Range', 'x-ms-range', 'Request-Range', 'X_MS_Range', 'Accept-Encoding'])(
  '(CRD-07) %s is not passed where the answer has to be searched whole',
  (name) => {
    const fields = [{ name, key: name.toLowerCase(), value: 'bytes=0-1' }]
    expect(passedFields(fields, true)).toEqual([])
    expect(passedFields(fields, false)).toEqual(fields)
  },
)
