import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { desiredPolicy } from '../../../src/execute/routes.ts'
import { pathTests } from '../../../src/cli/egress/path-tests.ts'
import { suggestPolicy } from '../../../src/cli/egress/suggest-policy.ts'
import type { Refused } from '../../../src/cli/egress/suggest-policy.ts'
import { refusedOf } from '../../../src/cli/egress/audit.ts'
import { writtenIn } from '../../../src/cli/egress/written-routes.ts'
import { suggestionLines } from '../../../src/render/suggestion.ts'
import type { EgressPolicy } from '../../../src/model/policy.ts'
import { RULES } from '../../../sidecars/policy/rules.ts'
import { remedyOf } from '../../../sidecars/policy/remedies.ts'
import { parseAuthority } from '../../../sidecars/policy/authority.ts'
import { judge } from '../../../sidecars/policy/judge.ts'
import { loadText } from '../manifest/loading.ts'
import { openProgram } from './program.ts'

/** `UPDATE_GOLDENS=1` writes it anew; read the difference before you commit it. */
const golden = join(import.meta.dirname, '../../../fixtures/policy/suggested.yaml')

const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    egress:
      routes:
        - host: api.example
          matches: [{ methods: [GET], paths: [{ prefix: /v1/ }] }]
          deny: [{ paths: [{ prefix: /v1/admin }] }]
          auth: { scheme: bearer, token_ref: TOKEN }
        - preset: pypi
        - host: "*.wild.example"
          matches: [{ methods: [GET], paths: [{ prefix: /w/ }] }]
        - host: open.example
