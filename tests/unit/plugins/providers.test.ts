import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LoadedManifest } from '../../../src/manifest/load.ts'
import { findPlugins } from '../../../src/plugins/find.ts'
import { providersWith } from '../../../src/plugins/providers.ts'
import { BUILT_IN_PROVIDERS } from '../../../src/providers/registry.ts'
import type { ImageSpec } from '../../../src/resources/image/spec.ts'
import { loadText, refusal, written } from '../manifest/loading.ts'
import { providerModule } from './example-provider.ts'
import { openHomeFolder } from './folder.ts'

let folder: ReturnType<typeof openHomeFolder>
beforeEach(() => {
  folder = openHomeFolder()
})
afterEach(() => folder.close())

const manifest = (provider: string): string =>
  `version: 1\nstack: acme\nbottles:\n  dev:\n    agent_provider: ${provider}\n`
const ACME = '{ template: acme, api_key_ref: KEY }'
const load = (provider = ACME): Promise<LoadedManifest> =>
  loadText(manifest(provider), {
    providers: async () => providersWith(BUILT_IN_PROVIDERS, findPlugins(folder.home)),
  })
const refused = async (provider = ACME): Promise<string> =>
  written((await refusal(load(provider))).diagnostics)
const warned = (loaded: LoadedManifest): string => written(loaded.desired.warnings)
const image = (loaded: LoadedManifest): Extract<ImageSpec, { readonly role: 'agent' }> => {
  const spec = loaded.desired.resources.find(({ address }) => address === 'image/dev')?.spec as ImageSpec
  if (spec.role !== 'agent') throw new Error('the bottle has no agent')
  return spec
}

describe('a provider of a plug-in', () => {
  it('does what a built-in one does, and is said to be one', async () => {
    const place = folder.plugin('acme', providerModule('acme'))
    const loaded = await load()
    expect(loaded.desired.resources.map(({ address }) => address)).toContain('route/dev/llm.acme.example')
    expect(loaded.environment('dev').get('ACME_KEY')).toMatch(/^bot_bottle_placeholder_/)
    expect(loaded.provided('dev')?.provider.headless('do', startOf(loaded))).toEqual([
      'acme-agent',
      '--once',
      'do',
    ])
    expect(image(loaded).inputs).toMatchObject({ program: 'acme 2.1.0' })
    expect(warned(loaded)).toContain(`warning plugin-used\n  \`acme\` is the plug-in in \`${place}\` (1.0.0)`)
  })

  it('is checked in the manifest as a built-in one is', async () => {
    folder.plugin('acme', providerModule('acme'))
    expect(await refused('{ template: acme, auth_token: KEY }')).toContain('`acme` takes `api_key_ref`')
    expect(await refused('{ template: acme, api_key_ref: K, settings: { modle: x } }')).toContain(
      '`modle` is no setting of `acme`',
    )
  })

  it('tells its program of MCP servers where it can', async () => {
    const servers = '\n    mcp: { files: { command: [node, files.mjs] } }'
    const registering = (path: string): string =>
      providerModule('acme', {
        provider: `registration: (servers, { home }) => ({
          files: [{ path: ${path}, content: JSON.stringify(servers), mode: 0o600, owner: 'agent' }],
          verify: [['acme-agent', 'servers']],
        }),`,
      })
    folder.plugin('acme', registering("home + '/.acme/config'"))
    const mcp = (await load(`${ACME}${servers}`)).provisions('dev')?.mcp
    expect(mcp?.verify).toEqual([['acme-agent', 'servers']])
    expect(JSON.parse(mcp?.files[0]?.content ?? '')).toEqual({
      files: { command: 'node', args: ['files.mjs'], env: {} },
    })
  })

  it('writes nothing else for them than what it writes anyway', async () => {
    const servers = '\n    mcp: { files: { command: [node, files.mjs] } }'
    folder.plugin(
      'acme',
      providerModule('acme', {
        provider: `registration: () => ({
          files: [{ path: '/etc/passwd', content: '', mode: 0o600, owner: 'root' }], verify: [],
        }),`,
      }),
    )
    await expect(load(`${ACME}${servers}`)).rejects.toMatchObject({
      code: 'plugin-failed',
      message: expect.stringContaining('/etc/passwd is no file of its contribution'),
    })
  })

  it('is named where a manifest asks for one that there is not', async () => {
    folder.plugin('acme-agent', providerModule('acme-agent'))
    expect(await refused('{ template: acme-agnt }')).toContain('did you mean `acme-agent`?')
    expect(await refused('{ template: zzzzzzzz }')).toContain('`claude`, `codex`, `pi` and `acme-agent`')
  })

  it('is run only where a manifest asks for it', async () => {
    folder.plugin('other', 'throw new Error("it ran")')
    expect(
      warned(
        await load(
          '{ template: pi, api_key_ref: K, settings: { provider: a, base_url: "https://a.test", model: m, api: openai-responses } }',
        ),
      ),
    ).toBe('')
    expect(warned(await load('{ template: claude, auth_token: K }'))).toBe('')
  })
})

