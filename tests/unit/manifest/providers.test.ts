import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explain } from '../../../src/manifest/explain.ts'
import type { LoadedManifest } from '../../../src/manifest/load.ts'
import type { GuestSpec } from '../../../src/resources/guest/spec.ts'
import type { ImageSpec } from '../../../src/resources/image/spec.ts'
import type { RouteSpec } from '../../../src/resources/route/spec.ts'
import { loadText, refusal, written } from './loading.ts'

const head = 'version: 1\nstack: acme\nbottles:\n'
const CLAUDE = '    agent_provider: { template: claude, auth_token: TOKEN }\n'

const specOf = (loaded: LoadedManifest, address: string): unknown =>
  loaded.desired.resources.find((resource) => resource.address === address)?.spec
const route = (loaded: LoadedManifest): RouteSpec =>
  specOf(loaded, 'route/dev/api.anthropic.com') as RouteSpec
const guest = (loaded: LoadedManifest): GuestSpec => specOf(loaded, 'guest/dev') as GuestSpec
const image = (loaded: LoadedManifest, name = 'dev'): ImageSpec =>
  specOf(loaded, `image/${name}`) as ImageSpec
const said = async (provider: string): Promise<string> =>
  written((await refusal(loadText(`${head}  dev:\n    agent_provider: ${provider}\n`))).diagnostics)

describe('the provider of a bottle', () => {
  it('brings a route that carries the credential of the bottle, with the line that asks for it', async () => {
    const loaded = await loadText(`${head}  dev:\n${CLAUDE}`)
    expect(route(loaded)).toMatchObject({
      host: 'api.anthropic.com',
      auth: { scheme: 'bearer', secret: 'env:TOKEN' },
      dlp: { outboundOnMatch: 'redact' },
    })
    const resource = loaded.desired.resources.find(({ kind }) => kind === 'route')
    expect(resource?.places['']).toMatchObject({ file: '-', line: 5, provider: 'claude' })
    expect(loaded.desired.warnings).toEqual([])
  })

  it('gives the guest a placeholder that egress knows, and never a value', async () => {
    const loaded = await loadText(`${head}  dev:\n${CLAUDE}`, { env: { TOKEN: 'the value itself' } })
    const held = loaded.environment('dev').get('CLAUDE_CODE_OAUTH_TOKEN')
    expect(held).toMatch(/^bot_bottle_placeholder_[0-9a-f]{32}$/)
    expect(loaded.marks('dev')?.placeholders).toEqual({ 'env:TOKEN': held })
    expect(JSON.stringify([loaded.desired, [...loaded.environment('dev')]])).not.toContain('the value itself')
  })

  it('keeps its own variables out of everything that a plan shows', async () => {
    const loaded = await loadText(`${head}  dev:\n${CLAUDE}`)
    expect(JSON.stringify(loaded.desired)).not.toContain('CLAUDE_CODE_OAUTH_TOKEN')
    const names = Object.keys(guest(loaded).env)
    expect(names).toContain('DISABLE_AUTOUPDATER')
    expect(guest(loaded).env['provider credential']).toMatchObject({ from: 'program' })
  })

  it('can be told otherwise in the environment of the bottle, but not of its credential', async () => {
    const loaded = await loadText(`${head}  dev:\n${CLAUDE}    env: { DISABLE_TELEMETRY: "0" }\n`)
    expect(loaded.environment('dev').get('DISABLE_TELEMETRY')).toBe('0')
    const error = await refusal(loadText(`${head}  dev:\n${CLAUDE}    env: { ANTHROPIC_API_KEY: mine }\n`))
    expect(written(error.diagnostics)).toContain(
      'reserved-env\n  `ANTHROPIC_API_KEY` is set by the provider `claude`',
    )
  })

  it('holds the same placeholder whichever key gives the credential', async () => {
    const token = await loadText(`${head}  dev:\n${CLAUDE}`)
    const key = await loadText(
      `${head}  dev:\n    agent_provider: { template: claude, api_key_ref: { file: k } }\n`,
    )
    expect(key.environment('dev').get('ANTHROPIC_API_KEY')).toBe(
      token.environment('dev').get('CLAUDE_CODE_OAUTH_TOKEN'),
    )
    expect(route(key).auth).toEqual({ scheme: 'header', name: 'x-api-key', secret: 'file:k' })
  })
})

