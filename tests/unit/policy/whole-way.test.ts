import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askedRequest, decide } from '../../../src/cli/egress/decide.ts'
import { desiredPolicy } from '../../../src/execute/routes.ts'
import { loadText } from '../manifest/loading.ts'
import { answerOk, Lab } from '../egress/lab.ts'

/** From the text of a manifest to what an upstream receives; and what `explain --url` says beforehand is the same. */
const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    egress:
      log: all
      routes:
        - host: methods.test
          matches: [{ methods: [GET, POST] }]
        - host: paths.test
          matches:
            - paths: [{ exact: /one }, { prefix: /dir/ }, { regex: "/v[0-9]+/(a|b)" }]
        - host: headers.test
          matches:
            - headers: { X-Kind: "1", X-Trace: { prefix: t- }, X-Re: { regex: "[a-z]{2,4}" } }
        - host: query.test
          matches: [{ query: { page: { regex: "[0-9]+" }, q: x } }]
        - host: deny.test
          deny:
            - { methods: [DELETE] }
            - { paths: [{ prefix: /admin }] }
            - { headers: { X-Kind: bad } }
            - { query: { drop: { prefix: t } } }
        - host: both.test
          matches: [{ methods: [GET], paths: [{ prefix: /a/ }] }, { methods: [PUT], paths: [{ exact: /b }] }]
          deny: [{ paths: [{ prefix: /a/secret }] }]
        - host: none.test
          matches: []
        - host: git.test
          git: { fetch: true }
        - host: nogit.test
        - host: plain.test
          scheme: http
        - host: ports.test
          port: 8443
        - host: "*.wild.test"
        - host: own.test
          auth: { scheme: header, name: X-Api-Key, token_ref: KEY }
          matches: [{ paths: [{ prefix: /api/ }], headers: { X-Kind: "1" } }]
        - host: agent.test
          auth: from-agent
          matches: [{ headers: { Authorization: { prefix: "Bearer " } }, paths: [{ prefix: / }] }]
        - host: slow-regex.test
          matches: [{ paths: [{ regex: "/(a|a?)+(b+)+c" }] }]
`
const HOSTS = [...MANIFEST.matchAll(/host: "?([a-z.*-]+)/g)].map(([, host = '']) => host.replace('*', 'x'))
const KIND = 'X-Kind: 1'
const HEADERS = [KIND, 'X-Trace: t-9', 'X-Re: abc']

const CASES: readonly (readonly [request: string, said: string, headers?: readonly string[]])[] = [
  ['GET https://methods.test/', 'allowed'],
  ['POST https://methods.test/', 'allowed'],
  ['PATCH https://methods.test/', 'request-undeclared'],
  ['DELETE https://methods.test/', 'request-undeclared'],
  ['get https://methods.test/', 'method-refused'],
  ['POST https://methods.test/?_method=DELETE', 'method-override'],
  ['GET https://methods.test:444/', 'port-undeclared'],
  ['GET https://paths.test/one', 'allowed'],
  ['GET https://paths.test/one/', 'request-undeclared'],
  ['GET https://paths.test/One', 'request-undeclared'],
  ['GET https://paths.test/dir/x?y=1', 'allowed'],
  ['GET https://paths.test/dir', 'request-undeclared'],
  ['GET https://paths.test/dir/%2e%2e/x', 'path-ambiguous'],
  ['GET https://paths.test/v12/a', 'allowed'],
  ['GET https://paths.test/v12/ab', 'request-undeclared'],
  ['GET https://headers.test/', 'allowed', HEADERS],
  ['GET https://headers.test/', 'request-undeclared', HEADERS.slice(1)],
  ['GET https://headers.test/', 'request-undeclared', [...HEADERS, 'x-kind: 2']],
  ['GET https://headers.test/', 'request-undeclared', [KIND, 'X-Trace: t-9', 'X-Re: abcde']],
  ['GET https://query.test/?page=7&q=x', 'allowed'],
  ['GET https://query.test/?page=7', 'request-undeclared'],
  ['GET https://query.test/?page=7&q=x&page=z', 'request-undeclared'],
  ['GET https://deny.test/', 'allowed'],
  ['DELETE https://deny.test/', 'request-denied'],
  ['GET https://deny.test/admin/x', 'request-denied'],
  ['GET https://deny.test/%61dmin', 'request-denied'],
  ['GET https://deny.test/', 'request-denied', ['x-kind: good', 'X-Kind: bad']],
  ['GET https://deny.test/?drop=table', 'request-denied'],
  ['GET https://both.test/a/x', 'allowed'],
  ['PUT https://both.test/b', 'allowed'],
  ['PUT https://both.test/a/x', 'request-undeclared'],
  ['GET https://both.test/a/secret/x', 'request-denied'],
  ['GET https://none.test/', 'request-undeclared'],
  ['GET https://git.test/a/b.git/info/refs?service=git-upload-pack', 'allowed'],
  ['POST https://git.test/a/b.git/git-upload-pack', 'allowed'],
  ['GET https://git.test/a/b.git/info/refs?service=git-receive-pack', 'git-push'],
  ['POST https://git.test/a/b.git/git-receive-pack', 'git-push'],
  ['GET https://nogit.test/a/b.git/info/refs?service=git-upload-pack', 'git-fetch'],
  ['GET http://plain.test/', 'allowed'],
  ['GET https://plain.test/', 'port-undeclared'],
  ['GET http://deny.test/', 'port-undeclared'],
  ['GET https://ports.test:8443/', 'allowed'],
  ['GET https://ports.test/', 'port-undeclared'],
  ['GET https://x.wild.test/', 'allowed'],
  ['GET https://wild.test/', 'host-undeclared'],
  ['GET https://a.x.wild.test/', 'host-undeclared'],
  ['GET https://own.test/api/x', 'allowed', [KIND]],
  ['GET https://own.test/', 'request-undeclared', [KIND]],
  ['GET https://agent.test/x', 'allowed', ['Authorization: Bearer x']],
  ['GET https://agent.test/x', 'request-undeclared', ['Authorization: Basic x']],
  ['GET https://undeclared.test/', 'host-undeclared'],
  ['GET https://127.0.0.1/', 'ip-literal'],
  ['GET https://a@deny.test/', 'authority-invalid'],
  ['GET https://metadata.google.internal/', 'local-name'],
  [`GET https://slow-regex.test/${'a'.repeat(4000)}`, 'request-undeclared'],
  [`GET https://slow-regex.test/${'a'.repeat(2000)}${'b'.repeat(2000)}`, 'request-undeclared'],
]

