/** What is particular to one provider: what its program reads, and how it is started. */
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import type { McpServers } from '../../../src/model/provider.ts'
import type { Provider, ProviderRequest, StartRequest } from '../../../src/model/provider.ts'
import { claude } from '../../../src/providers/claude/index.ts'
import { codex } from '../../../src/providers/codex/index.ts'
import { pi } from '../../../src/providers/pi/index.ts'

const asked: ProviderRequest = {
  settings: {},
  placeholder: 'bot_bottle_placeholder_0123456789abcdef0123456789abcdef',
  home: '/home/agent',
  workspace: '/workspace',
}
const start: StartRequest = { hasPrompt: false, extra: [], settings: {}, home: '/home/agent' }
const file = (provider: Provider, path: string, over: Partial<ProviderRequest> = {}): string =>
  provider.contribution({ ...asked, ...over }).files.find((one) => one.path === path)?.content ?? ''

const SERVERS: McpServers = {
  tracker: { url: 'https://tracker.test/mcp', headers: { 'X-Team': 'acme' } },
  files: { command: 'node', args: ['server.mjs', '--root=/'], env: { LOG: 'a "b"' } },
}
const mcpRequest = { ...asked, variables: ['HTTPS_PROXY', 'LOG', 'PATH'] }
const registered = (provider: Provider): string =>
  provider.registration?.(SERVERS, mcpRequest).files[0]?.content ?? ''

describe('claude', () => {
  it('begins with the prompt: no theme, no sign-in, no question of trust, none about the key', () => {
    expect(JSON.parse(file(claude, '/home/agent/.claude.json'))).toMatchObject({
      hasCompletedOnboarding: true,
      bypassPermissionsModeAccepted: true,
      customApiKeyResponses: { approved: ['cdef0123456789abcdef'] },
      projects: { '/workspace': { hasTrustDialogAccepted: true } },
    })
  })

  it('is told of a prompt, and where its MCP servers are, on its command line', () => {
    expect(claude.start({ ...start, hasPrompt: true })).toEqual([
      'claude',
      '--dangerously-skip-permissions',
      '--append-system-prompt-file',
      '/home/agent/.claude/bot-bottle-prompt.md',
      '--mcp-config=/etc/bot-bottle/claude-mcp.json',
    ])
  })

  it('reads its MCP servers from a file of root, which is there when it has none', () => {
    expect(JSON.parse(file(claude, '/etc/bot-bottle/claude-mcp.json'))).toEqual({ mcpServers: {} })
    expect(JSON.parse(registered(claude))).toEqual({
      mcpServers: {
        tracker: { type: 'http', url: 'https://tracker.test/mcp', headers: { 'X-Team': 'acme' } },
        files: { type: 'stdio', command: 'node', args: ['server.mjs', '--root=/'], env: { LOG: 'a "b"' } },
      },
    })
  })

  it('does a task with the prompt behind all options', () => {
    expect(claude.headless('Do it.', { ...start, settings: { model: 'opus' } })).toEqual([
      'claude',
      '--print',
      '--dangerously-skip-permissions',
      '--model',
      'opus',
      '--mcp-config=/etc/bot-bottle/claude-mcp.json',
      '--',
      'Do it.',
    ])
  })
})

describe('codex', () => {
  it('reads a configuration of root, in which nothing asks and nothing reports', () => {
    const text = file(codex, '/etc/codex/config.toml', { settings: { model: 'a "quoted" one' } })
    expect(parse(text)).toMatchObject({
      model: 'a "quoted" one',
      approval_policy: 'never',
      sandbox_mode: 'danger-full-access',
      check_for_update_on_startup: false,
      analytics: { enabled: false },
      projects: { '/workspace': { trust_level: 'trusted' } },
    })
  })

  it('has its MCP servers in the same file, and every variable of the bottle for those that it starts', () => {
    const before = parse(file(codex, '/etc/codex/config.toml'))
    expect(parse(registered(codex))).toEqual({
      ...before,
      mcp_servers: {
        tracker: { url: 'https://tracker.test/mcp', http_headers: { 'X-Team': 'acme' } },
        files: {
          command: 'node',
          args: ['server.mjs', '--root=/'],
          env: { LOG: 'a "b"' },
          env_vars: ['HTTPS_PROXY', 'PATH'],
        },
      },
    })
  })

  it('is asked for each of them before it may start', () => {
    expect(codex.registration?.(SERVERS, mcpRequest).verify).toEqual([
      ['codex', 'mcp', 'get', 'tracker', '--json'],
      ['codex', 'mcp', 'get', 'files', '--json'],
    ])
  })

  it('holds a placeholder where its key would be', () => {
    const text = file(codex, '/home/agent/.codex/auth.json', { credential: 'api_key_ref' })
    expect(JSON.parse(text)).toEqual({ auth_mode: 'apikey', OPENAI_API_KEY: asked.placeholder })
  })

  it('has nothing but the path of the device sign-in where no credential is given', () => {
    const { routes, files } = codex.contribution(asked)
    expect(routes.map(({ host, auth }) => [host, auth])).toEqual([
      ['auth.openai.com', 'from-agent'],
      ['chatgpt.com', 'from-agent'],
    ])
    expect(files.map(({ path }) => path)).toEqual(['/etc/codex/config.toml'])
  })
})

describe('pi', () => {
  const settings = {
    provider: 'acme',
    base_url: 'https://llm.acme.example:8443/v1/',
    model: 'large',
    api: 'anthropic-messages',
  }

  it('takes a task for a task, whatever it begins with', () => {
    for (const [task, given] of [
      ['Do it.', 'Do it.'],
      ['-v is broken', '-v is broken'],
      ['@types are missing', ' @types are missing'],
    ] as const)
      expect(pi.headless(task, { ...start, settings }).slice(-2)).toEqual(['--', given])
  })

  it('has one route, to the address of its API', () => {
    expect(pi.contribution({ ...asked, settings, credential: 'api_key_ref' }).routes).toEqual([
      {
        host: 'llm.acme.example',
        port: 8443,
        matches: [{ methods: ['GET', 'POST'], paths: [{ prefix: '/v1/' }] }],
        auth: { scheme: 'header', name: 'x-api-key' },
        dlp: { outbound_on_match: 'redact' },
      },
    ])
  })

  it('knows its model, and a placeholder as the key', () => {
    const text = file(pi, '/home/agent/.pi/agent/models.json', { settings, credential: 'api_key_ref' })
    expect(JSON.parse(text)).toEqual({
      providers: {
        acme: {
          baseUrl: settings.base_url,
          api: settings.api,
          apiKey: asked.placeholder,
          models: [{ id: 'large' }],
        },
      },
    })
  })
})
