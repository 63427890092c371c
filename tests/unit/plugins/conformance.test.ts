import { describe, expect, it } from 'vitest'
import type { Contribution, Provider } from '../../../src/model/provider.ts'
import { found } from '../../../src/plugins/conformance/check.ts'
import { PROVIDER_CHECKS, sampleSettings } from '../../../src/plugins/conformance/provider.ts'
import { providerModule } from './example-provider.ts'

async function provider(over: Partial<Provider> = {}, contributed: object = {}): Promise<Provider> {
  const { default: made } = (await import(
    `data:text/javascript,${encodeURIComponent(providerModule('acme'))}`
  )) as { readonly default: Provider }
  const contribution: Provider['contribution'] = (request) =>
    ({ ...made.contribution(request), ...contributed }) as Contribution
  return { ...made, contribution, ...over }
}

const failing = (one: Provider, dockerfile = false): readonly string[] =>
  PROVIDER_CHECKS.filter(
    (check) => found(check, { provider: one, settings: sampleSettings(one.settings), dockerfile }).length > 0,
  ).map(({ says }) => says.split(/[ ,]/)[0] ?? '')

const ROUTE = {
  host: 'a.test',
  matches: [{ paths: [{ exact: '/' }] }],
  auth: { scheme: 'bearer' },
  dlp: { outbound_on_match: 'redact' },
}
const PROGRAM = { packages: [], commands: {}, verify: [['acme-agent']] }

describe('the conformance of a provider', () => {
  it('is kept by one that does everything right', async () => {
    expect(failing(await provider())).toEqual([])
  })

  it('lets a Dockerfile bring the program, and asks for one where no package does', async () => {
    expect(failing(await provider({}, { program: PROGRAM }), true)).toEqual([])
    expect(failing(await provider({}, { program: PROGRAM }))).toEqual(['pins'])
  })

  let last = 0
  it.each<[string, string, Partial<Provider>, object]>([
    [
      'answers otherwise each time',
      'contributes',
      {},
      {
        get environment() {
          return { COUNT: String((last += 1)) }
        },
      },
    ],
    ['answers a function', 'contributes', {}, { carried: () => 'x' }],
    [
      'has no package for one architecture',
      'pins',
      {},
      {
        program: {
          ...PROGRAM,
          packages: [
            {
              path: 'node_modules/a',
              name: 'a',
              version: '2.1.0',
              integrity: `sha512-${'A'.repeat(86)}==`,
              cpu: 'x64',
            },
          ],
          commands: { 'acme-agent': 'a' },
        },
      },
    ],
    ['has another version than its lock', 'has', { version: '3.0.0' }, {}],
    ['starts what it does not install', 'names', { start: ({ extra }) => ['sh', ...extra] }, {}],
    ['puts the credential nowhere', 'gives', {}, { routes: [{ ...ROUTE, auth: undefined }] }],
    [
      'lets the agent’s own credential pass',
      'gives',
      {},
      { routes: [ROUTE, { ...ROUTE, host: 'b.test', auth: 'from-agent' }] },
    ],
    ['shows the placeholder in plans', 'hides', { hidden: [] }, {}],
    [
      'writes a home file as root',
      'writes',
      {},
      { files: [{ path: '/home/agent/x', content: '', mode: 0o600, owner: 'root' }] },
    ],
    [
      'writes a file for everybody',
      'writes',
      {},
      { files: [{ path: '/etc/x', content: '', mode: 0o666, owner: 'root' }] },
    ],
    ['drops what the command line adds', 'starts', { resume: () => ['acme-agent'] }, {}],
    [
      'tells of MCP servers in a file of its own',
      'tells',
      {
        registration: ({ tracker }) => ({
          files: [{ path: '/etc/acme/mcp', content: JSON.stringify(tracker), mode: 0o644, owner: 'root' }],
          verify: [],
        }),
      },
      {},
    ],
    [
      'leaves out the MCP server that it is told of',
      'tells',
      {
        registration: (_servers, { home }) => ({
          files: [{ path: `${home}/.acme/config`, content: 'x', mode: 0o600, owner: 'agent' }],
          verify: [],
        }),
      },
      {},
    ],
    ['splits the prompt', 'starts', { headless: (prompt) => ['acme-agent', ...prompt.split(' ')] }, {}],
  ])('finds one that %s', async (_what, says, over, contributed) => {
    const one = await provider(over)
    const contribution: Provider['contribution'] = (request) =>
      Object.defineProperties(
        { ...one.contribution(request) },
        { ...Object.getOwnPropertyDescriptors(contributed) },
      )
    expect(failing({ ...one, contribution })).toEqual([says])
  })

  it('finds one that lets every request pass, or ends a session over a finding', async () => {
    expect(failing(await provider({}, { routes: [{ ...ROUTE, matches: [] }] }))).toContain('lets')
    expect(
      failing(await provider({}, { routes: [{ ...ROUTE, dlp: { outbound_on_match: 'deny' } }] })),
    ).toContain('lets')
  })

  it('finds one that holds the placeholder where there is no credential', async () => {
    const contribution: Provider['contribution'] = (request) => ({
      ...base.contribution(request),
      files: [{ path: '/etc/x', content: request.placeholder, mode: 0o600, owner: 'root' }],
    })
    const base = await provider()
    expect(failing({ ...base, contribution })).toEqual(['holds'])
  })

  it('says what a function throws', async () => {
    const one = await provider({
      start: () => {
        throw new Error('no start today')
      },
    })
    const problems = PROVIDER_CHECKS.flatMap((check) =>
      found(check, { provider: one, settings: {}, dockerfile: false }),
    )
    expect(new Set(problems)).toEqual(new Set(['no start today']))
  })
})

describe('sample settings', () => {
  it('have the form that each rule asks for', () => {
    expect(
      sampleSettings({
        model: { type: 'text' },
        base_url: { type: 'url', required: true },
        api: { type: 'one-of', values: ['a', 'b'] },
      }),
    ).toEqual({ model: 'sample', base_url: 'https://llm.acme.example/v1', api: 'a' })
  })
})
