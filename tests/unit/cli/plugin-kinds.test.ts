/** Detectors and provisioners as a user has them: folders of `contrib` in the program's home, named by a manifest. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seeded, writeSample } from '../../../sidecars/detect/samples.ts'
import { dialectsWith } from '../../../src/cli/stack/forges.ts'
import { gitea } from '../../../src/forges/gitea.ts'
import { install } from '../../contrib.ts'
import { openProgram } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
})
afterEach(() => program.close())

const home = (): string => join(program.folder, '.bot-bottle')
const rename = (name: string, more = ''): void => {
  const file = join(home(), 'contrib', name, 'plugin.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^name: .*$/m, `name: ${name}${more}`))
}

describe('a detector', () => {
  const manifest = (name: string): string => `version: 1
stack: acme
bottles:
  dev: { egress: { routes: [{ host: a.test }], dlp: { detectors: [${name}] } } }
`

  it('of the examples is told to egress, and is then in sync', async () => {
    install(home(), 'detector-example')
    program.write('bottles.yaml', manifest('detector-example'))
    expect(await program.run('apply --yes')).toMatchObject({ code: 0 })
    const bundle = program.world.read().stacks['acme']?.bundles['dev']
    const told = bundle?.config?.detectors?.['detector-example']
    expect(told?.map(({ id }) => id)).toEqual(['service-token', 'build-cookie'])
    expect(JSON.stringify(told)).not.toContain('samples')
    expect(await program.run('diff')).toMatchObject({ code: 0 })
  })

  it('has its tokens masked in the archive of the traffic, also where they were let through', async () => {
    install(home(), 'detector-example')
    program.write('bottles.yaml', manifest('detector-example'))
    const token = writeSample(['exco_', 'live_{crc32:24}'], seeded('archive'))
    program.answerLogs(async () => {
      const at = '2026-05-01T10:00:00.000Z'
      const request = { method: 'GET', scheme: 'https', host: 'a.test', port: 443, path: `/x/${token}` }
      return Readable.from([`${JSON.stringify({ at, decision: 'allowed', ...request, status: 200 })}\n`])
    })
    await program.run('apply --yes')
    const { code, stdout } = await program.run('har dev')
    expect(code).toBe(0)
    expect(stdout).toContain(`https://a.test/x/${'*'.repeat(token.length)}`)
    expect(stdout).not.toContain(token)
  })

  it('has its rules explained', async () => {
    install(home(), 'detector-example')
    program.write('bottles.yaml', manifest('detector-example'))
    const { stdout } = await program.run('explain bundle/dev')
    expect(stdout).toMatch(/egress\.dlp\.detectors\[0\]\.rules\[1\].*plugin\/detector-example\/build-cookie/)
  })

  it.each([
    ['is broken', (text: string) => `${text}(`, 'cannot be loaded'],
    ['exports something else', () => 'export default []', 'its default export: type (type object)'],
    [
      'has a key too many',
      (text: string) => text.replace("id: 'service-token'", "$&, kind: 'x'"),
      'shapes/0: additionalProperties',
    ],
    [
      'has a pattern without an end',
      (text: string) => text.replace('[0-9A-Za-z]{30}', '[0-9A-Za-z]+'),
      'service-token: unbounded',
    ],
    [
      'does not find its samples',
      (text: string) => text.replace('live|test', 'live|rest'),
      'service-token: samples.true[1] is not found',
    ],
  ])('that %s stops the plan with the reason', async (_what, edit, why) => {
    install(home(), 'detector-example', { edit })
    program.write('bottles.yaml', manifest('detector-example'))
    const { code, stderr } = await program.run('diff')
    expect(code).toBe(2)
    expect(stderr).toContain('detector-unusable')
    expect(stderr).toContain(why)
  })

  it('is run only for a manifest that names it', async () => {
    install(home(), 'detector-example', { edit: () => 'throw new Error("it ran")' })
    program.write('bottles.yaml', manifest(''))
    expect(await program.run('validate')).toMatchObject({ code: 0 })
  })
})

describe('a provisioner', () => {
  const manifest = (provider: string): string => `version: 1
stack: acme
bottles:
  dev:
    git:
      remotes:
        origin:
          url: git@forge.test:acme/app.git
          host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
          provisioned_key: { provider: ${provider}, api: "https://forge.test/api/v1", token_ref: FORGE }
`
  const validated = async (provider: string) => {
    program.write('bottles.yaml', manifest(provider))
    return program.run('validate')
  }

  it('whose manifest is broken keeps no forge of its name from being used', async () => {
    install(home(), 'provisioner-example', { as: 'gitea' })
    const { code, stderr } = await validated('gitea')
    expect([code, stderr]).toEqual([0, expect.stringContaining('warning plugin-left-out')])
    expect((await validated('github')).stderr).not.toContain('plugin-left-out')
    expect(await dialectsWith(home()).get('gitea')?.()).toBe(gitea)
  })

  it('of the examples is a forge that a manifest can name', async () => {
    install(home(), 'provisioner-example')
    const { code, stderr } = await validated('provisioner-example')
    expect([code, stderr]).toEqual([0, expect.stringContaining('plugin-used')])
  })

  it('is named among those that there are, and nothing is guessed', async () => {
    install(home(), 'provisioner-example')
    const { code, stderr } = await validated('bitbucket')
    expect(code).toBe(2)
    expect(stderr).toContain('unknown-forge')
    expect(stderr).toContain('provider: gitea, forgejo, github, gitlab, provisioner-example')
  })

  it('that is none stops the plan with the reason', async () => {
    install(home(), 'provisioner-example', {
      edit: (text) => text.replace('readKey(value)', 'readOne(value)'),
    })
    const { code, stderr } = await validated('provisioner-example')
    expect(code).toBe(2)
    expect(stderr).toContain('forge-unusable')
    expect(stderr).toContain('`readKey` is no function, `readOne` is not known')
  })

  it('stands instead of a forge of this program only where it says so', async () => {
    install(home(), 'provisioner-example', { as: 'gitea' })
    rename('gitea')
    const shadowing = await validated('gitea')
    expect([shadowing.code, shadowing.stderr]).toEqual([
      0,
      expect.stringMatching(
        /warning plugin-left-out {2}`gitea` is the forge of this release.* there is a provisioner `gitea` in bot-bottle already/,
      ),
    ])
    expect(await dialectsWith(home()).get('gitea')?.()).toBe(gitea)
    rename('gitea', '\noverrides: true')
    const { code, stderr } = await validated('gitea')
    expect([code, stderr]).toEqual([0, expect.stringContaining('instead of the forge of this release')])
  })
})
