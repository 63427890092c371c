import { describe, expect, test } from 'vitest'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { narrowed, widensOnly } from '../../../sidecars/policy/change.ts'
import { issuerHosts, uplinkTargets } from '../../../sidecars/policy/targets.ts'

const route = (fields: Partial<RoutePolicy> = {}): RoutePolicy => ({
  host: 'allowed.test',
  port: 443,
  scheme: 'https',
  tlsPassthrough: false,
  allowPrivate: false,
  gitFetch: false,
  ...fields,
})
const A = { paths: [{ prefix: '/a/' }] }
const B = { paths: [{ prefix: '/b/' }] }

test('(ISO-03) a repository that goes behind the gate closes its API, one that leaves opens it', () => {
  const [none, app, both] = [undefined, ['acme/app'], ['acme/app', 'acme/docs']].map((gated) =>
    route({ ...(gated && { gated }) }),
  ) as [RoutePolicy, RoutePolicy, RoutePolicy]
  expect(narrowed(none, app)).toEqual(app)
  expect(narrowed(app, none)).toEqual(app)
  expect(narrowed(both, app)).toEqual(both)
  expect([widensOnly(none, app), widensOnly(app, both)]).toEqual([false, false])
  expect([widensOnly(app, none), widensOnly(both, app), widensOnly(app, app)]).toEqual([true, true, true])
})

test('(ISO-03) between two lists of matches only what is in both stays open', () => {
  expect(narrowed(route({ matches: [A, B] }), route({ matches: [B] }))).toEqual(route({ matches: [B] }))
  expect(narrowed(route({ matches: [A] }), route({ matches: [B] }))).toEqual(route({ matches: [] }))
  expect(narrowed(route(), route({ matches: [B] }))).toEqual(route({ matches: [B] }))
  expect(narrowed(route({ protocols: ['h2', 'websocket'] }), route({ protocols: ['websocket'] }))).toEqual(
    route({ protocols: ['websocket'] }),
  )
  expect(narrowed(route(), route({ protocols: ['websocket'] }))).toEqual(route())
  const WIDE = { methods: ['GET', 'PUT'], paths: [{ prefix: '/repos/' }] }
  const NARROW = {
    methods: ['GET'],
    paths: [{ prefix: '/repos/acme/' }, { exact: '/repos/x' }],
    headers: { a: { exact: 'b' } },
  }
  for (const [from, to] of [
    [WIDE, NARROW],
    [NARROW, WIDE],
  ] as const)
    expect(narrowed(route({ matches: [from] }), route({ matches: [to] }))).toEqual(
      route({ matches: [NARROW] }),
    )
  for (const other of [
    { ...NARROW, methods: ['POST'] },
    { ...NARROW, paths: [{ prefix: '/' }] },
    { ...NARROW, paths: [{ exact: '/repos' }] },
  ])
    expect(narrowed(route({ matches: [WIDE] }), route({ matches: [other] }))).toEqual(route({ matches: [] }))
  expect(narrowed(route({ matches: [A] }), route())).toEqual(route({ matches: [A] }))
})

test('(ISO-03) denials of both hold meanwhile', () => {
  expect(narrowed(route({ deny: [A] }), route({ deny: [B] }))).toEqual(route({ deny: [A, B] }))
})

test('(ISO-03) a route that reaches something else is suspended', () => {
  expect(narrowed(route(), route({ tlsPassthrough: true }))).toBeUndefined()
  expect(narrowed(route(), route({ allowPrivate: true }))).toBeUndefined()
})

test('a changed credential keeps the route open', () => {
  const auth = { scheme: 'bearer', secret: 'env:B' } as const
  expect(narrowed(route({ auth: { scheme: 'bearer', secret: 'env:A' } }), route({ auth }))).toEqual(
    route({ auth }),
  )
})

