/**
 * A provider: what an agent program needs of its bottle, as data. It runs on the host while bot-bottle plans, so it
 * reads no file, asks nothing and never sees a credential. plugin.d.ts says what every part means.
 *
 * @import { Provider, ProviderRequest, ProviderRoute } from './plugin.d.ts'
 */

/** @type {Provider} */
export default {
  name: 'provider-example',
  // Of the agent program. With packages: the version that they are locked at.
  version: '1.0.0',
  // Keys of `agent_provider` that may give the credential.
  takes: ['api_key_ref'],
  // Keys of `agent_provider.settings`, checked in the manifest.
  settings: {
    base_url: { type: 'url', required: true },
    model: { type: 'text', required: true },
  },
  // Variables of `environment` below that hold the placeholder; this one writes it into a file.
  hidden: [],

  contribution: (request) => ({
    program: {
      // What npm would install, each with its checksum; empty: the Dockerfile brings the program.
      packages: [],
      // By the name on PATH, files of the packages.
      commands: {},
      // Has to end with 0 in the bottle before the agent may start.
      verify: [['ask', '--version']],
    },
    routes: [route(request)],
    environment: {},
    files: [
      {
        path: `${request.home}/.ask/config.json`,
        content: config(request),
        mode: 0o600,
        owner: 'agent',
      },
    ],
    places: {
      prompt: `${request.home}/.ask/prompt.md`,
      skills: `${request.home}/.ask/skills`,
      // On the host, from the user's home: skills that every bottle of this provider gets.
      userSkills: '.ask/skills',
    },
  }),

  start: ({ extra }) => ['ask', ...extra],
  headless: (prompt, { extra }) => ['ask', '--once', ...extra, prompt],
  resume: ({ extra }) => ['ask', '--continue', ...extra],
}

/**
 * The only requests that may pass, and the slot that egress puts the credential into.
 *
 * @param {ProviderRequest} request
 * @returns {ProviderRoute}
 */
function route({ credential, settings }) {
  const { hostname, port, pathname } = new URL(settings['base_url'] ?? 'https://invalid')
  return {
    host: hostname,
    ...(port !== '' && { port: Number(port) }),
    matches: [{ methods: ['POST'], paths: [{ exact: `${pathname.replace(/\/$/, '')}/chat/completions` }] }],
    ...(credential && { auth: { scheme: 'bearer' } }),
    // A conversation is full of token-shaped text: what is found is redacted, never a reason to end a session.
    dlp: { outbound_on_match: 'redact' },
  }
}

/**
 * The guest holds a placeholder; egress takes it for the credential on the route above, and refuses it elsewhere.
 *
 * @param {ProviderRequest} request
 */
function config({ settings, credential, placeholder }) {
  const { base_url: baseUrl, model } = settings
  return `${JSON.stringify({ baseUrl, model, ...(credential && { apiKey: placeholder }) })}\n`
}