let lab: Lab
let loaded: Awaited<ReturnType<typeof loadText>>
beforeAll(async () => {
  loaded = await loadText(MANIFEST)
  const { egress } = desiredPolicy(loaded.desired.resources, 'dev')
  const ports: Readonly<Record<string, number>> = { 'plain.test': 80, 'ports.test': 8443 }
  lab = await Lab.open({
    routes: egress.routes,
    secrets: { 'env:KEY': 'the-value-of-the-key' },
    upstreams: Object.fromEntries(HOSTS.map((host) => [`${host}:${ports[host] ?? 443}`, answerOk])),
  })
})
afterAll(() => lab.close())

/** Through the proxy door as a client would: a tunnel for https, the whole URL for http. */
async function asked(request: string, headers: readonly string[]): Promise<string> {
  const [, method = '', scheme, authority = '', path = ''] =
    /^(\S+) (\w+):\/\/([^/]+)(.*)$/.exec(request) ?? []
  const host = authority.replace(/^.*@/, '')
  const head = [`Host: ${host}`, ...headers, 'Connection: close', '', ''].join('\r\n')
  if (scheme === 'http')
    return ruleIn(await lab.raw().send(`${method} http://${authority}${path} HTTP/1.1\r\n${head}`).ended())
  const named = /:\d+$/.test(authority) ? authority : `${authority}:443`
  const client = lab.raw().send(`CONNECT ${named} HTTP/1.1\r\nHost: ${named}\r\n\r\n`)
  const answer = await client.until('\r\n\r\n')
  if (!answer.startsWith('HTTP/1.1 200')) return ruleIn(answer)
  const tunnel = await lab.secure(client, host.replace(/:\d+$/, ''))
  return ruleIn(await tunnel.send(`${method} ${path} HTTP/1.1\r\n${head}`).ended())
}

const ruleIn = (answer: string): string =>
  /\(rule ([a-z-]+)\)/.exec(answer)?.[1] ?? (answer.startsWith('HTTP/1.1 200') ? 'allowed' : answer)

describe('from the manifest to the upstream', () => {
  test.each(CASES.map(([request, said, headers = []]) => ({ request, said, headers })))(
    '$request is $said, and explain says so ($headers)',
    async ({ request, said, headers }) => {
      const before = lab.lines.length
      expect(await asked(request, headers)).toBe(said)
      const decision = decide(loaded.desired.resources, 'dev', askedRequest(request, undefined, headers))
      expect(decision.allowed ? 'allowed' : decision.rule).toBe(said)
      if (said === 'allowed') return
      expect(lab.lines.slice(before).map(({ rule }) => rule)).toEqual([said])
    },
  )

  test('a refusal of egress has the very words that explain has', async () => {
    const url = 'GET https://both.test/a/secret/x'
    const decision = decide(loaded.desired.resources, 'dev', askedRequest(url, undefined, []))
    const answer = await (
      await lab.tunnel('both.test')
    )
      .send('GET /a/secret/x HTTP/1.1\r\nHost: both.test\r\nAccept: application/json\r\n\r\n')
      .ended()
    expect(answer).toContain(JSON.stringify(decision.message))
    expect(decision.message).toContain('It is declared at -:24.')
  })

  test('every limit that the manifest states is the limit that egress gets', async () => {
    const { desired } = await loadText(
      'version: 1\nstack: a\nbottles: { dev: { egress: { routes: [{ host: a.test, limits: { rate: 30/m, bytes_out: 1KiB/day, body: 2MB, time: 10m } }] } } }\n',
    )
    expect(desiredPolicy(desired.resources, 'dev').egress.routes[0]?.limits).toEqual({
      requestsPerSecond: 0.5,
      bytesOutPerDay: 1024,
      bodyBytes: 2_000_000,
      timeMs: 600_000,
    })
  })
})
