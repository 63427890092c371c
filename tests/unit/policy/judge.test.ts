import { expect, test } from 'vitest'
import type { EgressPolicy, RoutePolicy } from '../../../src/model/policy.ts'
import { parseAuthority } from '../../../sidecars/policy/authority.ts'
import { judge } from '../../../sidecars/policy/judge.ts'
import type { JudgedRequest, Verdict } from '../../../sidecars/policy/judge.ts'

const route = (fields: Partial<RoutePolicy> = {}): RoutePolicy => ({
  host: 'allowed.test',
  port: 443,
  scheme: 'https',
  tlsPassthrough: false,
  allowPrivate: false,
  gitFetch: false,
  ...fields,
})
const policyOf = (...routes: RoutePolicy[]): EgressPolicy => ({ log: 'all', routes })

function ask(policy: EgressPolicy, authority: string, fields: Partial<JudgedRequest> = {}): Verdict {
  const parsed = parseAuthority(authority, 443)
  if (!parsed.ok) throw new Error(parsed.rule)
  return judge(policy, {
    scheme: 'https',
    authority: parsed.value,
    method: 'GET',
    path: '/',
    query: '',
    headers: [],
    ...fields,
  })
}
const said = (verdict: Verdict): string => (verdict.allowed ? 'allowed' : verdict.rule)

test('(PXY-01) an empty list of routes allows nothing', () => {
  expect(said(ask(policyOf(), 'allowed.test'))).toBe('host-undeclared')
})

test('(PXY-01) an empty list of matches allows nothing, no list allows every request', () => {
  expect(said(ask(policyOf(route({ matches: [] })), 'allowed.test'))).toBe('request-undeclared')
  expect(said(ask(policyOf(route()), 'allowed.test'))).toBe('allowed')
})

test.each(['evilallowed.test', 'allowed.test.evil.test', 'x.allowed.test', 'test.test'])(
  '(PXY-14) %s is not the declared host',
  (host) => {
    expect(said(ask(policyOf(route()), host))).toBe('host-undeclared')
  },
)

test('(PXY-14) a wildcard covers exactly one label more', () => {
  const policy = policyOf(route({ host: '*.allowed.test' }))
  expect(said(ask(policy, 'x.allowed.test'))).toBe('allowed')
  expect(said(ask(policy, 'allowed.test'))).toBe('host-undeclared')
  expect(said(ask(policy, 'y.x.allowed.test'))).toBe('host-undeclared')
})

test('(PXY-14) an exact route beats a wildcard for the same name', () => {
  const policy = policyOf(route({ host: '*.allowed.test' }), route({ host: 'x.allowed.test', matches: [] }))
  expect(said(ask(policy, 'x.allowed.test'))).toBe('request-undeclared')
})

test.each([22, 25, 80, 6379, 8443])('(PXY-06) port %i is not declared', (port) => {
  expect(said(ask(policyOf(route()), `allowed.test:${port}`))).toBe('port-undeclared')
})

test.each([
  'metadata.google.internal',
  'localhost',
  'x.localhost',
  'egress',
  'git-gate',
  'host.docker.internal',
])('(DNS-07) (PXY-05) %s is refused, also when it is declared', (host) => {
  expect(said(ask(policyOf(route({ host, allowPrivate: true })), host))).toBe('local-name')
})

test('(DNS-07) a private zone is refused unless it is declared exactly and takes private addresses', () => {
  expect(said(ask(policyOf(), 'git.corp.internal'))).toBe('local-name')
  expect(
    said(ask(policyOf(route({ host: '*.corp.internal', allowPrivate: true })), 'git.corp.internal')),
  ).toBe('local-name')
  expect(said(ask(policyOf(route({ host: 'git.corp.internal' })), 'git.corp.internal'))).toBe('local-name')
  expect(
    said(ask(policyOf(route({ host: 'git.corp.internal', allowPrivate: true })), 'git.corp.internal')),
  ).toBe('allowed')
})

test('fields inside an entry are and-ed, entries or-ed', () => {
  const policy = policyOf(
    route({
      matches: [
        { methods: ['GET'], paths: [{ prefix: '/a/' }] },
        { methods: ['POST'], paths: [{ exact: '/b' }] },
      ],
    }),
  )
  expect(said(ask(policy, 'allowed.test', { path: '/a/x' }))).toBe('allowed')
  expect(said(ask(policy, 'allowed.test', { path: '/a/x', method: 'POST' }))).toBe('request-undeclared')
  expect(ask(policy, 'allowed.test', { path: '/b', method: 'POST' })).toMatchObject({
    allowed: true,
    entry: 1,
  })
  expect(said(ask(policy, 'allowed.test', { path: '/b/c', method: 'POST' }))).toBe('request-undeclared')
})

test('(PXY-22) HEAD is not allowed by GET', () => {
  expect(
    said(ask(policyOf(route({ matches: [{ methods: ['GET'] }] })), 'allowed.test', { method: 'HEAD' })),
  ).toBe('request-undeclared')
})

