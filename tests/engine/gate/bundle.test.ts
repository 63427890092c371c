/** The git gate in a real bundle: a real git of the agent in front of it, a real sshd behind the uplink. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SupervisorStatus } from '../../../src/model/control.ts'
import type { GateConfig, GateRemote } from '../../../src/model/gate.ts'
import { liveNames } from '../../../src/model/names.ts'
import type { LogSource } from '../../../src/ports/driver.ts'
import { makeUpstream, PUSH } from '../../unit/gate/lab.ts'
import { makeKey, noSshd, Sshd } from '../../unit/gate/sshd.ts'
import { docker, labStack, type LabStack } from '../docker/stack.ts'

const HOST = 'git.acme.test'
const URL = 'http://127.0.0.1:941/origin.git'

let stack: LabStack
let sshd: Sshd
let remote: GateRemote
let identity: string
let generation = 0
const folder = mkdtempSync('/tmp/bb-gate-engine-')

beforeAll(async () => {
  if (noSshd !== undefined) throw new Error(noSshd)
  const gateway = docker('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Gateway}}')
  const address = gateway === '' ? '172.17.0.1' : gateway
  sshd = await Sshd.start(join(folder, 'sshd'), 'ed25519', address)
  await makeUpstream(folder)
  const key = makeKey(join(folder, 'identity'))
  identity = key.secret
  sshd.allow(key.line)
  remote = {
    name: 'origin',
    url: { user: sshd.user, host: HOST, port: sshd.port, path: join(folder, 'up.git') },
    hostKeys: [sshd.hostKey],
    push: PUSH,
  }
  stack = await labStack()
  await stack.up('a', { daemons: ['egress', 'git-gate'] })
  const targets = [{ host: HOST, port: sshd.port, allowPrivate: true }]
  await stack.configureEgress('a', { hosts: { [HOST]: address }, targets })
  await stack.perform('guest/a' as never)
})
afterAll(async () => {
  await stack?.down()
  await sshd?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const statusOf = async (bottle = 'a') =>
  (await stack.actuator.controlBundle(
    bottle,
    { op: 'status', nonce: 'n' },
    AbortSignal.timeout(10_000),
  )) as SupervisorStatus
const gateOf = async () => (await statusOf()).daemons['git-gate']

function configure(fields: Partial<GateConfig> = {}): Promise<unknown> {
  generation += 1
  const config: GateConfig = {
    generation,
    bottle: 'a',
    remotes: [remote],
    identities: { origin: identity },
    ...fields,
  }
  return stack.actuator.controlBundle(
    'a',
    { op: 'configure', daemon: 'git-gate', config },
    AbortSignal.timeout(20_000),
  )
}

const git = (...args: readonly string[]) => stack.run('a', ['/usr/bin/git', ...args])
const bundle = (bottle = 'a') => liveNames.bundle(stack.name, bottle)
/** In the bundle, as a user of it. */
const inBundle = (uid: number, ...argv: readonly string[]) =>
  docker('exec', '-u', `${uid}:${uid}`, bundle(), ...argv)

/** Programs of the bundle, with their process ids on this machine. */
function programs(bottle = 'a'): readonly { readonly pid: number; readonly what: string }[] {
  return docker('top', bundle(bottle), '-eo', 'pid,args')
    .split('\n')
    .slice(1)
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .map((match) => ({ pid: Number(match?.[1]), what: match?.[2] ?? '' }))
}

const anonymousKiB = (pid: number): number =>
  Number(/^Anonymous:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)

describe('A bundle whose bottle declares no remote', () => {
  it('runs no gate: none where it has none, none before the first remote', async () => {
    await stack.up('b')
    expect(Object.keys((await statusOf('b')).daemons)).toEqual(['egress'])
    const { version, daemons } = await statusOf()
    expect(daemons['git-gate']).toMatchObject({ state: 'idle', pid: 0, version, gate: { remotes: [] } })
    for (const bottle of ['a', 'b'])
      expect(programs(bottle).filter(({ what }) => what.includes('git-gate/main.js'))).toEqual([])
    expect((await git('ls-remote', URL)).err).toMatch(/Failed to connect|Connection refused/)
  })
})

