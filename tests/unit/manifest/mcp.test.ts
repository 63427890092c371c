import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { explain } from '../../../src/manifest/explain.ts'
import type { LoadedManifest } from '../../../src/manifest/load.ts'
import { digestOf } from '../../../src/model/json.ts'
import { loadText } from './loading.ts'

const CLAUDE = 'agent_provider: { template: claude, auth_token: TOKEN }'
const CODEX = 'agent_provider: { template: codex, api_key_ref: KEY }'
const ROUTE =
  'egress: { routes: [{ host: tracker.test, auth: { scheme: header, name: X-Key, token_ref: KEY_A } }] }'

function load(bottle: string, agent = ''): Promise<LoadedManifest> {
  const text = `version: 1\nstack: acme\nbottles:\n  dev: { ${bottle} }\nagents:\n  one: { bottle: dev${agent} }\n`
  return loadText(text, { keyedDigest: (value) => `digest of ${value}` })
}

const registered = (loaded: LoadedManifest): string =>
  loaded.provisions('one')?.mcp?.files[0]?.content ?? 'nothing'
const guest = ({ desired }: LoadedManifest) => {
  const found = desired.resources.find(({ address }) => address === 'guest/one')
  return found?.spec as { readonly mcp?: unknown; readonly files?: unknown }
}
const codes = ({ desired }: LoadedManifest) => desired.warnings.map(({ code }) => code)

describe('an MCP server', () => {
  it('is what the agent program is told of, and a plan has a digest of it', async () => {
    const loaded = await load(`${CLAUDE}, ${ROUTE}, mcp: { tracker: { url: "https://tracker.test/mcp" } }`)
    expect(JSON.parse(registered(loaded))).toEqual({
      mcpServers: { tracker: { type: 'http', url: 'https://tracker.test/mcp', headers: {} } },
    })
    expect(guest(loaded).mcp).toEqual({
      tracker: { digest: `digest of ${digestOf({ url: 'https://tracker.test/mcp', headers: {} })}` },
    })
  })

  it('costs nothing but its own digest: the files of the provider stay what they are', async () => {
    const server = 'mcp: { files: { command: [node, files.mjs] } }'
    for (const provider of [CLAUDE, CODEX])
      expect(guest(await load(`${provider}, ${server}`)).files).toEqual(guest(await load(provider)).files)
    expect(guest(await load(`${CLAUDE}, mcp: {}`))).not.toHaveProperty('mcp')
  })

  it('has a placeholder in a header, which egress knows and a route carries', async () => {
    const headers = 'headers: { X-Key: { env: KEY_A, placeholder: true }, X-Team: seven }'
    const loaded = await load(
      `${CLAUDE}, ${ROUTE}, mcp: { tracker: { url: "https://tracker.test/mcp", ${headers} } }`,
    )
    const placeholder = loaded.marks('one')?.placeholders['env:KEY_A'] ?? ''
    expect(placeholder).toMatch(/^bot_bottle_placeholder_/)
    expect(JSON.parse(registered(loaded)).mcpServers.tracker.headers).toEqual({
      'X-Key': placeholder,
      'X-Team': 'seven',
    })
    expect(codes(loaded)).not.toContain('placeholder-without-route')
    expect([...loaded.environment('one').values()]).not.toContain(placeholder)
  })

  it('of codex finds the doors and every variable of the bottle, but those that it has itself', async () => {
    const loaded = await load(
      `${CODEX}, env: { CI: "1", SEED: "?", LOG: loud }, mcp: { files: { command: [node, a, b], env: { LOG: quiet } } }`,
    )
    expect(parse(registered(loaded))).toMatchObject({
      mcp_servers: {
        files: {
          command: 'node',
          args: ['a', 'b'],
          env: { LOG: 'quiet' },
          env_vars: expect.arrayContaining(['CI', 'SEED', 'HTTPS_PROXY', 'NODE_EXTRA_CA_CERTS', 'PATH']),
        },
      },
    })
    expect(parse(registered(loaded))).not.toHaveProperty(
      'mcp_servers.files.env_vars',
      expect.arrayContaining(['LOG']),
    )
  })

  it('of an agent stands instead of the bottle’s of the same name, whole, beside the others', async () => {
    const loaded = await load(
      `${CLAUDE}, mcp: { a: { command: [a], env: { A: "1" } }, b: { command: [b] } }`,
      ', mcp: { a: { url: "https://tracker.test/mcp" }, c: { command: [c] } }',
    )
    expect(JSON.parse(registered(loaded)).mcpServers).toEqual({
      a: { type: 'http', url: 'https://tracker.test/mcp', headers: {} },
      b: { type: 'stdio', command: 'b', args: [], env: {} },
      c: { type: 'stdio', command: 'c', args: [], env: {} },
    })
  })

  it('is explained with the line that it comes from', async () => {
    const loaded = await load(`${CLAUDE}, mcp: { a: { command: [a] } }`, ', mcp: { b: { command: [b] } }')
    const fields = explain(loaded, 'guest/one').fields.filter(({ path }) => path.startsWith('mcp'))
    expect(fields.map(({ path, place }) => [path, place?.line])).toEqual([
      ['mcp.a.command[0]', 4],
      ['mcp.b.command[0]', 6],
    ])
  })

  it.each([
    ['host: tracker.test', 'https://tracker.test/mcp', []],
    ['host: tracker.test', 'https://TRACKER.test/mcp', []],
    ['host: tracker.test', 'https://tracker.test:8443/mcp', ['mcp-without-route']],
    ['host: tracker.test, port: 8443', 'https://tracker.test:8443/mcp', []],
    ['host: tracker.test, scheme: http, port: 443', 'https://tracker.test/mcp', ['mcp-without-route']],
    ['host: "*.tracker.test"', 'https://one.tracker.test/mcp', []],
    ['host: "*.tracker.test"', 'https://tracker.test/mcp', ['mcp-without-route']],
    ['host: "*.tracker.test"', 'https://one.two.tracker.test/mcp', ['mcp-without-route']],
    ['host: xn--bcher-kva.test', 'https://bücher.test/mcp', []],
  ])('with the route %s at %s is said to be %j', async (route, url, said) => {
    const loaded = await load(
      `${CLAUDE}, egress: { routes: [{ ${route} }] }, mcp: { tracker: { url: "${url}" } }`,
    )
    expect(codes(loaded).filter((code) => code.startsWith('mcp-'))).toEqual(said)
  })
})
