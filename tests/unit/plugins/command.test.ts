import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import { providerModule } from './example-provider.ts'
import { openHomeFolder } from './folder.ts'

let program: ReturnType<typeof openProgram>
let folder: ReturnType<typeof openHomeFolder>
beforeEach(() => {
  program = openProgram()
  folder = openHomeFolder()
})
afterEach(() => {
  program.close()
  folder.close()
})

const run = (line: string) => program.run(line, { env: { BOT_BOTTLE_HOME: folder.home } })

describe('plugins list', () => {
  it('has every plug-in with its kind, version and state, and the reason where one is left out', async () => {
    folder.plugin('acme', 'throw new Error("it ran")')
    folder.plugin('claude', '', { overrides: true, version: '2.0.0' })
    folder.plugin('codex', '')
    folder.plugin('gitea', '', { kind: 'provisioner' })
    folder.plugin('tokens', '', { kind: 'detector', description: 'Ours' })
    folder.write('contrib/torn/plugin.yaml', 'api: [')
    const { code, stdout } = await run('plugins')
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toMatchObject([
      ['PLUG-IN', 'KIND', 'VERSION', 'STATE'],
      ['acme', 'provider', '1.0.0', 'can be used'],
      ['claude', 'provider', '2.0.0', 'stands instead of the built-in one'],
      [
        'codex',
        '–',
        '–',
        expect.stringContaining('left out: there is a provider `codex` in bot-bottle already'),
      ],
      ['gitea', '–', '–', expect.stringContaining('left out: there is a provisioner `gitea`')],
      ['tokens', 'detector', '1.0.0', 'can be used'],
      ['torn', '–', '–', expect.stringContaining('left out: ')],
      [''],
      [`6 plug-ins in ${folder.home}/contrib, 3 left out`],
      [''],
    ])
  })

  it('says where they would lie when there are none', async () => {
    expect((await run('plugins list')).stdout).toBe(`no plug-ins in ${folder.home}/contrib\n`)
  })

  it('is one JSON document for programs', async () => {
    const place = folder.plugin('acme', '', { description: 'Of Acme' })
    folder.plugin('codex', '')
    for (const form of ['--json', '--output json']) {
      const { stdout } = await run(`plugins list ${form}`)
      expect(JSON.parse(stdout)).toEqual({
        version: 1,
        folder: join(folder.home, 'contrib'),
        plugins: [
          {
            name: 'acme',
            folder: place,
            kind: 'provider',
            version: '1.0.0',
            description: 'Of Acme',
            overrides: false,
            wrong: [],
          },
          {
            name: 'codex',
            folder: join(folder.home, 'contrib/codex'),
            overrides: false,
            wrong: ['there is a provider `codex` in bot-bottle already'],
          },
        ],
      })
    }
  })

  it('says an unreadable folder in one line and never ends with a stack', async () => {
    folder.write('contrib', 'a file')
    expect((await run('plugins')).stdout).toMatch(
      /contrib +– +– +left out: \S+contrib cannot be read \(ENOTDIR\)/,
    )
  })
})