describe('a scan policy or a limit', () => {
  const strict = { outboundOnMatch: 'block', inbound: 'off', uninspectable: 'block' } as const
  const [one, other] = [{ rule: 'token/a' }, { rule: 'token/b' }]
  const loose = {
    ...strict,
    outboundOnMatch: 'redact',
    uninspectable: 'allow',
    accepted: [one, other],
  } as const

  test('(ISO-03) is loosened by the opening, never by the closing', () => {
    expect(narrowed(route(), route({ dlp: loose }))).toEqual(route())
    expect(narrowed(route({ dlp: strict }), route({ dlp: loose }))).toEqual(route({ dlp: strict }))
    expect(
      narrowed(route({ dlp: loose }), route({ dlp: { ...strict, inbound: 'warn', accepted: [other] } })),
    ).toEqual(route({ dlp: { ...strict, inbound: 'warn', accepted: [other] } }))
    expect(
      narrowed(
        route({ dlp: { ...loose, accepted: [one] } }),
        route({ dlp: { ...strict, inbound: 'warn', accepted: [other] } }),
      ),
    ).toEqual(route({ dlp: { ...strict, inbound: 'warn' } }))
    expect(narrowed(route({ limits: { bodyBytes: 1 } }), route())).toEqual(
      route({ limits: { bodyBytes: 1 } }),
    )
    expect(
      narrowed(
        route({ limits: { bodyBytes: 1, timeMs: 5 } }),
        route({ limits: { bodyBytes: 2, timeMs: 4 } }),
      ),
    ).toEqual(route({ limits: { bodyBytes: 1, timeMs: 4 } }))
  })

  test('personal data is looked for as soon as one of the two says so', () => {
    const personal = { ...strict, personal: true } as const
    expect(narrowed(route(), route({ dlp: personal }))).toEqual(route({ dlp: personal }))
    expect(narrowed(route({ dlp: personal }), route())).toEqual(route({ dlp: personal }))
    expect(widensOnly(route(), route({ dlp: personal }))).toBe(false)
  })

  test('that is tightened closes', () => {
    expect(widensOnly(route({ dlp: loose }), route())).toBe(false)
    expect(widensOnly(route(), route({ dlp: loose }))).toBe(true)
    expect(widensOnly(route(), route({ dlp: strict }))).toBe(true)
    expect(widensOnly(route(), route({ limits: { timeMs: 1 } }))).toBe(false)
    expect(widensOnly(route({ limits: { timeMs: 1 } }), route({ limits: { timeMs: 2 } }))).toBe(true)
    expect(widensOnly(route({ limits: { timeMs: 1 } }), route())).toBe(true)
  })
})

test('only more entries, or fewer denials, widen', () => {
  expect(widensOnly(route({ matches: [A] }), route({ matches: [B, A] }))).toBe(true)
  expect(widensOnly(route({ matches: [A] }), route())).toBe(true)
  expect(
    widensOnly(
      route({ matches: [{ paths: [{ prefix: '/a/b' }] }] }),
      route({ matches: [{ paths: [{ prefix: '/a' }] }] }),
    ),
  ).toBe(true)
  expect(
    widensOnly(
      route({ matches: [{ paths: [{ prefix: '/a' }] }] }),
      route({ matches: [{ paths: [{ prefix: '/a/b' }] }] }),
    ),
  ).toBe(false)
  expect(widensOnly(route({ matches: [{}] }), route({ matches: [{ headers: { x: { exact: '1' } } }] }))).toBe(
    false,
  )
  expect(widensOnly(route({ matches: [A, B] }), route({ matches: [A] }))).toBe(false)
  expect(widensOnly(route(), route({ matches: [A] }))).toBe(false)
  expect(widensOnly(route(), route({ protocols: ['websocket'] }))).toBe(true)
  expect(widensOnly(route({ protocols: ['websocket'] }), route())).toBe(false)
  expect(widensOnly(route({ protocols: ['websocket'] }), route({ protocols: ['h2'] }))).toBe(false)
  expect(widensOnly(route({ deny: [A] }), route())).toBe(true)
  expect(widensOnly(route(), route({ deny: [A] }))).toBe(false)
})

test('uplink and issuer get sorted tables, passthrough and http need no certificate', () => {
  const routes = [
    route({ host: 'b.test' }),
    route({ host: '*.a.test', tlsPassthrough: true }),
    route({ host: 'c.test', scheme: 'http', port: 80 }),
  ]
  expect(issuerHosts(routes)).toEqual(['b.test'])
  expect(uplinkTargets(routes).map(({ host, port }) => `${host}:${port}`)).toEqual([
    '*.a.test:443',
    'b.test:443',
    'c.test:80',
  ])
})