describe('A bundle with one remote', () => {
  it('costs the memory of one daemon, while nobody uses it', async () => {
    const sum = () => programs().reduce((total, { pid }) => total + anonymousKiB(pid), 0)
    const before = sum()
    await configure()
    const gate = await gateOf()
    expect(gate).toMatchObject({ state: 'running', gate: { generation, remotes: [remote] } })
    process.stdout.write(`gate, idle: ${((sum() - before) / 1024).toFixed(1)} MiB of anonymous memory\n`)
  })

  it('serves ls-remote and clone to the agent, and the uplink shows the way it went', async () => {
    const listed = await git('ls-remote', URL)
    expect(listed.err).toBe('')
    expect(listed.out).toContain('refs/heads/main')
    expect(listed.out).not.toContain('refs/pull/')
    expect(await git('clone', '-q', URL, '/workspace/app')).toMatchObject({ code: 0, err: '' })
    expect((await stack.run('a', ['/bin/cat', '/workspace/app/file-3.txt'])).out).toBe('text 3')
    const { out: proc } = await stack.run('a', ['/bin/sh', '-c', 'cat /proc/net/route; env'])
    expect(proc).not.toContain(HOST)
  })

  it('passes a push of a declared branch on, and refuses one to the default branch in words', async () => {
    const script = [
      'cd /workspace/app',
      'git config user.name Agent && git config user.email agent@bottle.test',
      'git checkout -q -b agent/x && echo work > work.txt && git add -A && git commit -q -m work',
    ]
    expect(await stack.run('a', ['/bin/sh', '-ec', script.join('\n')])).toMatchObject({ code: 0 })
    const pushed = await git('-C', '/workspace/app', 'push', 'origin', 'agent/x')
    expect(pushed).toMatchObject({ code: 0 })
    const { out: head } = await git('-C', '/workspace/app', 'rev-parse', 'HEAD')
    const upstream = ['--git-dir', join(folder, 'up.git'), 'rev-parse', 'refs/heads/agent/x']
    expect(execFileSync('git', upstream, { encoding: 'utf8' })).toBe(head)
    const refused = await git('-C', '/workspace/app', 'push', 'origin', 'HEAD:main')
    expect(refused.code).not.toBe(0)
    expect(refused.err).toMatch(/remote: .*\[ref-(?:protected|undeclared)\]/)
  })

  it('tells what went through, apart from what egress tells', async () => {
    const told = async (of: LogSource) =>
      (await text(await stack.driver.logs(stack.name, 'a', of, { follow: false })))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    const [gate, egress] = [await told('git-gate'), await told('egress')]
    const passed = { method: 'git-push', host: HOST, port: sshd.port, bottle: 'a' }
    expect(gate).toContainEqual(
      expect.objectContaining({ ...passed, decision: 'allow', path: '/origin.git refs/heads/agent/x' }),
    )
    expect(gate).toContainEqual(
      expect.objectContaining({ ...passed, decision: 'deny', path: '/origin.git refs/heads/main' }),
    )
    expect(egress.filter(({ host }) => host === HOST)).toEqual([])
  })

  it('is seen by whoever looks at the stack, with remotes, keys by digest and one version', async () => {
    const { uplink } = await stack.driver.observe(stack.name)
    const answer = uplink && 'status' in uplink ? uplink.status.bottles['a'] : undefined
    const supervisor = answer && 'daemons' in answer.supervisor ? answer.supervisor : undefined
    const identities = { origin: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown }
    expect(supervisor?.daemons['git-gate']).toMatchObject({
      state: 'running',
      version: supervisor?.version,
      gate: { generation, remotes: [remote], identities },
    })
    expect(answer?.targets).toEqual([{ host: HOST, port: sshd.port, allowPrivate: true }])
    const [bottle] = await stack.observed('bundle/a' as never)
    expect(bottle?.fields).toMatchObject({ daemons: ['egress', 'git-gate'], hardening: 'as-created' })
  })

  it('(CRD-11) (GIT-21) holds the key where no other user of the bundle reads it, and in no file, argument or environment', async () => {
    const { daemons } = await statusOf()
    const [gate, egress] = [daemons['git-gate'], daemons.egress]
    const uid = gate?.uid ?? 0
    expect(new Set([uid, egress?.uid, 0, 1000]).size).toBe(4)
    const body = identity.split('\n')[2] ?? ''
    expect(body.length).toBeGreaterThan(40)
    // Its own user is the one that git and ssh run as.
    for (const [as, pid] of [
      [egress?.uid ?? 0, gate?.pid],
      [uid, gate?.pid],
      [uid, egress?.pid],
      [0, gate?.pid],
    ] as const)
      for (const file of ['environ', 'mem', 'maps', 'fd/0'])
        expect(() => inBundle(as, 'cat', `/proc/${pid}/${file}`), `${as} ${file}`).toThrow(
          /Permission denied|Operation not permitted/,
        )
    expect(() => inBundle(egress?.uid ?? 0, 'ls', '/run/git-gate')).toThrow(/Permission denied/)
    const find = ['grep', '-rlsF', body, '/run', '/tmp', '/bb', '/etc']
    for (const user of [0, uid, egress?.uid ?? 0])
      expect(() => inBundle(user, ...find), `${user}`).toThrow(/Command failed/)
    expect(inBundle(uid, 'ls', '/run/git-gate/w')).not.toBe('')
    for (const { pid } of programs())
      for (const file of ['cmdline', 'environ'])
        expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).not.toContain(body)
    expect(docker('inspect', bundle())).not.toContain(body)
    expect(docker('logs', bundle())).not.toContain(body)
  })

  it('is a door of the bottle: the probe before the agent program finds it open', async () => {
    expect(await stack.perform('guest/a' as never, 'update', 'restart-agent')).toBeDefined()
    const probe = ['probe', 'network', '--door', '127.0.0.1:941']
    const { checks } = JSON.parse(docker('exec', '-u', '65534:65534', bundle(), '/bb/guest', ...probe)) as {
      readonly checks: readonly { readonly id: string; readonly ok: boolean }[]
    }
    expect(checks.find(({ id }) => id === 'door:127.0.0.1:941')?.ok).toBe(true)
  })

  it('starts it again alone after a crash, with its remotes and its key', async () => {
    const before = (await statusOf()).daemons
    const uid = before['git-gate']?.uid ?? 0
    inBundle(uid, 'kill', '-9', inBundle(uid, 'pgrep', '-f', '^/bb/bin/git-gate'))
    await expect.poll(async () => (await gateOf())?.gate?.generation, { timeout: 15_000 }).toBe(generation)
    const after = (await statusOf()).daemons
    expect(after['git-gate']).toMatchObject({ restarts: 1, state: 'running' })
    expect(after['git-gate']?.gate).toEqual(before['git-gate']?.gate)
    expect(after.egress?.pid).toBe(before.egress?.pid)
    expect(await git('-C', '/workspace/app', 'fetch', 'origin')).toMatchObject({ code: 0 })
  })

  it('leaves nothing of git and ssh behind, after changes of the way, a crash and the last remote', async () => {
    const { 'git-gate': gate } = (await statusOf()).daemons
    for (let time = 0; time < 3; time++) {
      await configure({
        remotes: [{ ...remote, hostKeys: [...remote.hostKeys, sshd.hostKey].slice(time % 2) }],
      })
      expect(await git('ls-remote', URL)).toMatchObject({ code: 0 })
    }
    await configure({ remotes: [], identities: {} })
    expect(await gateOf()).toMatchObject({ state: 'idle', pid: 0 })
    // Seen from inside: the engine does not list what has ended and was not waited for.
    const left = () =>
      inBundle(0, 'ps', '-eo', 'stat,args')
        .split('\n')
        .filter((line) => line.startsWith('Z') || /(?:git|ssh|relay) /.test(line))
    await expect.poll(left, { timeout: 5000 }).toEqual([])
    expect(inBundle(gate?.uid ?? 0, 'ls', '/run/git-gate/w')).toBe('')
  })
})
