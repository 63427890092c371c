import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { explain } from '../../../src/manifest/explain.ts'
import type { LoadedManifest } from '../../../src/manifest/load.ts'
import { unsupported } from '../../../src/manifest/not-supported.ts'
import type { RouteSpec } from '../../../src/resources/route/spec.ts'
import { loadText, refusal, request, written } from './loading.ts'

const folder = mkdtempSync(join(tmpdir(), 'bb-presets-'))
const [beside, home] = [join(folder, 'stack/presets'), join(folder, 'home/presets')]
for (const path of [beside, home]) mkdirSync(path, { recursive: true })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const shipped = join(import.meta.dirname, '../../../presets')
const names = readdirSync(shipped)
  .map((file) => file.replace('.yaml', ''))
  .sort()
const over = {
  cwd: join(folder, 'stack'),
  presets: [{ path: home, shown: '~/.bot-bottle/presets' }, ...(request().presets ?? [])],
}
const manifest = (routes: string): string =>
  `version: 1\nstack: acme\nbottles:\n  dev:\n    egress:\n      routes:\n${routes
    .split('\n')
    .map((line) => `        ${line}\n`)
    .join('')}`
const loading = (routes: string): Promise<LoadedManifest> => loadText(manifest(routes), over)
const said = async (routes: string): Promise<string> => written((await refusal(loading(routes))).diagnostics)
const specs = ({ desired }: LoadedManifest): readonly RouteSpec[] =>
  desired.resources.flatMap(({ kind, spec }) => (kind === 'route' ? [spec as RouteSpec] : []))
const write = (path: string, name: string, routes: string): void =>
  writeFileSync(join(path, `${name}.yaml`), `version: 1\ntitle: ours\nroutes:\n${routes}`)

