import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { loadManifest } from '../../../src/manifest/load.ts'
import { locateManifest } from '../../../src/manifest/locate.ts'
import { unsupported } from '../../../src/manifest/not-supported.ts'
import { UsageError } from '../../../src/model/errors.ts'
import { loadText, refusal, request, written } from './loading.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifest-'))
})

async function file(name: string, text: string): Promise<string> {
  await mkdir(join(folder, name, '..'), { recursive: true })
  await writeFile(join(folder, name), text)
  return name
}

const load = (files: readonly string[], over: Parameters<typeof request>[0] = {}) =>
  loadManifest(request({ files, cwd: folder, ...over }))

describe('the files of a manifest are', () => {
  it('bottles.yaml or bottles.yml of the current folder', async () => {
    await file('bottles.yml', '')
    expect(await locateManifest([], folder, {})).toEqual([
      { file: 'bottles.yml', path: join(folder, 'bottles.yml') },
    ])
  })

  it('not known when both are there', async () => {
    await file('bottles.yml', '')
    await file('bottles.yaml', '')
    await expect(locateManifest([], folder, {})).rejects.toThrow(
      'both bottles.yaml and bottles.yml are in this folder',
    )
  })

  it('not searched above the current folder', async () => {
    await file('bottles.yaml', '')
    await mkdir(join(folder, 'below'))
    await expect(locateManifest([], join(folder, 'below'), {})).rejects.toThrow(UsageError)
  })

  it('what BOT_BOTTLE_FILE names, unless -f does', async () => {
    await file('a.yaml', '')
    await file('b.yaml', '')
    const env = { BOT_BOTTLE_FILE: 'a.yaml' }
    expect((await locateManifest([], folder, env)).map((found) => found.file)).toEqual(['a.yaml'])
    expect((await locateManifest(['b.yaml'], folder, env)).map((found) => found.file)).toEqual(['b.yaml'])
  })

  it('all YAML files of a folder, sorted, without the folders in it, each once', async () => {
    await file('d/b.yml', '')
    await file('d/a.yaml', '')
    await file('d/.hidden.yaml', '')
    await file('d/notes.md', '')
    await file('d/deeper/c.yaml', '')
    expect((await locateManifest(['d', 'd/b.yml'], folder, {})).map((found) => found.file)).toEqual([
      'd/a.yaml',
      'd/b.yml',
    ])
  })

  it('named when they are missing', async () => {
    await expect(locateManifest(['nowhere.yaml'], folder, {})).rejects.toThrow(
      'manifest nowhere.yaml: there is no such file',
    )
    await mkdir(join(folder, 'empty'))
    await expect(locateManifest(['empty'], folder, {})).rejects.toThrow('folder empty has no *.yaml or *.yml')
  })
})

describe('several files', () => {
  it('are one manifest, and each counts its paths from its own folder', async () => {
    await file('a.yaml', 'version: 1\nstack: acme\nbottles: { base: { template: true } }\n')
    await file(
      'team/b.yaml',
      'version: 1\nbottles:\n  dev:\n    extends: base\n    egress:\n      routes:\n        - host: a.example\n          matches: [{ paths: [{ prefix: / }] }]\n          auth: { scheme: bearer, token_ref: { file: token } }\n',
    )
    const loaded = await load(['a.yaml', 'team'])
    expect(loaded.desired.bottles).toEqual(['dev'])
    expect(loaded.desired.secrets).toEqual({
      'file:token': { from: 'file', path: join(folder, 'team/token') },
    })
    expect(loaded.sources.map((source) => source.file)).toEqual(['a.yaml', 'team/b.yaml'])
  })

  it('say the same name only once, and both places are named', async () => {
    await file(
      'a.yaml',
      'version: 1\nstack: acme\ndefaults: {}\nbottles: { dev: {} }\nagents: { ann: { bottle: dev } }\n',
    )
    await file(
      'b.yaml',
      'version: 1\nstack: other\ndefaults: {}\nbottles: { dev: {} }\nagents: { ann: { bottle: dev } }\n',
    )
    const error = await refusal(load(['a.yaml', 'b.yaml']))
    expect(written(error.diagnostics)).toBe(`b.yaml:2:8+5 error stack-differs
  these files are one manifest, and this one says stack \`other\`; a.yaml:2 says \`acme\`
  hint: apply the stacks one by one, or leave \`stack\` out in all files but one
b.yaml:3:1+8 error duplicate-section
  \`defaults\` stands in one file only; it is in a.yaml:3 already
b.yaml:4:12+3 error duplicate-name
  \`dev\` is already a name under \`bottles\` in a.yaml:4
  hint: give one of them another name; environments differ by \`extends\` and \`--set\`
b.yaml:5:11+3 error duplicate-name
  \`ann\` is already a name under \`agents\` in a.yaml:5
  hint: give one of them another name; environments differ by \`extends\` and \`--set\`
`)
  })

  it('report everything of all of them at once, and one that cannot be read hides no other', async () => {
    await file('a.yaml', 'version: 1\nstack: acme\nbotles: {}\n')
    await file('b.yaml', 'version: 1\nbottles: { "never closed\n')
    const error = await refusal(load(['a.yaml', 'b.yaml']))
    expect(error.diagnostics.map(({ code, place }) => [place.file, code])).toEqual([
      ['a.yaml', 'unknown-key'],
      ['b.yaml', 'yaml-syntax'],
    ])
    expect(error.sources?.get('a.yaml')).toContain('botles')
    expect(error.message).toBe('2 errors in the manifest')
  })
})

