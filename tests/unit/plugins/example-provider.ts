/** The module of a small provider that keeps to everything, and what can be replaced in it. */
export interface Replacements {
  /** Properties of the provider, as source. */
  readonly provider?: string
  /** Properties of its contribution, as source. */
  readonly contribution?: string
}

export function providerModule(
  name: string,
  { provider = '', contribution = '' }: Replacements = {},
): string {
  return `const LOCK = [{
  path: 'node_modules/acme-agent', name: 'acme-agent', version: '2.1.0',
  integrity: 'sha512-${'A'.repeat(86)}==',
}]
export default {
  name: '${name}',
  version: '2.1.0',
  takes: ['api_key_ref'],
  settings: { model: { type: 'text' } },
  hidden: ['ACME_KEY'],
  contribution: ({ credential, placeholder, home }) => ({
    program: {
      packages: LOCK,
      commands: { 'acme-agent': 'node_modules/acme-agent/cli.js' },
      verify: [['acme-agent', '--version']],
    },
    routes: [{
      host: 'llm.acme.example',
      matches: [{ methods: ['POST'], paths: [{ exact: '/v1/messages' }] }],
      ...(credential && { auth: { scheme: 'bearer' } }),
      dlp: { outbound_on_match: 'redact' },
    }],
    environment: credential ? { ACME_KEY: placeholder } : {},
    files: [{ path: home + '/.acme/config', content: 'x', mode: 0o600, owner: 'agent' }],
    places: { prompt: home + '/.acme/prompt.md', skills: home + '/.acme/skills', userSkills: '.acme/skills' },
    ${contribution}
  }),
  start: ({ extra }) => ['acme-agent', ...extra],
  headless: (prompt, { extra }) => ['acme-agent', '--once', ...extra, prompt],
  resume: ({ extra }) => ['acme-agent', '--continue', ...extra],
  ${provider}
}
`
}