test('(PXY-22) a method parameter in the query is refused where methods are restricted', () => {
  const policy = policyOf(route({ matches: [{ methods: ['POST'] }] }))
  expect(said(ask(policy, 'allowed.test', { method: 'POST', query: '%5Fmethod=DELETE' }))).toBe(
    'method-override',
  )
  expect(said(ask(policy, 'allowed.test', { method: 'POST', query: '_m%65thod=DELETE' }))).toBe(
    'method-override',
  )
  expect(said(ask(policyOf(route()), 'allowed.test', { query: '_method=DELETE' }))).toBe('allowed')
})

test('a deny entry beats a match, in every reading of the path', () => {
  const policy = policyOf(route({ deny: [{ paths: [{ prefix: '/admin' }] }] }))
  expect(said(ask(policy, 'allowed.test', { path: '/public' }))).toBe('allowed')
  for (const path of ['/admin', '/%61dmin', '/%2561dmin', '/admin;x', '/x//../admin']) {
    expect(said(ask(policy, 'allowed.test', { path }))).not.toBe('allowed')
  }
})

test('a regular expression is anchored at both ends and takes linear time', () => {
  const policy = policyOf(route({ matches: [{ paths: [{ regex: '/(a+)+b' }] }] }))
  expect(said(ask(policy, 'allowed.test', { path: '/aaab' }))).toBe('allowed')
  expect(said(ask(policy, 'allowed.test', { path: '/x/aaab' }))).toBe('request-undeclared')
  const began = performance.now()
  expect(said(ask(policy, 'allowed.test', { path: `/${'a'.repeat(5000)}` }))).toBe('request-undeclared')
  expect(performance.now() - began).toBeLessThan(1000)
})

test('repeated fields allow only if every value does, and deny as soon as one does', () => {
  const allow = policyOf(route({ matches: [{ query: { kind: { exact: 'a' } } }] }))
  expect(said(ask(allow, 'allowed.test', { query: 'kind=a' }))).toBe('allowed')
  expect(said(ask(allow, 'allowed.test', { query: 'kind=a&kind=b' }))).toBe('request-undeclared')
  const deny = policyOf(route({ deny: [{ headers: { 'x-kind': { exact: 'b' } } }] }))
  const headers = [
    ['x-kind', 'a'],
    ['x-kind', 'b'],
  ] as const
  expect(said(ask(deny, 'allowed.test', { headers }))).toBe('request-denied')
})

const UNDER_OK = policyOf(route({ matches: [{ paths: [{ prefix: '/ok/' }] }] }))
test.each([
  '/ok/../no',
  '/ok/%2e%2e/no',
  '/ok/%2E%2e/no',
  '/ok/.%2e/no',
  '/ok/..%2fno',
  '/ok%2f..%2fno',
  '/ok/%252e%252e/no',
  '/ok/..;x/no',
  '/ok/.;/x',
  '/ok/%00',
  '/ok/%0d%0a',
  '/ok/\\no',
  '/ok/%5c..%5cno',
  '/ok/%255cno',
  '/ok/%',
  '/ok/%zz',
  '//evil.test/ok/',
  '/ok/%c0%ae/x',
  '/ok/./x',
  '/ok/%25252e',
])('(PXY-21) %s is refused as ambiguous', (path) => {
  expect(said(ask(UNDER_OK, 'allowed.test', { path }))).toBe('path-ambiguous')
})

test.each(['/ok%2fx', '/no/%2fok/', '/%6fk/x'])('(PXY-21) %s does not match by being decoded', (path) => {
  expect(said(ask(UNDER_OK, 'allowed.test', { path }))).not.toBe('allowed')
})

test.each(['/ok/@scope%2fname', '/ok/a//b', '/ok/a;v=1', '/ok/100%25', '/ok/caf%C3%A9', '/ok/a%20b'])(
  '(PXY-21) %s is allowed because every reading of it is',
  (path) => {
    expect(said(ask(UNDER_OK, 'allowed.test', { path }))).toBe('allowed')
  },
)

test('(CRD-06) a credential on a route without TLS is refused', () => {
  const policy = policyOf(route({ scheme: 'http', port: 80, auth: { scheme: 'bearer', secret: 's' } }))
  expect(said(ask(policy, 'allowed.test:80', { scheme: 'http' }))).toBe('credential-cleartext')
})

test.each([
  ['/a/b.git/info/refs', 'service=git-receive-pack'],
  ['/a/b.git/info/refs', 'service=git%2dreceive-pack'],
  ['/a/b.git/info/refs', 's%65rvice=git-receive-pack'],
  ['/a/b.git/git-receive-pack', ''],
  ['/a/b.git/git%2dreceive-pack', ''],
  ['/a/b.git/git-upload-archive', ''],
  ['/a/b.git/info/lfs/objects/batch', ''],
])('(CRD-18) %s?%s is a push and refused also where fetching is declared', (path, query) => {
  expect(
    said(ask(policyOf(route({ gitFetch: true })), 'allowed.test', { path, query, method: 'POST' })),
  ).toBe('git-push')
})