describe('standard input', () => {
  it('is a file named -, and its paths count from the current folder', async () => {
    const error = await refusal(loadText('version: 1\nstack: acme\nbotles: {}\n'))
    expect(error.diagnostics[0]?.place).toEqual({ file: '-', line: 3, column: 1, length: 6 })
  })
})

describe('--set', () => {
  const base = 'version: 1\nstack: acme\nbottles:\n  dev: { egress: { routes: [{ host: a.example }] } }\n'

  it('lays YAML values over the manifest', async () => {
    const sets = [
      'stack=acme-staging',
      'bottles.dev.resources.cpus=4',
      'bottles.dev.egress.routes[0].port=8443',
      'uplink.hosts."a.example"=10.1.2.3',
      'bottles.dev.env={ A: "1" }',
    ]
    const loaded = await loadText(base, { sets })
    expect(loaded.desired.stack).toBe('acme-staging')
    expect(loaded.desired.resources.map(({ address }) => address)).toContain('route/dev/a.example:8443')
    const bottle = loaded.desired.resources.find(({ kind }) => kind === 'bottle')
    expect(bottle?.spec).toMatchObject({ resources: { cpus: 4 } })
    expect(bottle?.places['resources.cpus']).toEqual({ file: '--set', line: 2, column: 28 })
  })

  it('replaces lists whole', async () => {
    const loaded = await loadText(base, { sets: ['bottles.dev.egress.routes=[{ host: b.example }]'] })
    expect(
      loaded.desired.resources.filter(({ kind }) => kind === 'route').map(({ address }) => address),
    ).toEqual(['route/dev/b.example'])
  })

  it.each([
    ['nothing', '`nothing` is not PATH=VALUE on one line'],
    ['=1', '`=1` is not PATH=VALUE on one line'],
    ['a..b=1', '`a..b` is not a path'],
    ['__proto__.x=1', '`__proto__.x` is not a path'],
    ['bottles.dev.egress.routes[7].port=1', '`bottles.dev.egress.routes` has no entry 7'],
    ['stack.name=x', '`stack` is not a map'],
    ['bottles.dev.label=[a', 'a bracket was opened and is not closed'],
    ['bottles.dev.colour=red', '`dev.colour` is not a key here; did you mean `color`?'],
    ['bottles.dev.resources.cpus=many', '`cpus` is a number, not the text `many`'],
    ['stack=Not A Name', '`Not A Name` is not a name'],
    [
      'bottles.dev.egress.routes[0].host=10.1.2.3',
      '`10.1.2.3` is an address; a route names a host, so that its certificate can be checked',
    ],
  ])('that is wrong has one code and stands at its own place: %s', async (assignment, message) => {
    const error = await refusal(loadText(base, { sets: [assignment] }))
    expect(
      error.diagnostics
        .filter(({ severity }) => severity === 'error')
        .map((one) => [one.code, one.place.file, one.place.line, one.message]),
    ).toContainEqual(['bad-set', '--set', 1, message])
    expect(error.sources?.get('--set')).toBe(assignment)
  })
})