describe('a route of the manifest for the host of a provider', () => {
  const OWN = `${head}  dev:
${CLAUDE}    egress:
      routes:
        - host: api.anthropic.com
          allow_private: true
          matches: [{ paths: [{ prefix: /v1/ }] }]
`
  it('is one with that of the provider, and what it says stands', async () => {
    const loaded = await loadText(OWN)
    expect(route(loaded)).toMatchObject({
      allowPrivate: true,
      matches: [{ paths: [{ prefix: '/v1/' }] }],
      auth: { scheme: 'bearer', secret: 'env:TOKEN' },
    })
    expect(loaded.desired.resources.filter(({ kind }) => kind === 'route')).toHaveLength(1)
  })

  it('is said in a warning, with what comes from where', async () => {
    const { desired } = await loadText(OWN)
    expect(written(desired.warnings)).toBe(`-:8:17+17 warning shadowed-route
  the provider \`claude\` has a route for \`api.anthropic.com\` too: \`matches\` of this one stands instead of the provider's
  hint: from the provider come \`dlp\`, \`auth\`
`)
  })

  it('is explained key by key', async () => {
    const { fields } = explain(await loadText(OWN), 'route/dev/api.anthropic.com')
    const via = Object.fromEntries(fields.map(({ path, via: through }) => [path, through]))
    expect(via['auth.scheme']).toEqual(['provider claude'])
    expect(via['allow_private']).toEqual([])
  })
})

describe('a provider that cannot be meant', () => {
  it.each([
    [
      'an unknown one',
      '{ template: clade }',
      'unknown-provider\n  there is no provider `clade`\n  hint: did you mean `claude`?',
    ],
    [
      'a token for another',
      '{ template: codex, auth_token: T }',
      'wrong-provider\n  `auth_token` is for claude; `codex` takes `api_key_ref` or `forward_host_credentials`',
    ],
    [
      'a sign-in of the host for another',
      '{ template: claude, forward_host_credentials: true }',
      '; `claude` takes `auth_token` or `api_key_ref`',
    ],
    [
      'two credentials',
      '{ template: claude, auth_token: T, api_key_ref: K }',
      'exactly-one\n  a provider has one credential: either `auth_token` or `api_key_ref`',
    ],
    [
      'a version that has no checksums',
      '{ template: claude, auth_token: T, version: 1.0.0 }',
      'or install `1.0.0` in a Dockerfile of your own: `dockerfile: PATH`',
    ],
    [
      'a setting that it has not',
      '{ template: claude, auth_token: T, settings: { modle: x } }',
      'unknown-key\n  `modle` is no setting of `claude`\n  hint: it has `model`',
    ],
    [
      'a setting that it needs',
      '{ template: pi, api_key_ref: K, settings: { provider: p, model: m, api: openai-responses } }',
      'missing-key\n  `pi` needs `settings.base_url`',
    ],
    [
      'a setting that is none of its values',
      '{ template: codex, api_key_ref: K, settings: { reasoning: much } }',
      'bad-setting\n  `reasoning` is `low`, `medium`, `high` or `xhigh`',
    ],
    [
      'an address that is not https',
      '{ template: pi, api_key_ref: K, settings: { provider: p, model: m, api: openai-responses, base_url: "http://a.example" } }',
      'bad-setting\n  `base_url` is an https URL without user, query and fragment',
    ],
    [
      'a build of nothing',
      '{ template: claude, auth_token: T, build: { network: none } }',
      'missing-key\n  `build` says how a Dockerfile is built',
    ],
    [
      'a Dockerfile that is not there',
      '{ template: claude, auth_token: T, dockerfile: ./nowhere }',
      'dockerfile-unreadable',
    ],
    ['a role of old', '{ template: claude, role: claude_code_oauth }', 'unknown-key'],
  ])('is refused: %s', async (_what, provider, words) => {
    expect(await said(provider)).toContain(words)
  })

  it('is warned of where nothing signs it in', async () => {
    const { desired } = await loadText(`${head}  dev:\n    agent_provider: { template: codex }\n`)
    expect(written(desired.warnings)).toContain('warning provider-without-credential')
  })
})