describe('plugins check', () => {
  it('finds nothing in one that keeps to everything', async () => {
    folder.plugin('acme', providerModule('acme'))
    const { code, stdout } = await run('plugins check acme')
    expect(code).toBe(0)
    expect(stdout).toContain('  ✓ starts with what the command line adds, and takes a prompt as one word')
    expect(stdout).toMatch(/\neverything right, 14 checks\n$/)
  })

  it('says what is wrong with one, and ends with 1', async () => {
    folder.plugin('acme', providerModule('acme', { provider: "resume: () => ['acme-agent']," }))
    const { code, stdout } = await run('plugins check acme')
    expect(code).toBe(1)
    expect(stdout).toMatch(/✗ starts with [^\n]+\n {6}`resume` leaves out what the command line adds\n/)
    expect(stdout).toMatch(/\n1 finding, 13 right\n$/)
  })

  it.each([
    ['whose module is none', 'export default {', 'has a module that can be loaded'],
    ['that is none of its kind', 'export default {}', 'exports a provider'],
  ])('goes on without one %s', async (_what, module, says) => {
    folder.plugin('acme', module)
    folder.plugin('other', providerModule('other'))
    const { code, stdout } = await run('plugins check --json')
    const { plugins } = JSON.parse(stdout) as {
      readonly plugins: readonly { readonly checks: readonly { says: string; problems: string[] }[] }[]
    }
    const failing = plugins.map(({ checks }) => checks.filter(({ problems }) => problems.length > 0))
    expect([code, failing.map((each) => each.map((one) => one.says))]).toEqual([
      1,
      [[expect.stringContaining(says)], []],
    ])
  })

  it.each([
    ['provisioner', 'export default { headers: () => ({}) }', '`keysPath` is no function'],
    ['detector', 'export default { shapes: [{ id: "a" }] }', 'shapes/0: required'],
  ])('knows what a %s is', async (kind, module, said) => {
    folder.plugin('acme', module, { kind })
    const { code, stdout } = await run('plugins check acme')
    expect([code, stdout]).toEqual([1, expect.stringContaining(said)])
  })

  it('says where in an answer something is wrong, and says it once', async () => {
    folder.plugin('acme', providerModule('acme', { contribution: 'routes: [{ host: 1 }],' }))
    const { stdout } = await run('plugins check acme')
    expect(stdout).toContain('contribution.routes[0].host: `host` is a text, not the number `1`')
    expect(stdout).toMatch(/\n1 finding, 3 right\n$/)
  })

  it('looks at the Dockerfile that comes with a provider', async () => {
    folder.plugin('acme', providerModule('acme'), {
      dockerfile: { path: './Dockerfile', context: ['./bin'] },
    })
    expect((await run('plugins check acme')).stdout).toMatch(/✗ has a Dockerfile that can be built\n +ENOENT/)
    folder.write('contrib/acme/bin/tool', '')
    folder.write('contrib/acme/Dockerfile', 'FROM x\nRUN --network=host true\n')
    expect((await run('plugins check acme')).stdout).toContain(
      'line 2 asks the build for more than a network and its context: RUN --network=host',
    )
    folder.write('contrib/acme/Dockerfile', 'FROM x\n')
    expect((await run('plugins check acme')).stdout).toContain('✓ has a Dockerfile that can be built')
  })

  it('takes a folder elsewhere only where it is written as one', async () => {
    const { stderr, code } = await run('plugins check acme')
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no plug-in `acme`')])
    const acme = folder.plugin('acme', providerModule('acme'))
    expect((await run(`plugins check ${acme}`)).code).toBe(0)
    chmodSync(acme, 0o777)
    expect((await run(`plugins check ${acme}`)).stdout).toContain('can be written by others')
  })

  it('never takes one from the folder where the command is run', async () => {
    const here = join(program.folder, 'contrib/acme')
    mkdirSync(here, { recursive: true })
    program.write(
      'contrib/acme/plugin.yaml',
      JSON.stringify({ api: 1, name: 'acme', version: '1.0.0', kind: 'provider', module: './index.mjs' }),
    )
    program.write('contrib/acme/index.mjs', 'globalThis.pluginOfProjectRan = true')
    mkdirSync(join(program.folder, 'acme'))
    expect((await run('plugins')).stdout).toContain('no plug-ins')
    expect((await run('plugins check acme')).code).toBe(2)
    program.write(
      'bottles.yaml',
      'version: 1\nstack: s\nbottles: { dev: { agent_provider: { template: acme } } }\n',
    )
    expect((await run('validate')).stderr).toContain('there is no provider `acme`')
    expect(globalThis).not.toHaveProperty('pluginOfProjectRan')
  })

  it('says what the command takes', async () => {
    const { code, stderr } = await run('plugins install acme')
    expect([code, stderr]).toEqual([2, expect.stringContaining('bot-bottle plugins list')])
  })
})
