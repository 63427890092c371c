import { describe, expect, it } from 'vitest'
import type { LoadedManifest } from '../../../src/manifest/load.ts'
import { plain } from '../../../src/manifest/node.ts'
import type { Json } from '../../../src/model/json.ts'
import { loadText, refusal } from './loading.ts'

function treeOf(loaded: LoadedManifest, name: string): Json {
  const live = loaded.resolved.live.find((bottle) => bottle.name === name)
  if (!live) throw new Error(`${name} does not run`)
  return JSON.parse(JSON.stringify(plain(live.tree))) as Json
}

const head = 'version: 1\nstack: acme\n'

describe('extends', () => {
  it('merges maps by key, and the child wins', async () => {
    const loaded = await loadText(`${head}bottles:
  base: { template: true, env: { A: "1", B: "1" }, resources: { cpus: 2, memory: 1GiB } }
  dev: { extends: base, env: { B: "2", C: "2" }, resources: { cpus: 4 } }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({
      env: { A: '1', B: '2', C: '2' },
      resources: { cpus: 4, memory: '1GiB' },
    })
  })

  it('folds several parents left to right', async () => {
    const loaded = await loadText(`${head}bottles:
  one: { template: true, label: one, color: red }
  two: { template: true, label: two }
  dev: { extends: [one, two] }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({ label: 'two', color: 'red' })
  })

  it('concatenates routes; a child stands instead of its parent for the same host and port', async () => {
    const loaded = await loadText(`${head}bottles:
  base:
    template: true
    egress: { routes: [{ host: a.example, allow_private: true }, { host: b.example }, { host: a.example, port: 8443 }] }
  dev:
    extends: base
    egress: { routes: [{ host: A.example., matches: [] }, { host: c.example }] }
`)
    expect(
      loaded.desired.resources.filter(({ kind }) => kind === 'route').map(({ address }) => address),
    ).toEqual([
      'route/dev/b.example',
      'route/dev/a.example:8443',
      'route/dev/a.example',
      'route/dev/c.example',
    ])
    const route = loaded.desired.resources.find(({ address }) => address === 'route/dev/a.example')
    expect(route?.spec).toMatchObject({ matches: [], allowPrivate: false })
  })

  it('replaces every other list', async () => {
    const loaded = await loadText(`${head}bottles:
  base: { template: true, ignore: [label, color] }
  dev: { extends: base, ignore: [env] }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({ ignore: ['env'] })
  })

  it('never takes half a variable or half a reference from a parent', async () => {
    const loaded = await loadText(`${head}bottles:
  base: { template: true, agent_provider: { template: claude, api_key_ref: { env: A } } }
  dev: { extends: base, agent_provider: { api_key_ref: { file: b } } }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({
      agent_provider: { template: 'claude', api_key_ref: { file: 'b' } },
    })
    expect(JSON.stringify(treeOf(loaded, 'dev'))).not.toContain('"env":"A"')
  })

  it('takes nothing of another provider over', async () => {
    const loaded = await loadText(`${head}bottles:
  base: { template: true, agent_provider: { template: claude, auth_token: TOKEN } }
  dev: { extends: base, agent_provider: { template: codex } }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({ agent_provider: { template: 'codex' } })
    expect(JSON.stringify(treeOf(loaded, 'dev'))).not.toContain('TOKEN')
  })

  it('lets a child complete the remote of its parent, field by field', async () => {
    const loaded = await loadText(`${head}bottles:
  base:
    template: true
    git: { remotes: { origin: { host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl, identity: ~/.ssh/id } } }
  dev: { extends: base, git: { remotes: { origin: { url: "git@github.com:acme/app.git" } } } }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({
      git: { remotes: { origin: { url: 'git@github.com:acme/app.git', identity: '~/.ssh/id' } } },
    })
  })

  it('does not make the child of a template a template', async () => {
    const loaded = await loadText(`${head}bottles:
  base: { template: true }
  dev: { extends: base }
`)
    expect(loaded.desired.bottles).toEqual(['dev'])
  })

  it('does not double anything over a diamond of fifty levels', async () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) => `  b${level + 1}: { extends: [b${level}, b${level}] }\n`,
    )
    const loaded = await loadText(
      `${head}bottles:\n  b0: { egress: { routes: [{ host: a.example }] } }\n${levels.join('')}`,
    )
    expect(loaded.desired.resources.filter(({ kind }) => kind === 'route')).toHaveLength(31)
  })

  it('refuses a chain without end whatever the order of its definitions', async () => {
    const links = Array.from({ length: 5000 }, (_, link) => `  b${link}: { extends: b${link + 1} }\n`)
    for (const order of [links, links.toReversed()]) {
      const error = await refusal(loadText(`${head}bottles:\n${order.join('')}  b5000: {}\n`))
      expect(error.diagnostics.map(({ code }) => code)).toContain('extends-too-deep')
    }
  })
})

describe('defaults', () => {
  it('lie below everything that any parent says', async () => {
    const loaded = await loadText(`${head}defaults: { label: default, color: red, resources: { pids: 64 } }
bottles:
  base: { template: true, label: base }
  dev: { extends: base }
`)
    expect(treeOf(loaded, 'dev')).toMatchObject({ label: 'base', color: 'red', resources: { pids: 64 } })
  })

  it('take their driver from --driver, and a bottle that names its own keeps it', async () => {
    const loaded = await loadText(`${head}bottles:\n  dev: {}\n  vm: { driver: smolvm }\n`, {
      driver: 'memory',
    })
    expect(loaded.resolved.live.map(({ driver }) => driver)).toEqual(['memory', 'smolvm'])
    expect(loaded.desired.warnings.map(({ code }) => code)).toContain('driver-declared')
  })
})

describe('an agent', () => {
  it('is the live bottle, and what it says lies over the definition per field', async () => {
    const loaded = await loadText(`${head}bottles:
  dev: { label: bottle, env: { A: "1" }, git: { user: { name: Bot, email: bot@acme.example } } }
agents:
  ann: { bottle: dev, label: agent, env: { B: "2" }, git: { user: { name: Ann } } }
`)
    expect(loaded.desired.bottles).toEqual(['ann'])
    expect(treeOf(loaded, 'ann')).toMatchObject({
      label: 'agent',
      env: { A: '1', B: '2' },
      git: { user: { name: 'Ann', email: 'bot@acme.example' } },
    })
  })

  it('with a list of bottles runs all of them, the last one wins, and the image is named after all', async () => {
    const loaded = await loadText(`${head}bottles:
  dev: { color: red, label: dev }
  gpu: { template: true, label: gpu }
agents:
  ann: { bottle: [dev, gpu] }
`)
    expect(treeOf(loaded, 'ann')).toMatchObject({ color: 'red', label: 'gpu' })
    expect(loaded.desired.resources.map(({ address }) => address)).toContain('image/dev+gpu')
  })
})