describe('a forwarded sign-in of the host', () => {
  const FORWARD = `${head}  dev:\n    agent_provider: { template: codex, forward_host_credentials: true }\n`
  const expires = Date.parse('2030-01-02T03:04:05Z') / 1000
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = {
    exp: expires,
    sub: 'a person',
    'https://api.openai.com/auth': {
      chatgpt_account_id: 'acct-1',
      chatgpt_plan_type: 'pro',
      user_id: 'user-1',
    },
  }
  const token = `${part({ alg: 'RS256' })}.${part(payload)}.the-real-signature`
  let home: string
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'bb-login-'))
    mkdirSync(join(home, '.codex'))
    const tokens = {
      access_token: token,
      id_token: token,
      refresh_token: 'the-real-refresh',
      account_id: 'acct-1',
    }
    writeFileSync(join(home, '.codex', 'auth.json'), JSON.stringify({ auth_mode: 'chatgpt', tokens }))
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  it('is a reference that apply resolves, and is watched', async () => {
    const path = join(home, '.codex', 'auth.json')
    const loaded = await loadText(FORWARD, { env: { HOME: home } })
    expect(loaded.desired.secrets).toEqual({ 'login:codex': { from: 'login', provider: 'codex', path } })
    expect(specOf(loaded, 'route/dev/chatgpt.com')).toMatchObject({
      auth: { scheme: 'bearer', secret: 'login:codex' },
    })
    expect(loaded.named).toContain(path)
  })

  it('leaves dummies in the guest: the real end, account and plan, and nothing else of it', async () => {
    const loaded = await loadText(FORWARD, { env: { HOME: home } })
    const files = loaded.provided('dev')?.contribution.files ?? []
    const { content = '' } = files.find(({ path }) => path.endsWith('/.codex/auth.json')) ?? {}
    const { tokens } = JSON.parse(content) as { readonly tokens: Readonly<Record<string, string>> }
    const held = JSON.parse(
      Buffer.from(tokens['access_token']?.split('.')[1] ?? '', 'base64url').toString(),
    ) as object
    expect(held).toEqual({
      exp: expires,
      'https://api.openai.com/auth': { chatgpt_account_id: 'acct-1', chatgpt_plan_type: 'pro' },
    })
    expect(loaded.marks('dev')?.placeholders).toEqual({ 'login:codex': tokens['access_token'] })
    const all = JSON.stringify([loaded.desired, files, [...loaded.environment('dev')]])
    for (const real of ['the-real-refresh', 'the-real-signature', 'a person', 'user-1', token])
      expect(all).not.toContain(real)
  })

  it('is a warning where there is none: a plan can be looked at all the same', async () => {
    const { desired } = await loadText(FORWARD, { env: { HOME: '/nonexistent' } })
    expect(written(desired.warnings)).toBe(`-:5:5+14 warning host-login-unread
  \`/nonexistent/.codex/auth.json\` holds no sign-in of \`codex\` that can be read; apply needs one
  hint: codex login
`)
  })
})

describe('the image of a provider', () => {
  it('has the same digest in two bottles with the same inputs, and another with another base', async () => {
    const loaded = await loadText(
      `${head}  one:\n${CLAUDE}  two:\n${CLAUDE}  three:\n${CLAUDE}    base_image: debian:13\n`,
    )
    expect(image(loaded, 'one').inputDigest).toBe(image(loaded, 'two').inputDigest)
    expect(image(loaded, 'three').inputDigest).not.toBe(image(loaded, 'one').inputDigest)
    expect(image(loaded, 'one').tag).toMatch(/^bot-bottle\/one:[0-9a-f]{12}$/)
  })

  it('says which input is which, and nothing of the credential is one', async () => {
    const token = await loadText(`${head}  dev:\n${CLAUDE}`)
    const none = await loadText(`${head}  dev:\n    agent_provider: { template: claude }\n`)
    expect(image(token)).toEqual(image(none))
    expect(image(token)).toMatchObject({ role: 'agent', inputs: { program: 'claude 2.1.330' } })
  })
})