`
const at = (minute: number): string => `2026-05-01T10:${String(minute).padStart(2, '0')}:00.000Z`
let minute = 0
const refused = (rule: string, host: string, request?: string, port = 443): Refused => {
  const [method, path] = request?.split(' ') ?? ['CONNECT']
  return { at: at(minute++ % 60), rule, host, port, ...(method && { method }), ...(path && { path }) }
}

async function suggested(refusals: readonly Refused[], text = MANIFEST) {
  const loaded = await loadText(text)
  const { egress } = desiredPolicy(loaded.desired.resources, 'dev')
  return suggestPolicy('dev', refusals, egress, writtenIn(loaded, 'dev'))
}

const lines = async (...refusals: readonly Refused[]): Promise<string> =>
  suggestionLines(await suggested(refusals)).join('\n')

/** The manifest with what was suggested laid over it, as `extends` does it. */
async function pasted(refusals: readonly Refused[]): Promise<EgressPolicy> {
  const text = suggestionLines(await suggested(refusals)).join('\n')
  const block = /^egress:\n[^]*/m.exec(text)?.[0].replaceAll(/^/gm, '    ') ?? ''
  const loaded = await loadText(
    `${MANIFEST.replace('  dev:\n', '  dev:\n    template: true\n')}  more:\n    extends: dev\n${block}\n`,
  )
  return desiredPolicy(loaded.desired.resources, 'more').egress
}

describe('paths', () => {
  test.each([
    [
      ['/a/b', '/a/c'],
      [{ exact: '/a/b' }, { exact: '/a/c' }],
    ],
    [['/a/b', '/a/c', '/a/d'], [{ prefix: '/a/' }]],
    [
      ['/a', '/b', '/c'],
      [{ exact: '/a' }, { exact: '/b' }, { exact: '/c' }],
    ],
    [['/a/b', '/a/b', '/a/b'], [{ exact: '/a/b' }]],
    [
      ['/r/a/1', '/r/a/2', '/r/a/3', '/r/b/1'],
      [{ prefix: '/r/a/' }, { exact: '/r/b/1' }],
    ],
    [['/r/a/1', '/r/b/2', '/r/c/3'], [{ prefix: '/r/' }]],
    [['/@s%2fname'], [{ exact: '/@s%2fname' }, { exact: '/@s/name' }]],
    [['/a/../b'], []],
  ])('%j become %j', (paths, tests) => expect(pathTests(paths)).toEqual(tests))
})

describe('policy suggest', () => {
  test('writes what was seen, complete and ready to paste', async () => {
    minute = 0
    const text = await lines(
      refused('host-undeclared', 'new.example'),
      refused('host-undeclared', 'mirror.example', 'GET /debian/a', 80),
      refused('request-undeclared', 'api.example', 'POST /v1/items'),
      refused('request-undeclared', 'api.example', 'POST /v1/items'),
      refused('request-undeclared', 'api.example', 'GET /v2/a'),
      refused('request-undeclared', 'api.example', 'HEAD /v2/a'),
      refused('request-undeclared', 'pypi.org', 'GET /stats/a'),
      refused('request-undeclared', 'pypi.org', 'GET /stats/b'),
      refused('request-undeclared', 'pypi.org', 'GET /stats/c'),
      refused('request-undeclared', 'x.wild.example', 'GET /y: z'),
      refused('request-undeclared', 'x.wild.example', 'GET /#{yaml}'),
      refused('git-fetch', 'open.example', 'GET /a/b.git/info/refs'),
      refused('port-undeclared', 'api.example', undefined, 8443),
      refused('websocket-undeclared', 'open.example', 'GET /live'),
      refused('request-denied', 'api.example', 'GET /v1/admin'),
      refused('git-push', 'open.example', 'POST /a/b.git/git-receive-pack'),
      refused('ip-literal', '', 'CONNECT'),
      refused('local-name', 'metadata.google.internal'),
      refused('limit-rate', 'api.example', 'GET /v1/x'),
      refused('upstream-closed', 'api.example', 'GET /v1/x'),
      refused('request-undeclared', 'api.example', 'GET /v1/now-allowed'),
    )
    if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(golden, `${text}\n`)
    expect(`${text}\n`).toBe(existsSync(golden) ? readFileSync(golden, 'utf8') : '')
  })

  test('widens nothing else: what is pasted allows what was refused, and no neighbour of it', async () => {
    const policy = await pasted([
      refused('request-undeclared', 'api.example', 'POST /v1/items'),
      refused('request-undeclared', 'x.wild.example', 'GET /y'),
      refused('git-fetch', 'open.example', 'GET /a/b.git/info/refs'),
    ])
    const said = (host: string, method: string, path: string, query = ''): string => {
      const authority = parseAuthority(host, 443)
      if (!authority.ok) return authority.rule
      const verdict = judge(policy, {
        scheme: 'https',
        authority: authority.value,
        method,
        path,
        query,
        headers: [],
      })
      return verdict.allowed ? 'allowed' : verdict.rule
    }
    expect(said('api.example', 'POST', '/v1/items')).toBe('allowed')
    expect(said('api.example', 'GET', '/v1/x')).toBe('allowed')
    expect(said('api.example', 'GET', '/v1/admin')).toBe('request-denied')
    expect(said('api.example', 'POST', '/v1/items/1')).toBe('request-undeclared')
    expect(said('x.wild.example', 'GET', '/w/1')).toBe('allowed')
    expect(said('x.wild.example', 'GET', '/y')).toBe('allowed')
    expect(said('y.wild.example', 'GET', '/y')).toBe('request-undeclared')
    expect(said('open.example', 'GET', '/a/b.git/info/refs', 'service=git-upload-pack')).toBe('allowed')
    expect(said('open.example', 'POST', '/a/b.git/git-upload-pack')).toBe('allowed')
  })

  test.each([
    ['where the route allows the path', 'GET /v1/live', 1],
    ['and the path too where it does not', 'GET /live', 2],
  ])('opens a route for WebSocket %s', async (_, request, entries) => {
    const refusals = [refused('websocket-undeclared', 'api.example', request)]
    const policy = await pasted(refusals)
    const [, path = ''] = request.split(' ')
    const authority = parseAuthority('api.example', 443)
    if (!authority.ok) throw new Error(authority.rule)
    const said = (of: string, upgrade?: 'websocket'): string => {
      const asked = {
        scheme: 'https',
        authority: authority.value,
        method: 'GET',
        path: of,
        query: '',
        headers: [],
      } as const
      const verdict = judge(policy, upgrade ? { ...asked, upgrade } : asked)
      return verdict.allowed ? 'allowed' : verdict.rule
    }
    expect(said(path, 'websocket')).toBe('allowed')
    expect(said('/v1/other', 'websocket')).toBe('allowed')
    expect(said('/elsewhere', 'websocket')).toBe('request-undeclared')
    expect(said('/v1/admin', 'websocket')).toBe('request-denied')
    const { routes, other } = await suggested(refusals)
    expect(routes[0]?.route).toMatchObject({ protocols: ['websocket'] })
    expect(routes[0]?.route['matches']).toHaveLength(entries)
    expect(other).toEqual([])
  })

  test('always allows what was refused, whatever that was', async () => {
    const segment = fc.stringMatching(/^[a-zA-Z0-9:@!$&'()*+,=._~{}[\]^|-]{1,12}$/)
    const request = fc.record({
      host: fc.constantFrom('a.example', 'b.example', 'api.example', 'pypi.org', 'q.wild.example'),
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
      path: fc.array(segment, { minLength: 0, maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
        const plain = requests.filter(({ path }) => !/\/\.{1,2}(\/|$)/.test(path))
        const refusals = plain.map(({ host, method, path }) =>
          refused('request-undeclared', host, `${method} ${path}`),
        )
        const policy = refusals.length === 0 ? undefined : await pasted(refusals)
        for (const { host, method, path } of plain) {
          const authority = parseAuthority(host, 443)
          if (!authority.ok || !policy) continue
          const verdict = judge(policy, {
            scheme: 'https',
            authority: authority.value,
            method,
            path,
            query: '',
            headers: [],
          })
          expect([host, method, path, verdict.allowed ? 'allowed' : verdict.rule]).toEqual([
            host,
            method,
            path,
            path.startsWith('/v1/admin') && host === 'api.example' ? 'request-denied' : 'allowed',
          ])
        }
      }),
      { numRuns: 60, seed: 4 },
    )
  })

  test.each([
    ['a path that was cut keeps its folders only', `GET /long/${'x'.repeat(251)}`, 'prefix: /long/'],
    ['a path of which nothing is certain is not suggested', `GET /${'x'.repeat(255)}`, 'cannot be allowed'],
    ['a path that servers read in several ways is not', 'GET /a/%2e%2e/b', 'cannot be allowed'],
    ['an unknown method is not', 'BREW /pot', 'cannot be allowed'],
  ])('%s', async (_, request, said) => {
    expect(await lines(refused('request-undeclared', 'api.example', request))).toContain(said)
  })

  test('suggests one scheme for a host', async () => {
    const text = await lines(
      refused('port-undeclared', 'open.example', 'GET /a', 80),
      refused('host-undeclared', 'two.example', 'GET /a', 80),
      refused('host-undeclared', 'two.example'),
    )
    expect(text).toContain('- host: two.example\n      matches:')
    expect(text).not.toContain('scheme: http')
    expect(text).toMatch(/# cannot be allowed:\n# {3}GET open\.example\/a .*\n# {3}GET two\.example\/a/)
  })

  test('shows nothing that a line of the log could smuggle in', async () => {
    const text = await lines(
      refused('host-undeclared', 'evil.example\n  - host: "*.example"'),
      refused('git-push', 'open.example', 'POST /\u001b[31m\n/x'),
    )
    expect(text).not.toMatch(/^ *- host/m)
    expect(text).not.toContain('\u001b')
    expect(text.split('\n').every((line) => line === '' || line.startsWith('#'))).toBe(true)
  })

  test('every rule says whether a manifest could have allowed it', () => {
    expect(Object.keys(RULES).filter((rule) => remedyOf(rule) === undefined)).toEqual([])
  })

  test('reads refusals from the audit and nothing else', () => {
    const row = { at: at(1), decision: 'deny', rule: 'host-undeclared', host: 'a.example', port: 443 }
    expect(refusedOf(row)).toEqual({ at: at(1), rule: 'host-undeclared', host: 'a.example', port: 443 })
    for (const other of [
      { ...row, decision: 'allow' },
      { ...row, at: 1 },
      { level: 30, msg: 'started' },
    ])
      expect(refusedOf(other)).toBeUndefined()
  })
})

describe('the command', () => {
  test('reads the log of the bottle since the time that was given', async () => {
    const program = openProgram()
    try {
      program.write('bottles.yaml', MANIFEST)
      const rows = [refused('host-undeclared', 'new.example'), refused('git-push', 'a.example', 'POST /x')]
      const asked: unknown[] = []
      const log = (...words: readonly unknown[]): PassThrough => {
        asked.push(words)
        const stream = new PassThrough()
        stream.end(
          `not json\n${rows.map((row) => JSON.stringify({ ...row, decision: 'deny', bottle: 'dev' })).join('\n')}\n`,
        )
        return stream
      }
      program.answerLogs(async (...words) => log(...words))
      const { stdout, code } = await program.run('policy suggest dev --since 2026-05-01T00:00:00Z --json')
      expect(code).toBe(0)
      expect(asked).toEqual([['acme', 'dev', 'egress', { follow: false, since: '2026-05-01T00:00:00.000Z' }]])
      expect(JSON.parse(stdout)).toMatchObject({
        bottle: 'dev',
        refusals: 2,
        routes: [{ route: { host: 'new.example' }, unseen: true, times: 1 }],
        never: [{ request: 'POST a.example/x', rules: ['git-push'] }],
      })
      expect((await program.run('policy suggest dev')).stdout).toContain('    - host: new.example\n')
      expect(await program.run('policy suggest nobody')).toMatchObject({ code: 2 })
      expect(await program.run('policy show dev')).toMatchObject({ code: 2 })
    } finally {
      program.close()
    }
  })
})
