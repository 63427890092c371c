import { describe, expect, it } from 'vitest'
import { explain, type Explanation } from '../../../src/manifest/explain.ts'
import { BUILT_IN_PROVIDERS } from '../../../src/providers/registry.ts'
import { initialManifest } from '../../../src/manifest/init.ts'
import { unsupported } from '../../../src/manifest/not-supported.ts'
import { loadText } from './loading.ts'

const manifest = `version: 1
stack: acme
defaults: { color: red }
bottles:
  root: { template: true, resources: { cpus: 1, pids: 64 }, env: { CI: "1" } }
  base:
    extends: root
    template: true
    resources: { cpus: 2 }
    egress:
      routes:
        - { host: a.example, allow_private: true }
        - { host: b.example }
  dev:
    extends: base
    egress:
      routes:
        - host: a.example
          matches: [{ paths: [{ prefix: / }] }]
          auth: { scheme: bearer, token_ref: TOKEN }
agents:
  ann: { bottle: dev, label: hello, env: { TOKEN: topsecret } }
`

/** `path = value  place  via` */
function lines({ fields }: Explanation): readonly string[] {
  return fields.map(({ path, value, place, via, replaces }) => {
    const where = place ? `${place.file}:${place.line}:${place.column}` : 'default'
    return [
      path,
      '=',
      JSON.stringify(value),
      where,
      ...via.map((step) => `‹${step}›`),
      ...(replaces ? [`instead of line ${replaces.line}`] : []),
    ].join(' ')
  })
}

describe('explain', () => {
  it('shows every field of a bottle with its place and the way it came', async () => {
    const loaded = await loadText(manifest, { sets: ['bottles.base.resources.cpus=8'] })
    expect(lines(explain(loaded, 'bottle/ann'))).toEqual([
      'color = "red" -:3:20 ‹defaults›',
      'resources.cpus = 8 --set:1:29 ‹bottle dev› ‹extends base› ‹--set›',
      'resources.pids = 64 -:5:55 ‹bottle dev› ‹extends base› ‹extends root›',
      'env.CI = "literal" -:5:72 ‹bottle dev› ‹extends base› ‹extends root›',
      'env.TOKEN = "literal" -:22:51',
      'egress.routes[0].host = "b.example" -:13:19 ‹bottle dev› ‹extends base›',
      'egress.routes[1].host = "a.example" -:18:17 ‹bottle dev› instead of line 12',
      'egress.routes[1].matches[0].paths[0].prefix = "/" -:19:41 ‹bottle dev›',
      'egress.routes[1].auth.scheme = "bearer" -:20:27 ‹bottle dev›',
      'egress.routes[1].auth.token_ref = "TOKEN" -:20:46 ‹bottle dev›',
      'label = "hello" -:22:30',
      'driver = "docker" default',
      'egress.log = "blocks" default',
    ])
  })

  it('shows one route, and what it stands instead of', async () => {
    expect(lines(explain(await loadText(manifest), 'route/ann/a.example'))).toEqual([
      'host = "a.example" -:18:17 ‹bottle dev› instead of line 12',
      'matches[0].paths[0].prefix = "/" -:19:41 ‹bottle dev›',
      'auth.scheme = "bearer" -:20:27 ‹bottle dev›',
      'auth.token_ref = "TOKEN" -:20:46 ‹bottle dev›',
      'scheme = "https" default',
      'port = 443 default',
      'allow_private = false default',
    ])
  })

  it('shows a definition, also one that never runs', async () => {
    expect(lines(explain(await loadText(manifest), 'base'))).toContain('resources.cpus = 2 -:9:24')
  })

  it('answers for every address of the manifest and shows no value of the environment', async () => {
    const loaded = await loadText(manifest)
    for (const { address } of loaded.desired.resources) {
      expect(JSON.stringify(explain(loaded, address))).not.toContain('topsecret')
    }
  })

  it('names what is near when there is nothing of that name', async () => {
    const loaded = await loadText(manifest)
    expect(() => explain(loaded, 'bottle/anne')).toThrow('`bottle/anne` is not in this manifest')
    expect(() => explain(loaded, 'bottle/anne')).toThrow(
      expect.objectContaining({ hint: 'did you mean `bottle/ann`?', exit: 2 }),
    )
  })
})

describe('the first manifest', () => {
  it.each([
    { stack: 'acme' },
    {
      stack: 'a',
      bottle: 'box',
      hosts: ['api.github.com', 'registry.npmjs.org'],
      image: 'ghcr.io/acme/agent:2',
    },
    { stack: 'acme', hosts: [] },
  ])('validates without a warning and can be planned: %o', async (options) => {
    const loaded = await loadText(initialManifest(options))
    expect(loaded.desired.warnings).toEqual([])
    expect(unsupported(loaded)).toEqual([])
    expect(loaded.desired.stack).toBe(options.stack)
  })

  it('is as valid with each of its examples', async () => {
    const text = initialManifest({ stack: 'acme', providers: BUILT_IN_PROVIDERS.names })
    const git = text.replaceAll(
      /^ {4}# ( *(git|user|remotes|origin|url|host_key|provisioned_key|push):)/gm,
      '    $1',
    )
    const task = git.replaceAll(/^# (agents:| {2}dev:)/gm, '$1')
    const loaded = await loadText(task.replace('# agent_provider:', 'agent_provider:'))
    expect(task).toMatch(/^ {2}dev: .*headless/m)
    // Which credential it takes differs from one provider to the next, and this says it.
    expect(loaded.desired.warnings.map(({ code }) => code)).toEqual(['provider-without-credential'])
    expect(unsupported(loaded)).toEqual([])
    expect(loaded.desired.resources.map(({ address }) => address)).toEqual(
      expect.arrayContaining(['key/dev/origin', 'remote/dev/origin', 'route/dev/api.anthropic.com']),
    )
  })
})
