/** Pi: any model behind an API whose address and kind the manifest says. */
import type {
  Contribution,
  Provider,
  ProviderRequest,
  ProviderRoute,
  StartRequest,
} from '../../model/provider.ts'
import { json, optional } from '../files.ts'
import lock from './lock.json' with { type: 'json' }

/** Of `@earendil-works/pi-coding-agent`; `node scripts/provider-locks.ts` makes the lock for it. */
export const VERSION = '0.87.1'

const PROGRAM = 'node_modules/@earendil-works/pi-coding-agent/dist/cli.js'

/** Kinds of API, with the field that carries the key. */
const APIS = {
  'openai-completions': { scheme: 'bearer' },
  'openai-responses': { scheme: 'bearer' },
  'anthropic-messages': { scheme: 'header', name: 'x-api-key' },
  'google-generative-ai': { scheme: 'header', name: 'x-goog-api-key' },
} as const satisfies Readonly<Record<string, ProviderRoute['auth']>>

export const pi: Provider = {
  name: 'pi',
  version: VERSION,
  takes: ['api_key_ref'],
  settings: {
    provider: { type: 'text', required: true },
    base_url: { type: 'url', required: true },
    model: { type: 'text', required: true },
    api: { type: 'one-of', values: Object.keys(APIS), required: true },
  },
  hidden: [],
  contribution,
  start: (request) => ['pi', ...flags(request), ...request.extra],
  headless: (prompt, request) => [
    'pi',
    ...(request.events ? ['--mode', 'json'] : ['--print']),
    ...flags(request),
    ...request.extra,
    '--',
    asMessage(prompt),
  ],
  resume: (request) => ['pi', '--continue', ...flags(request), ...request.extra],
}

/** Behind `--` it takes what begins with `@` for a file still; a blank in front changes no task. */
const asMessage = (prompt: string): string => (prompt.startsWith('@') ? ` ${prompt}` : prompt)

function contribution(request: ProviderRequest): Contribution {
  const { home, settings } = request
  return {
    program: {
      packages: lock.packages,
      commands: { pi: PROGRAM },
      needs: ['node'],
      verify: [['pi', '--version']],
    },
    routes: [route(request)],
    environment: { PI_OFFLINE: '1', PI_SKIP_VERSION_CHECK: '1', PI_TELEMETRY: '0' },
    files: [
      { path: `${home}/.pi/agent/models.json`, content: json(models(request)), mode: 0o600, owner: 'agent' },
      {
        path: `${home}/.pi/agent/settings.json`,
        content: json({
          defaultProvider: settings['provider'] ?? '',
          defaultModel: settings['model'] ?? '',
          quietStartup: true,
        }),
        mode: 0o600,
        owner: 'agent',
        once: true,
      },
    ],
    places: { prompt: promptFile(home), skills: `${home}/.pi/agent/skills`, userSkills: '.pi/agent/skills' },
  }
}

function route({ credential, settings }: ProviderRequest): ProviderRoute {
  const { hostname, port, pathname } = new URL(settings['base_url'] ?? 'https://invalid')
  return {
    host: hostname,
    ...(port !== '' && { port: Number(port) }),
    matches: [{ methods: ['GET', 'POST'], paths: [{ prefix: `${pathname.replace(/\/$/, '')}/` }] }],
    auth: credential === 'api_key_ref' ? authOf(settings) : 'from-agent',
    dlp: { outbound_on_match: 'redact' },
  }
}

function authOf({ api = '' }: ProviderRequest['settings']): NonNullable<ProviderRoute['auth']> {
  return api === 'anthropic-messages' || api === 'google-generative-ai'
    ? APIS[api]
    : APIS['openai-completions']
}

function models({ settings, credential, placeholder }: ProviderRequest) {
  const { provider = '', base_url: baseUrl = '', api = '', model = '' } = settings
  const key = credential === undefined ? {} : { apiKey: placeholder }
  return { providers: { [provider]: { baseUrl, api, ...key, models: [{ id: model }] } } }
}

function flags({ settings, hasPrompt, home }: StartRequest): readonly string[] {
  return [
    ...optional('--provider', settings['provider']),
    ...optional('--model', settings['model']),
    ...(hasPrompt ? ['--append-system-prompt', promptFile(home)] : []),
  ]
}

const promptFile = (home: string): string => `${home}/.pi/agent/bot-bottle-prompt.md`