describe('the environment of a bottle', () => {
  const text =
    'version: 1\nstack: acme\nbottles:\n  dev:\n    env:\n      A: "a${HOME}b $$ \\r\\n\\té"\n      B: ${SOME_VARIABLE}\n      C: { env: TOKEN, placeholder: true }\n'

  it('has literals byte for byte, and only a value that is ${NAME} alone from the host', async () => {
    const loaded = await loadText(text, { env: { SOME_VARIABLE: 'host value', TOKEN: 'hunter2' } })
    expect([...loaded.environment('dev')].slice(0, 2)).toEqual([
      ['A', 'a${HOME}b $$ \r\n\té'],
      ['B', 'host value'],
    ])
    const guest = loaded.desired.resources.find(({ kind }) => kind === 'guest')
    expect(guest?.spec).toMatchObject({
      env: {
        A: { from: 'literal' },
        B: { from: 'host', digest: 'digest of 10' },
        C: { from: 'placeholder' },
      },
    })
    expect(JSON.stringify(loaded.desired)).not.toMatch(/host value|hunter2|\$\$ /)
    expect(loaded.desired.warnings.map(({ code }) => code)).toEqual([
      'literal-dollar',
      'env-from-host',
      'placeholder-without-route',
    ])
  })

  it('cannot be planned while the host lacks a variable', async () => {
    const loaded = await loadText(text)
    expect(unsupported(loaded).map(({ code, message }) => [code, message])).toContainEqual([
      'unset-variable',
      'the variable `SOME_VARIABLE` is not set on this host',
    ])
  })
})

describe('the origin', () => {
  it('is the remote without its user, and the path in the repository', async () => {
    await file(
      '.git/config',
      '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://user:secret@git.acme.example/acme/app.git\n',
    )
    await file('ops/bottles.yaml', 'version: 1\nstack: acme\nbottles: { dev: {} }\n')
    expect((await load(['ops/bottles.yaml'])).desired.origin).toBe(
      'https://git.acme.example/acme/app.git#ops/bottles.yaml',
    )
  })

  it('does not depend on the order of -f', async () => {
    await file('a.yaml', 'version: 1\nstack: acme\nbottles: { dev: {} }\n')
    await file('b.yaml', 'version: 1\nbottles: { more: {} }\n')
    const [forth, back] = [await load(['a.yaml', 'b.yaml']), await load(['b.yaml', 'a.yaml'])]
    expect(forth.desired).toEqual(back.desired)
    expect(forth.desired.origin).toBe(join(folder, 'a.yaml'))
  })
})

describe('a manifest in the workspace of its own bottle', () => {
  it('[SPP-03] is warned about', async () => {
    await file(
      'bottles.yaml',
      'version: 1\nstack: acme\nbottles: { dev: { workspace: { source: . } }, other: { workspace: { source: ./elsewhere } } }\n',
    )
    const warnings = (await load([])).desired.warnings
    expect(warnings.map(({ code, place }) => [code, place.column])).toEqual([['manifest-in-reach', 40]])
  })

  it('is warned about when a remote may push to the repository it lies in, however that is written', async () => {
    await file('.git/config', '[remote "origin"]\n\turl = https://gitea.acme.example/acme/app.git\n')
    const remote = (name: string, push: string): string =>
      `        ${name}:\n          url: ssh://git@gitea.acme.example:2222/acme/app.git\n          host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n          identity: ~/.ssh/id\n${push}`
    await file(
      'bottles.yaml',
      `version: 1\nstack: acme\nbottles:\n  dev:\n    git:\n      remotes:\n${remote('fetched', '')}${remote('pushed', '          push: { allow: [refs/heads/agent/*] }\n')}`,
    )
    const warnings = (await load([])).desired.warnings
    expect(warnings.map(({ code, place }) => [code, place.line])).toEqual([['manifest-in-reach', 12]])
  })
})