describe('a preset', () => {
  it.each(names)('that comes with the program is carried out as it is: %s', async (name) => {
    const loaded = await loading(`- preset: ${name}`)
    const routes = specs(loaded)
    expect(routes.length).toBeGreaterThan(0)
    expect(unsupported(loaded)).toEqual([])
    for (const route of routes) {
      expect(route.host).not.toMatch(/\*/)
      expect(route.tlsPassthrough).toBe(false)
      for (const match of route.matches ?? [{}]) {
        expect(match.methods).toBeDefined()
        expect(match.paths).toBeDefined()
      }
    }
  })

  it('stands for its routes, each with the line that asked and the file that says it', async () => {
    const loaded = await loading('- preset: pypi')
    const resource = loaded.desired.resources.find(({ address }) => address === 'route/dev/pypi.org')
    expect(resource?.places['']).toMatchObject({ file: '-', line: 7, preset: 'pypi' })
    expect(resource?.places['matches[0].paths[0].prefix']).toMatchObject({
      file: 'bot-bottle:presets/pypi.yaml',
    })
    const fields = explain(loaded, 'route/dev/pypi.org').fields
    expect(fields.find(({ path }) => path === 'host')).toMatchObject({
      value: 'pypi.org',
      via: ['preset pypi'],
      place: { file: 'bot-bottle:presets/pypi.yaml' },
    })
  })

  it('gives way to a route of the manifest for the same host, and explain says so', async () => {
    const loaded = await loading('- preset: pypi\n- host: pypi.org\n  matches: []')
    expect(specs(loaded).map(({ host, matches }) => [host, matches?.length])).toEqual([
      ['files.pythonhosted.org', 1],
      ['pypi.org', 0],
    ])
    expect(explain(loaded, 'route/dev/pypi.org').fields[0]).toMatchObject({
      path: 'host',
      replaces: { file: 'bot-bottle:presets/pypi.yaml', preset: 'pypi' },
    })
  })

  it('gives way also where it is inherited, or where the route is', async () => {
    const text = (parent: string, child: string): string =>
      `version: 1\nstack: acme\nbottles:\n  base: { template: true, egress: { routes: [${parent}] } }\n  dev: { extends: base, egress: { routes: [${child}] } }\n`
    const [preset, own] = ['{ preset: pypi }', '{ host: pypi.org, matches: [] }']
    for (const routes of [text(preset, own), text(own, preset)]) {
      const found = specs(await loadText(routes, over)).find(({ host }) => host === 'pypi.org')
      expect(found?.matches).toEqual([])
    }
  })

  it('puts its credential on the routes that take one and on no other', async () => {
    const loaded = await loading('- preset: github-read\n  auth: { scheme: bearer, token_ref: GITHUB_TOKEN }')
    expect(specs(loaded).flatMap(({ host, auth }) => (auth ? [host] : []))).toEqual([
      'api.github.com',
      'raw.githubusercontent.com',
    ])
    expect(loaded.desired.secrets).toEqual({ 'env:GITHUB_TOKEN': { from: 'env', name: 'GITHUB_TOKEN' } })
    expect(await said('- preset: pypi\n  auth: { scheme: bearer, token_ref: T }')).toContain(
      'preset-without-auth',
    )
  })

  it('takes further deny entries, limits and dlp, and nothing that would widen it', async () => {
    const [route] = specs(
      await loading('- preset: npm\n  deny: [{ paths: [{ prefix: /evil }] }]\n  limits: { rate: 5/s }'),
    )
    expect(route?.deny?.at(-1)).toEqual({ paths: [{ prefix: '/evil' }] })
    expect(route?.limits).toEqual({ requestsPerSecond: 5 })
    for (const key of [
      'matches: []',
      'allow_private: true',
      'tls_passthrough: true',
      'port: 1',
      'git: { fetch: true }',
    ])
      expect(await said(`- preset: npm\n  ${key}`)).toContain('key-not-with')
  })

  it('is put together with another one for the same host', async () => {
    const loaded = await loading('- preset: github-read\n- preset: github-git-fetch')
    const found = specs(loaded).filter(({ host }) => host === 'github.com')
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ gitFetch: true, matches: [{}, {}, {}] })
    const place = loaded.desired.resources.find(({ address }) => address === 'route/dev/github.com')?.places[
      ''
    ]
    expect(place).toMatchObject({ line: 7, preset: 'github-read and github-git-fetch' })
  })

  it('is refused beside another one for the same host that says otherwise', async () => {
    write(beside, 'one', '  - { host: a.example, matches: [{ methods: [GET] }] }\n')
    write(beside, 'two', '  - { host: a.example, allow_private: true, matches: [{ methods: [GET] }] }\n')
    expect(await said('- preset: one\n- preset: two')).toContain('preset-conflict')
    const loaded = await loading('- preset: one\n- preset: two\n- host: b.example').catch(() => undefined)
    expect(loaded).toBeUndefined()
  })

  it('is refused by name where there is none, with what was meant', async () => {
    const text = await said('- preset: githubread')
    expect(text).toContain('-:7:19+10 error unknown-preset')
    expect(text).toContain('did you mean `github-read`?')
  })

  it('is looked up beside the manifest, then in the home, then in the program; a second one is said', async () => {
    write(home, 'npm', '  - { host: home.example, matches: [{ methods: [GET] }] }\n')
    const fromHome = await loading('- preset: npm')
    expect(specs(fromHome).map(({ host }) => host)).toEqual(['home.example'])
    expect(written(fromHome.desired.warnings)).toContain(
      '`~/.bot-bottle/presets/npm.yaml` stands instead of `bot-bottle:presets/npm.yaml`',
    )
    write(beside, 'npm', '  - { host: beside.example, matches: [{ methods: [GET] }] }\n')
    const fromBeside = await loading('- preset: npm')
    expect(specs(fromBeside).map(({ host }) => host)).toEqual(['beside.example'])
    expect(fromBeside.named).toContain(join(beside, 'npm.yaml'))
    rmSync(join(home, 'npm.yaml'))
    rmSync(join(beside, 'npm.yaml'))
  })

  it('of a user is checked like a manifest, with the line in its own file', async () => {
    write(
      beside,
      'bad',
      '  - { host: 10.0.0.1, matches: [{ methods: [GET] }] }\n  - { host: a.example, mathces: [] }\n',
    )
    const text = await said('- preset: bad')
    expect(text).toContain('presets/bad.yaml:4:13+8 error ip-host')
    expect(text).toContain('did you mean `matches`?')
    expect(text).toContain('needs `matches`')
    writeFileSync(join(beside, 'bad.yaml'), 'title: no version\nroutes: []\n')
    expect(await said('- preset: bad')).toContain('presets/bad.yaml:1:1 error missing-version')
    mkdirSync(join(beside, 'folder.yaml'))
    expect(await said('- preset: folder')).toContain('error preset-unreadable')
  })
})

describe('what comes with the program', () => {
  it('is listed in docs/manifest.md, and says where its facts are from', () => {
    const docs = readFileSync(join(shipped, '../docs/manifest.md'), 'utf8')
    const [, list = ''] = /Those that come with the program: ([^.]*)\./.exec(docs) ?? []
    expect([...list.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name)).toEqual(names)
    const sources = names.filter((name) =>
      /^source:\n {2}- https:/m.test(readFileSync(join(shipped, `${name}.yaml`), 'utf8')),
    )
    expect(sources).toEqual(names)
  })

  it('has the presets that people look for', () => {
    const wanted =
      'github-read github-git-fetch npm pypi crates go rubygems debian ubuntu alpine dockerhub-pull'
    const further = 'huggingface-read anthropic-api openai-api'
    expect(`${wanted} ${further}`.split(' ').filter((name) => !names.includes(name))).toEqual([])
  })
})
