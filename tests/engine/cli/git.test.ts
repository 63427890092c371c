/** A bottle that works on a repository of a real forge, from `apply` to `destroy`, as a user and as its agent see it. */
import type { ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  downForge,
  forgeMissing,
  makeRepository,
  upForge,
  type ForgeLab,
} from '../../../scripts/labs/forge.ts'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { openProgram, type Ended, type Program } from './program.ts'

const missing = forgeMissing()
if (missing !== undefined) process.stdout.write(`git through the program: skipped, ${missing}\n`)

const NAME = `forge-cli-${process.pid}`
/** Long enough to be told to the gate. */
const KNOWN = 'canary-77c1e2d9ab40f6-of-a-route'
let program: Program
let forge: ForgeLab

describe.skipIf(missing !== undefined)('A bottle with a remote', () => {
  let shell: ChildProcess
  const started = () =>
    ['agent', 'bundle'].map((part) =>
      docker(
        'inspect',
        '-f',
        '{{.Id}} {{.State.StartedAt}}',
        liveNames[part as 'agent'](program.stack, 'dev'),
      ),
    )
  const url = () => forge.ssh.url.replace(/@[^:]+/, '@forge.test')
  const api = async (path: string): Promise<unknown> =>
    (
      await fetch(`${forge.api}/repos/lab/app/${path}`, {
        headers: { authorization: `token ${forge.token}` },
      })
    ).json()
  const branches = async () =>
    ((await api('branches')) as readonly { readonly name: string }[]).map(({ name }) => name).sort()
  const keys = async () => (await api('keys')) as readonly { readonly read_only: boolean }[]

  const declare = (
    over: {
      readonly allow?: string
      readonly user?: string
      readonly remotes?: string
      readonly agents?: string
    } = {},
  ) =>
    program.manifest(`uplink: { hosts: { forge.test: ${new URL(forge.ssh.url).hostname} } }
bottles:
  base:
    resources: { memory: 512MiB, pids: 256 }
    egress:
      routes:
        - host: api.example
          matches: [{ methods: [GET], paths: [{ prefix: /x/ }] }]
          auth: { scheme: bearer, token_ref: ROUTE_TOKEN }
    git:
      user: { name: Acme Bot, email: bot@acme.example }
      remotes:${
        over.remotes ??
        `
        app:
          url: ${url()}/lab/app.git
          host_key: ${forge.ssh.hostKey}
          allow_private: true
          require_identity: true
          provisioned_key: { provider: gitea, api: "${forge.api}", token_ref: FORGE_TOKEN, allow_private: true }
          push: { allow: [${over.allow ?? 'refs/heads/agent/*'}] }`
      }
  cloned: { extends: base, workspace: { source: "${url()}/lab/app", mode: clone } }
agents:
  dev: { bottle: base, git: { user: { name: ${over.user ?? 'Dev'} } } }
${over.agents ?? ''}`)
  const inBottle = (script: string): Promise<Ended> =>
    program.run(['exec', 'dev', '--', 'sh', '-ec', `cd /workspace; ${script}`])
  const done = async (script: string): Promise<string> => {
    const { code, out, err } = await inBottle(script)
    if (code !== 0) throw new Error(`${script} ended with ${code}:\n${out}${err}`)
    return out.trim()
  }
  const refused = async (script: string): Promise<string> => {
    const { code, err } = await inBottle(script)
    expect(code).not.toBe(0)
    return err
      .split('\n')
      .filter((line) => line.startsWith('remote:'))
      .join('\n')
  }

  beforeAll(async () => {
    const gateway = docker('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Gateway}}')
    forge = await upForge(NAME, gateway === '' ? '172.17.0.1' : gateway)
    await makeRepository(forge.api, forge.token, 'other')
    program = openProgram('git', { FORGE_TOKEN: forge.token, ROUTE_TOKEN: KNOWN })
    declare()
  }, 120_000)
  afterAll(async () => {
    shell?.kill()
    await program?.run('destroy --yes')
    program?.dispose()
    await downForge(NAME)
  })

  it('is planned with its key, and made; a second apply plans nothing', async () => {
    const diff = await program.run('diff')
    expect(diff.out).toContain('+ key/dev/app')
    expect(diff.out).toContain('commits as Dev <bot@acme.example>')
    expect(await keys()).toEqual([])
    await program.must('apply')
    expect(await keys()).toMatchObject([{ read_only: false }])
    expect((await program.must('apply')).out).toContain('nothing to do')
    shell = program.start('exec dev -- sleep 900').child
  })

  it('is cloned by the URL of the forge, however that is written', async () => {
    await done(`git clone -q ${url()}/lab/app.git app`)
    expect(await done('git -C app config remote.origin.url')).toBe(`${url()}/lab/app.git`)
    for (const spelled of [
      `${url()}/lab/app`,
      'https://forge.test/lab/app',
      'https://forge.test/lab/app.git',
    ])
      expect(await done(`git ls-remote ${spelled} HEAD`)).toContain('HEAD')
  })

  it('takes a declared branch, with the declared identity, from every user of the bottle', async () => {
    await done(
      'cd app; git checkout -q -b agent/x; echo work > work.txt; git add work.txt; git commit -q -m work; git push -q origin agent/x',
    )
    const { commit } = (await api('branches/agent%2Fx')) as { readonly commit: { readonly author: object } }
    expect(commit.author).toMatchObject({ name: 'Dev', email: 'bot@acme.example' })
    const root = docker(
      'exec',
      '-u',
      '0:0',
      liveNames.agent(program.stack, 'dev'),
      'git',
      'config',
      'user.name',
    )
    expect(root).toBe('Dev')
  })

  it('refuses the default branch, force, another identity and a known secret, each in words', async () => {
    expect(await refused('cd app; git push origin HEAD:main')).toMatch(/\[ref-(?:protected|undeclared)\]/)
    expect(
      await refused(
        'cd app; git checkout -q -b f; git commit -q --amend -m other; git push -f origin f:agent/x',
      ),
    ).toContain('[force-off]')
    const other = 'git -c user.name=Other commit -q --allow-empty -m other'
    expect(
      await refused(`cd app; git checkout -q -b o agent/x; ${other}; git push origin o:agent/o`),
    ).toContain('[identity-required]')
    const secret = `printf %s ${KNOWN} > s.txt; git add s.txt; git commit -q -m s`
    expect(
      await refused(`cd app; git checkout -q -b s agent/x; ${secret}; git push origin s:agent/s`),
    ).toContain('secret/')
    expect(await branches()).toEqual(['agent/x', 'main'])
  })

  it('reaches no other repository of the forge, whose URL begins alike or not', async () => {
    for (const path of ['lab/other.git', 'lab/app-docs.git'])
      expect((await inBottle(`git ls-remote ${url()}/${path}`)).code).not.toBe(0)
    expect((await inBottle('git ls-remote http://127.0.0.1:941/other.git')).err).toMatch(/404|not found/i)
  })

  it('has an edit of push and identity live, while what runs goes on', async () => {
    const before = started()
    declare({ allow: 'refs/heads/agent/*, refs/heads/fix/*', user: 'Somebody' })
    const diff = await program.run('diff')
    expect(diff.code).toBe(1)
    expect(diff.out).toContain('git.user.name: Dev → Somebody')
    expect(diff.out).toContain('no agent restarts')
    await program.must('apply')
    expect(await done('git config user.name')).toBe('Somebody')
    await done(
      'cd app; git checkout -q -b fix/y origin/main; git commit -q --allow-empty -m y; git push -q origin fix/y',
    )
    expect(await branches()).toContain('fix/y')
    expect(started()).toEqual(before)
    expect(shell.exitCode).toBe(null)
    expect((await program.must('apply')).out).toContain('nothing to do')
  })

  it('shows what was changed by hand in the configuration of git, and writes it anew', async () => {
    const agent = liveNames.agent(program.stack, 'dev')
    docker('exec', '-u', '0:0', agent, 'git', 'config', '--system', 'user.name', 'Intruder')
    const diff = await program.run('diff --drift')
    expect(diff.code).toBe(1)
    expect(diff.out).toContain('drift: git changed by hand')
    await program.must('apply')
    expect(await done('git config user.name')).toBe('Somebody')
    expect((await program.run('diff')).code).toBe(0)
  })

  it('forgets a remote that is no longer declared, and its key goes from the forge', async () => {
    declare({ remotes: ' {}', user: 'Somebody' })
    await program.must('apply --yes')
    expect(await keys()).toEqual([])
    expect(await done(`git ls-remote --get-url ${url()}/lab/app.git`)).toBe(`${url()}/lab/app.git`)
    expect(await done('git config user.name')).toBe('Somebody')
    declare({ user: 'Somebody' })
    await program.must('apply --yes')
    expect(await keys()).toHaveLength(1)
  })

  it('is what a new bottle begins with where its workspace names it, and changes are told from there', async () => {
    declare({ user: 'Somebody', agents: '  fresh: { bottle: cloned }\n' })
    expect((await program.run('diff')).out).toContain('by the bottle, through its gate')
    await program.must('apply --yes')
    const fresh = async (script: string): Promise<string> =>
      (await program.must(['exec', 'fresh', '--', 'sh', '-ec', script])).out
    expect(await fresh('git config remote.origin.url; git status --short; stat -c %u .git')).toBe(
      `${url()}/lab/app.git\n1000\n`,
    )
    expect((await program.must('changes fresh')).out).toContain('nothing changed')
    await fresh('echo fresh > fresh.txt; git add .; git commit -qm fresh')
    expect((await program.must('changes fresh')).out).toContain('+++ b/fresh.txt\n')
    await fresh('git push -q origin HEAD:agent/fresh')
    expect(await branches()).toContain('agent/fresh')
  })

  it('goes with destroy, and leaves no key at the forge', async () => {
    await program.must('destroy --yes')
    expect(await keys()).toEqual([])
    expect(program.left()).toEqual([])
  })
})