describe('a plug-in with the name of a built-in provider', () => {
  it('is refused, and the built-in one is used', async () => {
    folder.plugin('claude', providerModule('claude'))
    const loaded = await load('{ template: claude, auth_token: K }')
    expect(image(loaded).inputs.program).toMatch(/^claude 2\.\d+\.\d+/)
    expect(loaded.provided('dev')?.plugin).toBeUndefined()
    expect(warned(loaded)).toContain(
      'warning plugin-left-out\n  the plug-in `claude`: there is a provider `claude` in bot-bottle already',
    )
  })

  it('stands instead of it where its manifest says so, and so does the plan', async () => {
    const place = folder.plugin('claude', providerModule('claude'), { overrides: true })
    const loaded = await load('{ template: claude, api_key_ref: K }')
    expect(image(loaded).inputs.program).toBe('claude 2.1.0')
    expect(warned(loaded)).toContain(
      `warning plugin-overrides\n  \`claude\` is the plug-in in \`${place}\` (1.0.0), instead of the provider of this release`,
    )
  })
})

describe('a broken plug-in', () => {
  it('is one warning, and the rest goes on', async () => {
    folder.plugin('acme', providerModule('acme'))
    folder.write('contrib/broken/plugin.yaml', '{ api: 2, nmae: x }')
    const loaded = await load()
    expect(warned(loaded).match(/plugin-left-out/g)).toHaveLength(1)
    expect(warned(loaded)).toMatch(/contrib\/broken\/plugin\.yaml:1:\d+\S* warning plugin-left-out/)
    expect(loaded.desired.bottles).toEqual(['dev'])
  })

  it('is an error with its reason where a bottle asks for it', async () => {
    folder.plugin('acme', 'export default {')
    expect(await refused()).toMatch(
      /error plugin-left-out\n {2}the plug-in `acme` cannot be used: \S+index\.mjs cannot be loaded: /,
    )
  })

  it.each([
    ['has another name', "name: 'other',", 'its `name` is not `acme`'],
    ['has no version', 'version: 2,', '`version` is the version of the program'],
    ['takes what no manifest has', "takes: ['password'],", '`takes` is a list of'],
    ['has a rule that is none', "settings: { model: { type: 'number' } },", '`settings` are rules by name'],
    ['hides no list', "hidden: 'ACME_KEY',", '`hidden` is a list'],
    ['forwards without a sign-in', "takes: ['forward_host_credentials'],", '`login` goes with'],
    ['lacks a function', 'start: undefined,', '`start` is no function'],
  ])('is one whose module %s', async (_what, provider, said) => {
    folder.plugin('acme', providerModule('acme', { provider }))
    expect(await refused()).toContain(said)
    expect(await refused()).toContain('its default export is no provider')
  })

  it.each([
    ['throws', 'get routes() { throw new Error("not today") },', '`contribution` throws: not today'],
    [
      'names a host that none may',
      "routes: [{ host: '*', matches: [{ paths: [{ prefix: '/' }] }], dlp: { outbound_on_match: 'redact' } }],",
      'host',
    ],
    [
      'has a route for every request',
      "routes: [{ host: 'a.test', dlp: { outbound_on_match: 'redact' } }],",
      '`matches`',
    ],
    [
      'keeps a scan from redacting',
      "routes: [{ host: 'a.test', matches: [{ paths: [{ exact: '/' }] }], dlp: { outbound_on_match: 'allow' } }],",
      '`allow`',
    ],
    [
      'sends a credential in a URL',
      "routes: [{ host: 'a.test', matches: [{ paths: [{ exact: '/' }] }], auth: { scheme: 'query', name: 'key' }, dlp: { outbound_on_match: 'redact' } }],",
      '`query`',
    ],
    [
      'fetches a package of no checksum',
      "program: { packages: [{ path: 'node_modules/a', name: 'a', version: '1.0.0', integrity: 'sha1-x' }], commands: {}, verify: [['a']] },",
      'sha1-x',
    ],
    [
      'writes a file outside its folder',
      "program: { packages: [{ path: 'node_modules/../../x', name: 'a', version: '1.0.0', integrity: LOCK[0].integrity }], commands: {}, verify: [['a']] },",
      '`path`',
    ],
    [
      'has a path that leads up',
      "files: [{ path: '/home/agent/../../etc/x', content: '', mode: 0o600, owner: 'root' }],",
      '`path`',
    ],
    [
      'takes skills from above the home',
      "places: { prompt: home + '/p', skills: home + '/s', userSkills: '../..' },",
      '`userSkills`',
    ],
    ['says what nobody asked for', 'mounts: [],', '`mounts` is not a key here'],
  ])('is one that for this bottle %s', async (_what, contribution, said) => {
    const place = folder.plugin('acme', providerModule('acme', { contribution }))
    const refusal = await refused()
    expect(refusal).toContain('error plugin-failed\n  the plug-in `acme`: `contribution`')
    expect(refusal).toContain(said)
    expect(refusal).toContain(`bot-bottle plugins check acme; it lies in ${place}`)
  })

  it.each([
    [
      'has no path',
      "path: () => 'relative', claims: () => undefined",
      '`login.path` answers what nobody can use',
    ],
    [
      'has claims that are none',
      "path: () => '/dev/null', claims: () => ({ expires: 'soon' })",
      '`login.claims` answers',
    ],
    ['throws over one', "path: () => '/dev/null', claims: (text) => text.none.none", '`login.claims` throws'],
  ])('is one whose sign-in %s', async (_what, login, said) => {
    const provider = `takes: ['forward_host_credentials'], login: { renew: 'acme login', token: () => 'x', ${login} },`
    folder.plugin('acme', providerModule('acme', { provider }))
    const refusal = await refused('{ template: acme, forward_host_credentials: true }')
    expect(refusal).toContain(`error plugin-failed\n  the plug-in \`acme\`: ${said}`)
  })

  it('is one that would start something else than a program', async () => {
    folder.plugin('acme', providerModule('acme', { provider: "start: () => 'rm -rf /'," }))
    const loaded = await load()
    expect(() => loaded.provided('dev')?.provider.start(startOf(loaded))).toThrow(
      'the plug-in `acme`: `start` answers no list of words',
    )
  })
})

