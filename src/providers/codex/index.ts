/** Codex: an API key, the forwarded sign-in of the host, or the device sign-in inside the bottle. */
import { stringify } from 'smol-toml'
import type { McpRegistration, McpServer, McpServers } from '../../model/provider.ts'
import type {
  Contribution,
  McpRequest,
  Provider,
  ProviderFile,
  ProviderRequest,
  ProviderRoute,
} from '../../model/provider.ts'
import { json } from '../files.ts'
import { dummies, login } from './login.ts'
import lock from './lock.json' with { type: 'json' }

/** Of `@openai/codex`; `node scripts/provider-locks.ts` makes the lock for it. */
export const VERSION = '0.169.0'

const VENDOR = 'node_modules/@openai/codex-linux'
const BINARY = {
  x64: `${VENDOR}-x64/vendor/x86_64-unknown-linux-musl/bin/codex`,
  arm64: `${VENDOR}-arm64/vendor/aarch64-unknown-linux-musl/bin/codex`,
} as const

export const codex: Provider = {
  name: 'codex',
  version: VERSION,
  takes: ['api_key_ref', 'forward_host_credentials'],
  settings: {
    model: { type: 'text' },
    reasoning: { type: 'one-of', values: ['low', 'medium', 'high', 'xhigh'] },
  },
  hidden: ['OPENAI_API_KEY', 'CODEX_API_KEY'],
  login,
  contribution,
  registration,
  start: (request) => ['codex', ...FLAGS, ...request.extra],
  headless: (prompt, request) => [
    'codex',
    'exec',
    '--skip-git-repo-check',
    ...(request.events ? ['--json'] : []),
    ...FLAGS,
    ...request.extra,
    '--',
    prompt,
  ],
  resume: (request) => ['codex', 'resume', '--last', ...FLAGS, ...request.extra],
}

function contribution(request: ProviderRequest): Contribution {
  const { home } = request
  return {
    program: {
      packages: lock.packages,
      commands: { codex: BINARY },
      verify: [['codex', '--version']],
    },
    ...carried(request),
    routes: routesFor(request),
    environment: {},
    files: [configFile(configuration(request)), ...signIn(request)],
    places: {
      prompt: `${home}/.codex/AGENTS.md`,
      skills: `${home}/.codex/skills`,
      userSkills: '.codex/skills',
    },
  }
}

/** Below the user's own configuration, which the program writes itself. */
function configFile(content: Parameters<typeof stringify>[0]): ProviderFile {
  return { path: '/etc/codex/config.toml', content: stringify(content), mode: 0o644, owner: 'root' }
}

/** One that the program cannot read, and it starts not at all: it is asked for each. */
function registration(servers: McpServers, request: McpRequest): McpRegistration {
  const named = Object.entries(servers).map(([name, server]) => [name, serverOf(server, request)] as const)
  return {
    files: [configFile({ ...configuration(request), mcp_servers: Object.fromEntries(named) })],
    verify: Object.keys(servers).map((name) => ['codex', 'mcp', 'get', name, '--json']),
  }
}

function serverOf(server: McpServer, { variables }: McpRequest) {
  if ('url' in server) return { url: server.url, http_headers: server.headers }
  const { command, args, env } = server
  // Its programs get a handful of variables otherwise, and none that leads to the doors.
  return { command, args, env, env_vars: variables.filter((name) => !(name in env)) }
}

function routesFor({ credential }: ProviderRequest): readonly ProviderRoute[] {
  if (credential === undefined) return DEVICE_SIGN_IN
  return credential === 'api_key_ref' ? [API] : [SUBSCRIPTION]
}

/** The program wants a token that it can read: what it carries is a dummy with the placeholder in it. */
function carried({ credential, placeholder, login: claims }: ProviderRequest): Pick<Contribution, 'carried'> {
  return credential === 'forward_host_credentials'
    ? { carried: dummies(placeholder, claims).accessToken }
    : {}
}

const REDACT = { outbound_on_match: 'redact' } as const

const API: ProviderRoute = {
  host: 'api.openai.com',
  matches: [
    { methods: ['POST'], paths: [{ exact: '/v1/responses' }, { exact: '/v1/responses/compact' }] },
    { methods: ['GET'], paths: [{ exact: '/v1/models' }] },
  ],
  auth: { scheme: 'bearer' },
  dlp: REDACT,
}

/** What a signed-in account is asked with. */
const SUBSCRIPTION: ProviderRoute = {
  host: 'chatgpt.com',
  matches: [
    {
      methods: ['POST'],
      paths: [{ exact: '/backend-api/codex/responses' }, { exact: '/backend-api/codex/responses/compact' }],
    },
    {
      methods: ['GET'],
      paths: [
        { exact: '/backend-api/codex/models' },
        { exact: '/backend-api/wham/accounts/check' },
        { exact: '/backend-api/wham/usage' },
      ],
    },
  ],
  auth: { scheme: 'bearer' },
  dlp: REDACT,
}

/** Whoever signs in inside the bottle holds the credential there: the plan and a warning say so. */
const DEVICE_SIGN_IN: readonly ProviderRoute[] = [
  {
    host: 'auth.openai.com',
    matches: [
      { methods: ['POST'], paths: [{ prefix: '/api/accounts/deviceauth/' }, { exact: '/oauth/token' }] },
    ],
    auth: 'from-agent',
    dlp: REDACT,
  },
  {
    host: 'chatgpt.com',
    matches: [{ methods: ['GET', 'POST'], paths: [{ prefix: '/backend-api/codex/' }] }],
    auth: 'from-agent',
    dlp: REDACT,
  },
]

function signIn({ credential, placeholder, home, login: claims }: ProviderRequest): readonly ProviderFile[] {
  if (credential === undefined) return []
  const content = json(
    credential === 'api_key_ref'
      ? { auth_mode: 'apikey', OPENAI_API_KEY: placeholder }
      : dummies(placeholder, claims).file,
  )
  return [{ path: `${home}/.codex/auth.json`, content, mode: 0o600, owner: 'agent' }]
}

const UPSTREAM = 'bottle'
const OFF = ['apps', 'plugins', 'remote_plugin', 'plugin_sharing', 'unbounded_connection_retries'] as const

function configuration({ credential, settings, workspace }: ProviderRequest) {
  const { model, reasoning } = settings
  return {
    ...(model !== undefined && { model }),
    ...(reasoning !== undefined && { model_reasoning_effort: reasoning }),
    approval_policy: 'never',
    sandbox_mode: 'danger-full-access',
    check_for_update_on_startup: false,
    cli_auth_credentials_store: 'file',
    model_provider: UPSTREAM,
    // The vendor's own, asked over HTTP at once: WebSockets are tried six times before that.
    model_providers: {
      [UPSTREAM]: {
        name: 'OpenAI',
        ...(credential === 'api_key_ref' && { base_url: `https://${API.host}/v1` }),
        wire_api: 'responses',
        requires_openai_auth: true,
        supports_websockets: false,
      },
    },
    analytics: { enabled: false },
    feedback: { enabled: false },
    // What would ask hosts that no task needs, each time it starts.
    features: Object.fromEntries(OFF.map((feature) => [feature, false])),
    notice: { hide_full_access_warning: true },
    projects: { [workspace]: { trust_level: 'trusted' } },
  }
}

/** The bottle is the sandbox: the program's own needs rights that nothing in a bottle has. */
const FLAGS = ['--dangerously-bypass-approvals-and-sandbox'] as const
