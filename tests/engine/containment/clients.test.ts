import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReceivers, type Receivers } from './receivers.ts'
import { canary, leaks } from './secrets.ts'
import { openWhole, type Whole } from './whole.ts'

const TOKEN = canary('bearer')
let up: Receivers
let whole: Whole
/** What starting a program in a bottle takes on this machine now. */
let usual: number

beforeAll(async () => {
  up = await openReceivers(['allowed.test', 'live.test', 'plain.test', 'denied.test'])
  whole = openWhole(
    `uplink: { trust: [ca.pem], dns: [${up.address}] }
bottles:
  a:
    resources: { memory: 512MiB, pids: 256 }
    egress:
      log: all
      routes:
        - host: allowed.test
          allow_private: true
          matches: [{ methods: [GET], paths: [{ prefix: / }] }]
          auth: { scheme: bearer, token_ref: TOKEN }
        - { host: live.test, allow_private: true, protocols: [websocket], auth: { scheme: bearer, token_ref: TOKEN } }
        - { host: plain.test, scheme: http, allow_private: true, matches: [{ methods: [GET] }] }
`,
    { TOKEN },
  )
  whole.write('ca.pem', up.authority)
  await whole.apply()
  usual = (await whole.exec('a', 'true')).ms
})
afterAll(async () => {
  await whole?.down()
  await up?.close()
})

/** Clients that read no proxy variable find the same door where the name leads. */
const PLAIN = [
  'env',
  ...['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].flatMap((name) => [
    '-u',
    name,
  ]),
]

/** What agents use; each prints the body, or the words of its refusal. */
const clients: readonly [name: string, scheme: 'http' | 'https', argv: (url: string) => readonly string[]][] =
  [
    ['curl', 'https', (url) => ['curl', '-sSv', '--max-time', '10', url]],
    [
      'python urllib',
      'https',
      (url) => [
        'python3',
        '-c',
        `import urllib.request; print(urllib.request.urlopen('${url}', timeout=10).read().decode())`,
      ],
    ],
    [
      'node fetch',
      'https',
      (url) => [
        'node',
        '-e',
        `fetch('${url}').then(async (r) => console.log(r.status, await r.text()), (e) => { console.log(String(e.cause ?? e)); process.exit(1) })`,
      ],
    ],
    [
      'perl',
      'http',
      (url) => [
        'perl',
        '-MHTTP::Tiny',
        '-e',
        `my $r = HTTP::Tiny->new(timeout => 10)->get('${url}'); print "$r->{status} $r->{reason} $r->{content}"; exit($r->{success} ? 0 : 1)`,
      ],
    ],
  ]

describe.each(clients)('%s', (_name, scheme, argv) => {
  it.each([
    ['by its proxy variables', []],
    ['without them', PLAIN],
  ] as const)('reaches what is declared and nothing else, %s', async (_how, prefix) => {
    up.received()
    const host = scheme === 'https' ? 'allowed.test' : 'plain.test'
    const allowed = await whole.exec('a', ...prefix, ...argv(`${scheme}://${host}/x`))
    expect(allowed).toMatchObject({ code: 0, out: expect.stringContaining(`hello from ${host}`) })
    const received = up.received()
    expect(received).toContain(`Host: ${host}`)
    expect(leaks(received, { TOKEN }), 'the upstream gets the credential, on its own route alone').toEqual(
      scheme === 'https' ? ['TOKEN'] : [],
    )
    up.connections()
    up.asked()
    const denied = await whole.exec('a', ...prefix, ...argv(`${scheme}://denied.test/x`))
    expect(denied.code).not.toBe(0)
    expect(denied.ms - usual, 'a refusal is quick').toBeLessThan(3000)
    expect(denied.out + denied.err).toMatch(/403|resolve|ENOTFOUND|not known|cancelled/i)
    expect([up.connections(), up.asked()]).toEqual([0, []])
  })
})

it('git over HTTPS is refused in words until a route can allow it', async () => {
  for (const prefix of [[], PLAIN]) {
    up.connections()
    const { code, err } = await whole.exec('a', ...prefix, 'git', 'ls-remote', 'https://allowed.test/r.git')
    expect(code).toBe(128)
    expect(err).toMatch(/allowed\.test does not serve git by HTTPS to this bottle \(rule git-fetch\)/)
    expect(up.connections()).toBe(0)
  }
})

it('a refused request says which rule was missing and how the operator allows it', async () => {
  const { out } = await whole.exec('a', 'curl', '-sS', 'http://denied.test/x')
  expect(out).toMatch(/denied\.test/)
  expect(out).toMatch(/egress/)
  const post = await whole.exec('a', 'curl', '-sS', '-X', 'POST', '-d', 'x', 'https://allowed.test/x')
  expect(post.out).toMatch(/allowed\.test/)
  expect(leaks(up.received(), { TOKEN })).toEqual([])
})

describe('a WebSocket of node', () => {
  const socket = (url: string): readonly string[] => [
    'node',
    '-e',
    `const s = new WebSocket('${url}'); s.onopen = () => s.send(process.argv[1]); s.onmessage = ({ data }) => { console.log(data); s.close(4000) }; s.onerror = ({ message }) => console.log('failed', message); s.onclose = ({ code, reason }) => console.log(code, reason)`,
  ]

  it.each([
    ['by its proxy variables', []],
    ['without them', PLAIN],
  ] as const)(
    'reaches the route that is open for it, with its credential on and masked, %s',
    async (_how, prefix) => {
      up.received()
      const { out } = await whole.exec('a', ...prefix, ...socket('wss://live.test/ws'), 'a few words')
      expect(out).toBe(`Bearer ${'*'.repeat(TOKEN.length)} said a few words\n4000 \n`)
      expect(leaks(up.received(), { TOKEN }), 'the upstream got the credential').toEqual(['TOKEN'])
    },
  )

  it('is stopped with the rule at a message that holds a secret, and opens on no other route', async () => {
    up.received()
    const stopped = await whole.exec('a', ...socket('wss://live.test/ws'), `{"token":"${TOKEN}"}`)
    expect(stopped.out).toBe('1008 bot-bottle: rule secret-found (secret/env:TOKEN)\n')
    up.connections()
    const refused = await whole.exec('a', ...socket('wss://allowed.test/ws'), 'a few words')
    expect(refused.out).toMatch(/^failed [^]*1006 \n$/)
    expect(up.connections()).toBe(0)
    const { out } = await whole.run(['logs', '--egress', 'a'])
    expect(out).toContain('live.test/ws  route 101 closed 1008\n')
    expect(out).toContain('live.test/ws  secret-found 403 secret/env:TOKEN')
    expect(out).toContain('allowed.test/ws  websocket-undeclared 403\n')
  })
})