describe('the image of a bottle with a plug-in', () => {
  const recipe = (loaded: LoadedManifest) => [...loaded.images.values()][0]
  const withDockerfile = (): string => {
    const place = folder.plugin('acme', providerModule('acme'), {
      dockerfile: { path: './Dockerfile', context: ['./bin'], network: 'none' },
    })
    folder.write(
      'contrib/acme/Dockerfile',
      'ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\nCOPY bin/ /opt/bin/\n',
    )
    folder.write('contrib/acme/bin/tool', 'tool')
    return place
  }

  it('has the plug-in’s Dockerfile on base and program', async () => {
    const place = withDockerfile()
    const loaded = await load()
    expect(recipe(loaded)).toMatchObject({
      provider: 'acme',
      dockerfile: {
        path: join(place, 'Dockerfile'),
        network: 'none',
        onTop: true,
        context: [{ path: 'bin/tool', file: join(place, 'bin/tool') }],
      },
    })
    const before = image(loaded)
    folder.write('contrib/acme/bin/tool', 'another tool')
    const after = image(await load())
    expect(after.inputDigest).not.toBe(before.inputDigest)
    expect({ ...after.inputs, context: '' }).toEqual({ ...before.inputs, context: '' })
  })

  it('has the bottle’s own instead, where there is one', async () => {
    withDockerfile()
    const own = folder.write('Dockerfile.own', 'ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\nRUN true\n')
    const loaded = await load(`{ template: acme, api_key_ref: KEY, dockerfile: ${own} }`)
    expect(recipe(loaded)?.dockerfile).toMatchObject({ path: own, context: [] })
  })

  it('is refused where the plug-in’s Dockerfile asks for more than any other may, or is not there', async () => {
    withDockerfile()
    folder.write('contrib/acme/Dockerfile', 'FROM x\nRUN --network=host true\n')
    expect(await refused()).toContain('dockerfile-privilege')
    folder.plugin('acme', providerModule('acme'), { dockerfile: { path: './None' } })
    expect(await refused()).toContain('dockerfile-unreadable')
  })
})

function startOf(loaded: LoadedManifest) {
  const settings = loaded.provided('dev')?.settings ?? {}
  return { hasPrompt: false, extra: [], settings, home: '/home/agent' }
}