test('(CRD-18) git fetches over HTTPS only where the route says so', () => {
  const fetch = { path: '/a/b.git/info/refs', query: 'service=git-upload-pack' }
  expect(said(ask(policyOf(route()), 'allowed.test', fetch))).toBe('git-fetch')
  expect(said(ask(policyOf(route({ gitFetch: true })), 'allowed.test', fetch))).toBe('allowed')
})

const GATED = policyOf(route({ gated: ['acme/app'] }))

test.each([
  ['PUT', '/repos/acme/app/contents/a.txt'],
  ['POST', '/api/v1/repos/acme/app/contents'],
  ['POST', '/repos/Acme/App/git/refs'],
  ['PATCH', '/repos/acme/app/git/refs/heads/main'],
  ['POST', '/repos/acme/app/git/commits'],
  ['PUT', '/repos/acme/app/pulls/7/merge'],
  ['POST', '/repos/acme/app/merges'],
  ['POST', '/repos/acme/app/releases'],
  ['DELETE', '/api/v1/repos/acme/app/branches/main'],
  ['POST', '/api/v1/repos/acme/app/diffpatch'],
  ['POST', '/repos/acme/app/keys'],
  ['PATCH', '/repos/acme/app'],
  ['PATCH', '/api/v1/repos/acme/app/'],
  ['PUT', '/api/v4/projects/acme%2Fapp'],
  ['PUT', '/api/v4/projects/42'],
  ['PATCH', '/api/v1/repos/acme/app/hooks/git/pre-receive'],
  ['PUT', '/repos/acme/app/collaborators/mallory'],
  ['POST', '/repos/acme/app/transfer'],
  ['POST', '/api/v4/projects/42/members'],
  ['POST', '/api/v4/projects/42/merge_trains/merge_requests/3'],
  ['POST', '/repos/acme/app/code-scanning/alerts/4/autofix/commits'],
  ['POST', '/repos/acme/ap%70/git/refs'],
  ['POST', '/repos/acme//app/git/refs'],
  ['POST', '/api/v4/projects/acme%2Fapp/repository/commits'],
  ['PUT', '/api/v4/projects/acme%2fapp/merge_requests/3/merge'],
  ['POST', '/api/v4/projects/42/repository/files/a.txt'],
  ['PUT', '/api/v4/suggestions/5/apply'],
  ['POST', '/repositories/42/git/refs'],
  ['POST', '/graphql'],
  ['POST', '/api/graphql/'],
])(
  '(CRD-18) %s %s makes a commit past the gate and is refused where a repository is behind it',
  (method, path) => {
    expect(said(ask(GATED, 'allowed.test', { method, path }))).toBe('forge-commit')
    expect(said(ask(policyOf(route()), 'allowed.test', { method, path }))).toBe('allowed')
  },
)

test.each([
  ['GET', '/repos/acme/app/contents/a.txt'],
  ['GET', '/repos/acme/app/git/refs'],
  ['POST', '/repos/acme/app/pulls'],
  ['POST', '/repos/acme/app/issues/3/comments'],
  ['PUT', '/repos/acme/app-docs/contents/a.txt'],
  ['PATCH', '/repos/acme/app-docs'],
  ['GET', '/repos/acme/app'],
  ['POST', '/repos/acme/app/hooks'],
  ['POST', '/repos/other/app/git/refs'],
  ['POST', '/api/v4/projects/acme%2Fapp/merge_requests'],
  ['GET', '/graphql'],
])('(CRD-18) %s %s is as allowed as it is elsewhere', (method, path) => {
  expect(said(ask(GATED, 'allowed.test', { method, path }))).toBe('allowed')
})

test('(CRD-18) a reading method that names another one in its query counts as that one', () => {
  const request = { path: '/repos/acme/app/git/refs', query: '_method=POST' }
  expect(said(ask(GATED, 'allowed.test', request))).toBe('forge-commit')
})

test('(PXY-27) a WebSocket is for routes that say so, and is judged like any other request', () => {
  const upgrade = { upgrade: 'websocket' } as const
  expect(said(ask(policyOf(route()), 'allowed.test', upgrade))).toBe('websocket-undeclared')
  expect(said(ask(policyOf(route({ protocols: ['h2'] })), 'allowed.test', upgrade))).toBe(
    'websocket-undeclared',
  )
  const matches = [{ methods: ['GET'], paths: [{ prefix: '/live' }] }]
  const open = policyOf(
    route({ protocols: ['websocket'], matches, deny: [{ paths: [{ exact: '/live/admin' }] }] }),
  )
  expect(said(ask(open, 'allowed.test', { ...upgrade, path: '/live/1' }))).toBe('allowed')
  expect(said(ask(open, 'allowed.test', { ...upgrade, path: '/other' }))).toBe('request-undeclared')
  expect(said(ask(open, 'allowed.test', { ...upgrade, path: '/live/admin' }))).toBe('request-denied')
})
