import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openProgram } from './program.ts'

const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    egress:
      routes:
        - host: api.github.com
          matches: [{ methods: [GET], paths: [{ prefix: /repos/acme/ }] }]
          deny:
            - { methods: [DELETE] }
            - { headers: { X-Dry-Run: { prefix: n } } }
          auth: { scheme: bearer, token_ref: GITHUB_TOKEN }
        - host: blind.example
          tls_passthrough: true
  read:
    egress: { routes: [{ preset: github-read }] }
agents:
  implementer: { bottle: dev }
  reader: { bottle: read }
`
let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

/** The value that must not be shown is in the environment, as it is in real life. */
const explained = (...words: readonly string[]) =>
  program.run(['explain', ...words], { env: { GITHUB_TOKEN: 'canary-token-0123456789' } })

describe('explain --url', () => {
  test('says which line allows a request and which credential it would get, never its value', async () => {
    const { code, stdout } = await explained(
      '--url',
      'GET https://api.github.com/repos/acme/app',
      '--bottle',
      'implementer',
    )
    expect(code).toBe(0)
    expect(stdout).toBe(`GET https://api.github.com/repos/acme/app

implementer: allowed
  decided by  bottles.yaml:8  matches[0] of route/implementer/api.github.com
  credential  env:GITHUB_TOKEN (bearer)
`)
  })

  test('says which rule and line refuse it and what would allow it, and ends with 1', async () => {
    const { code, stdout } = await explained(
      '--url=https://api.github.com/user/keys',
      '--method=POST',
      '--bottle=implementer',
    )
    expect(code).toBe(1)
    expect(stdout).toBe(`POST https://api.github.com/user/keys

implementer: refused
  decided by  bottles.yaml:7  route/implementer/api.github.com
  rule        request-undeclared
  said        api.github.com is declared for this bottle, but no entry of its matches allows this request (rule request-undeclared). It is declared at bottles.yaml:7.
  to allow    egress.routes: [{ host: api.github.com, matches: [{ methods: [POST], paths: [{ exact: /user/keys }] }] }]
`)
  })

  test('asks about a WebSocket by its scheme', async () => {
    const { code, stdout } = await explained(
      '--bottle=implementer',
      '--url',
      'wss://api.github.com/repos/acme/app',
    )
    expect(code).toBe(1)
    expect(stdout).toContain('rule        websocket-undeclared\n')
    expect(stdout).toContain(
      'to allow    egress.routes: [{ host: api.github.com, protocols: [websocket] }]\n',
    )
  })

  test('names the entry of deny that refuses, by header too', async () => {
    const url = ['--bottle', 'implementer', '--url', 'GET https://api.github.com/repos/acme/app']
    const { stdout, code } = await explained(...url, '--header', 'x-dry-run: no')
    expect([code, stdout]).toEqual([1, expect.stringContaining('bottles.yaml:11  deny[1] of route/')])
    expect((await explained(...url, '--header', 'X-Dry-Run: yes')).code).toBe(0)
  })

  test('says of a preset the line that asks for it and the line that decides', async () => {
    const { stdout } = await explained('--bottle=reader', '--url', 'GET https://api.github.com/repos/a/b')
    expect(stdout).toMatch(
      /decided by {2}bottles\.yaml:16 \(preset github-read\) {2}bot-bottle:presets\/github-read\.yaml:\d+ {2}matches\[0\]/,
    )
  })

  test('says that a passthrough is not inspected', async () => {
    const { stdout, code } = await explained('--bottle=implementer', '--url', 'PUT https://blind.example/x')
    expect([code, stdout]).toEqual([0, expect.stringContaining('inspected   no: method, path')])
  })

  test('asks every bottle where none is named, and ends with 1 where one refuses', async () => {
    const { stdout, code } = await explained('--url', 'GET https://api.github.com/repos/a/b')
    expect(stdout).toMatch(/implementer: refused[^]*reader: allowed/)
    expect(code).toBe(1)
    expect((await explained('--url', 'GET https://api.github.com/repos/acme/b')).code).toBe(0)
  })

  test('says the same as JSON', async () => {
    const { stdout } = await explained('--json', '--bottle=implementer', '--url', 'GET https://10.0.0.1/?a=b')
    expect(JSON.parse(stdout)).toEqual({
      method: 'GET',
      url: 'https://10.0.0.1/?a=b',
      decisions: [
        {
          bottle: 'implementer',
          allowed: false,
          rule: 'ip-literal',
          status: 403,
          message: expect.stringContaining('bottles reach declared names only'),
        },
      ],
    })
  })

  test.each([
    [['--url', 'GET ftp://a.example/'], '--url takes `METHOD URL`'],
    [['--url', 'GET https://a.example/', '--method', 'PUT'], '--url says GET, --method says PUT'],
    [['--url', 'https://a.example/', '--header', 'no colon'], '--header takes `name: value`'],
    [['--url', 'https://a.example/', '--bottle', 'nobody'], 'there is no bottle `nobody`'],
    [['--url', 'https://a.example/', 'implementer'], 'takes no argument `implementer`'],
    [['bottle/implementer', '--method', 'PUT'], '--method goes with --url only'],
    [[], 'explain needs ADDRESS or --url'],
  ])('refuses %j', async (words, said) => {
    const { code, stderr } = await explained(...words)
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)])
  })
})
