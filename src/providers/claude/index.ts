/** Claude Code: signs in with a subscription's OAuth token or an API key, which the guest never holds. */
import type { McpRegistration, McpServer, McpServers } from '../../model/provider.ts'
import type {
  Contribution,
  Provider,
  ProviderFile,
  ProviderRequest,
  ProviderRoute,
  StartRequest,
} from '../../model/provider.ts'
import { optional, json } from '../files.ts'
import lock from './lock.json' with { type: 'json' }

/** Of `@anthropic-ai/claude-code`; `node scripts/provider-locks.ts` makes the lock for it. */
export const VERSION = '2.1.330'

const API_HOST = 'api.anthropic.com'
const BINARY = 'node_modules/@anthropic-ai/claude-code-linux'

export const claude: Provider = {
  name: 'claude',
  version: VERSION,
  takes: ['auth_token', 'api_key_ref'],
  settings: { model: { type: 'text' } },
  hidden: ['CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_API_KEY'],
  contribution,
  registration,
  start: (request) => ['claude', ...flags(request), ...request.extra],
  headless: (prompt, request) => [
    'claude',
    '--print',
    ...flags(request),
    ...(request.events ? EVENTS : []),
    ...request.extra,
    '--',
    prompt,
  ],
  resume: (request) => ['claude', '--continue', ...flags(request), ...request.extra],
}

/** Each token as it comes. */
const EVENTS = ['--output-format', 'stream-json', '--verbose', '--include-partial-messages'] as const

function contribution(request: ProviderRequest): Contribution {
  const { home } = request
  return {
    program: {
      packages: lock.packages,
      commands: { claude: { x64: `${BINARY}-x64/claude`, arm64: `${BINARY}-arm64/claude` } },
      needs: ['glibc'],
      verify: [['claude', '--version']],
    },
    routes: [route(request)],
    environment: { ...credential(request), ...QUIET },
    files: [
      {
        path: `${home}/.claude.json`,
        content: json(state(request)),
        mode: 0o600,
        owner: 'agent',
        once: true,
      },
      {
        path: `${home}/.claude/settings.json`,
        content: json({ theme: 'dark', skipDangerousModePermissionPrompt: true }),
        mode: 0o600,
        owner: 'agent',
        once: true,
      },
      mcpFile({}),
    ],
    places: { prompt: promptFile(home), skills: `${home}/.claude/skills`, userSkills: '.claude/skills' },
  }
}

/** What the program does beside its work: updates, reports, surveys. */
const QUIET = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  DISABLE_ERROR_REPORTING: '1',
  DISABLE_INSTALLATION_CHECKS: '1',
  DISABLE_TELEMETRY: '1',
} as const

function credential({ credential: key, placeholder }: ProviderRequest): Readonly<Record<string, string>> {
  if (key === 'auth_token') return { CLAUDE_CODE_OAUTH_TOKEN: placeholder }
  return key === 'api_key_ref' ? { ANTHROPIC_API_KEY: placeholder } : {}
}

function route({ credential: key }: ProviderRequest): ProviderRoute {
  const auth =
    key === 'auth_token'
      ? ({ scheme: 'bearer' } as const)
      : key === 'api_key_ref'
        ? ({ scheme: 'header', name: 'x-api-key' } as const)
        : ('from-agent' as const)
  return {
    host: API_HOST,
    matches: [
      { methods: ['POST'], paths: [{ exact: '/v1/messages' }, { exact: '/v1/messages/count_tokens' }] },
      {
        methods: ['GET'],
        paths: [
          { exact: '/v1/models' },
          { exact: '/api/oauth/profile' },
          { exact: '/api/oauth/usage' },
          // What an organisation says to all its clients.
          { exact: '/api/claude_code/settings' },
          { exact: '/api/claude_code/policy_limits' },
        ],
      },
    ],
    auth,
    dlp: { outbound_on_match: 'redact' },
  }
}

/** Questions that a first start would ask are answered: the bottle is the boundary that they ask about. */
function state({ placeholder, workspace }: ProviderRequest) {
  return {
    hasCompletedOnboarding: true,
    lastOnboardingVersion: VERSION,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [placeholder.slice(-20)], rejected: [] },
    projects: { [workspace]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  }
}

/** The program starts no server to look at this file alone: its own `mcp list` asks the others. */
function registration(servers: McpServers): McpRegistration {
  return { files: [mcpFile(servers)], verify: [] }
}

/** The file that `--mcp-config` names: a missing one would keep the program from starting. */
const MCP_FILE = '/etc/bot-bottle/claude-mcp.json'

function mcpFile(servers: McpServers): ProviderFile {
  const named = Object.entries(servers).map(([name, server]) => [name, serverOf(server)] as const)
  return {
    path: MCP_FILE,
    content: json({ mcpServers: Object.fromEntries(named) }),
    mode: 0o644,
    owner: 'root',
  }
}

function serverOf(server: McpServer) {
  return 'url' in server ? { type: 'http', ...server } : { type: 'stdio', ...server }
}

function flags({ hasPrompt, settings, home }: StartRequest): readonly string[] {
  return [
    '--dangerously-skip-permissions',
    ...optional('--model', settings['model']),
    ...(hasPrompt ? ['--append-system-prompt-file', promptFile(home)] : []),
    `--mcp-config=${MCP_FILE}`,
  ]
}

const promptFile = (home: string): string => `${home}/.claude/bot-bottle-prompt.md`
