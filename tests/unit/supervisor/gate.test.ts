/** The git gate under the supervisor: only where something is declared, with the token of the bundle, beside egress. */
import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { dialToken } from '../../../sidecars/control/token.ts'
import { decodeFromDaemon } from '../../../sidecars/supervisor/answers.ts'
import { idleGate } from '../../../sidecars/supervisor/configuration.ts'
import { judgePrivileges, parsePrivileges } from '../../../sidecars/supervisor/privileges.ts'
import { decodeSupervisorRequest } from '../../../sidecars/supervisor/requests.ts'
import type { GateConfig } from '../../../src/model/gate.ts'
import { config, gateConfig, REMOTE, SECRET, TOKEN, UID, whyNot } from './bundle.ts'
import type { Bundle } from './bundle.ts'
import { openTo, proc, running, within } from './cases.ts'

const reason = whyNot()
if (reason !== '') process.stdout.write(`the gate under the supervisor: skipped, ${reason}\n`)
const suite = reason === '' ? describe : describe.skip
const LIMIT = { timeout: 40_000 }

const withGate = (test: (bundle: Bundle) => Promise<void>) =>
  within({ daemons: [`egress=${UID.egress}`, `git-gate=${UID.gitGate}`] }, async (bundle) => {
    await running(bundle)
    await test(bundle)
  })
const gateOf = async (bundle: Bundle) => (await bundle.status()).daemons['git-gate']
const configure = (bundle: Bundle, fields: Partial<GateConfig> = {}) =>
  bundle.ask({ op: 'configure', daemon: 'git-gate', config: gateConfig(fields) })
const asked = async (bundle: Bundle) =>
  JSON.parse(await bundle.door('127.0.0.1', 941, 'handed')) as Record<string, unknown>

suite('the git gate in a bundle', LIMIT, () => {
  it('does not run before a remote is declared, and nobody listens at its door', () =>
    withGate(async (bundle) => {
      expect(await gateOf(bundle)).toMatchObject({ state: 'idle', pid: 0, gate: idleGate(0) })
      expect(await bundle.door('127.0.0.1', 941, 'handed')).toBe('refused')
      // A daemon that does not run is no other version.
      const { version, daemons } = await bundle.status()
      expect(daemons['git-gate']?.version).toBe(version)
    }))

  it('runs as its own user without capability or environment but one setting of the C library once one is, and says what it enforces', () =>
    withGate(async (bundle) => {
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      expect(await configure(bundle)).toMatchObject({ ok: true, value: { generation: 1 } })
      const gate = await gateOf(bundle)
      expect(gate).toMatchObject({
        state: 'running',
        uid: UID.gitGate,
        version: '0.0.0-fixture',
        generation: 1,
        gate: {
          generation: 1,
          remotes: [REMOTE],
          identities: { origin: createHmac('sha256', 'n').update(SECRET).digest('hex') },
        },
      })
      const status = proc(gate?.pid ?? 0, 'status')
      expect(status).toContain(`Uid:\t${UID.gitGate}\t${UID.gitGate}`)
      expect(status).toContain('CapEff:\t0000000000000000')
      const told = await asked(bundle)
      expect(told).toMatchObject({ pid: gate?.pid, doors: ['git'] })
      expect((told['env'] as string[]).filter((name) => !name.startsWith('NODE_CHANNEL_'))).toEqual([
        'MALLOC_ARENA_MAX',
      ])
      expect(proc(gate?.pid ?? 0, 'cmdline')).not.toContain(SECRET)
      expect(bundle.output.join('\n')).not.toContain(SECRET)
    }))

  it('[GIT-21] keeps its key where nobody reads it: the agent, egress, root without capabilities, its own user', () =>
    withGate(async (bundle) => {
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      await configure(bundle)
      const { pid = 0 } = (await gateOf(bundle)) ?? {}
      expect(judgePrivileges(parsePrivileges(proc(pid, 'status')), UID.gitGate)).toEqual([])
      const users = [1000, UID.egress, UID.gitGate, UID.stranger, 0]
      expect(users.flatMap((uid) => openTo(uid, pid))).toEqual([])
      expect(proc(pid, 'environ')).not.toMatch(/SSH_AUTH_SOCK|canary/)
      const files = ['-rlsF', SECRET, bundle.folder]
      expect(spawnSync('grep', files, { encoding: 'utf8' })).toMatchObject({ status: 1, stdout: '' })
    }))

  it('dials with the token that egress was handed, and gets nothing else of egress', () =>
    withGate(async (bundle) => {
      expect(await configure(bundle)).toMatchObject({ ok: false, code: 'token-missing' })
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      await configure(bundle)
      const { token, keys } = await asked(bundle)
      expect(token).toBe(dialToken(TOKEN))
      expect(keys).toEqual(expect.arrayContaining(['remotes', 'identities']))
      expect(keys).not.toContain('secrets')
    }))

  it('is started again alone after a crash, with its configuration and its keys', () =>
    withGate(async (bundle) => {
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      await configure(bundle, { generation: 3 })
      const before = (await bundle.status()).daemons
      await bundle.door('127.0.0.1', 941, 'crash')
      await expect.poll(async () => (await gateOf(bundle))?.gate?.generation, { timeout: 8000 }).toBe(3)
      const after = (await bundle.status()).daemons
      expect(after['git-gate']).toMatchObject({ restarts: 1, gate: before['git-gate']?.gate })
      expect(after['git-gate']?.pid).not.toBe(before['git-gate']?.pid)
      expect(after.egress?.pid).toBe(before.egress?.pid)
    }))

  it('ends, its door with it, when no remote is declared any more, and comes back with the next one', () =>
    withGate(async (bundle) => {
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      await configure(bundle)
      const { pid = 0 } = (await gateOf(bundle)) ?? {}
      expect(await configure(bundle, { generation: 2, remotes: [], identities: {} })).toMatchObject({
        ok: true,
        value: { generation: 2 },
      })
      expect(await gateOf(bundle)).toMatchObject({ state: 'idle', pid: 0, gate: idleGate(2) })
      expect(() => proc(pid, 'status')).toThrow()
      expect(await bundle.door('127.0.0.1', 941, 'handed')).toBe('refused')
      expect(await bundle.ask({ op: 'restart', daemon: 'git-gate' })).toMatchObject({ ok: true })
      expect(await gateOf(bundle)).toMatchObject({ state: 'idle', restarts: 0 })
      expect(await configure(bundle, { generation: 2 })).toMatchObject({ ok: false, code: 'generation-old' })
      expect(await configure(bundle, { generation: 3 })).toMatchObject({ ok: true })
      expect(await asked(bundle)).toMatchObject({ generation: 3 })
    }))

  it('is asked whether an upstream takes its key or another, which is shown nowhere', () =>
    withGate(async (bundle) => {
      const verify = (fields: object = {}) =>
        bundle.ask({ op: 'verify', daemon: 'git-gate', remote: 'origin', ...fields })
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      await configure(bundle, { generation: 4 })
      expect(await verify()).toMatchObject({ ok: true, value: { generation: 4 } })
      expect(await verify({ identity: SECRET })).toMatchObject({
        ok: true,
        value: { generation: 4, trouble: { rule: 'identity-refused' } },
      })
      expect(await verify({ daemon: 'egress' })).toMatchObject({ ok: false })
      expect(bundle.output.join('\n')).not.toContain(SECRET)
    }))

  it('does not stay without a configuration when it refuses its first one', () =>
    withGate(async (bundle) => {
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      expect(await configure(bundle, { bottle: 'refused' })).toMatchObject({
        ok: false,
        code: 'config-invalid',
      })
      expect(await gateOf(bundle)).toMatchObject({ state: 'idle', gate: idleGate(0) })
      expect(await configure(bundle)).toMatchObject({ ok: true })
      expect(await configure(bundle, { bottle: 'refused', generation: 2 })).toMatchObject({ ok: false })
      expect(await gateOf(bundle)).toMatchObject({ state: 'running', gate: { generation: 1 } })
    }))
})

describe('a configuration for the gate', () => {
  const request = (config: object) => decodeSupervisorRequest({ op: 'configure', daemon: 'git-gate', config })
  const whole: GateConfig = {
    ...gateConfig(),
    uplinkToken: TOKEN,
    remotes: [
      {
        ...REMOTE,
        requireIdentity: { name: 'Agent', email: 'agent@acme.test' },
        maxPack: 1024,
        maxFile: 512,
      },
    ],
    known: { key: 'ab'.repeat(32), prints: [] },
  }

  it('is taken with every field that the host may fill in', () => {
    expect(request(whole)).toEqual({ op: 'configure', daemon: 'git-gate', config: whole })
  })

  it.each([
    ['a field that is not known', { ...whole, secrets: {} }],
    ['no identities', { ...whole, identities: undefined }],
    ['a remote twice', { ...whole, remotes: [REMOTE, REMOTE] }],
    ['a name that is none', { ...whole, remotes: [{ ...REMOTE, name: '../x' }] }],
    ['a key of another kind', { ...whole, identities: { origin: 7 } }],
    ['an unknown field of a remote', { ...whole, remotes: [{ ...REMOTE, proxy: 'x' }] }],
    ['a port that is none', { ...whole, remotes: [{ ...REMOTE, url: { ...REMOTE.url, port: 0 } }] }],
    ['an unknown scan', { ...whole, remotes: [{ ...REMOTE, push: { ...REMOTE.push, scan: 'no' } }] }],
    ['a key of the fingerprints that is none', { ...whole, known: { key: 'short', prints: [] } }],
  ])('is refused with %s', (_, wrong) => {
    expect(() => request(wrong)).toThrow()
  })

  it('names the place of what is wrong, never a value', () => {
    expect(() => request({ ...whole, identities: { origin: SECRET, 'not a name': SECRET } })).toThrow(
      /config\.identities/,
    )
    expect(() => request({ ...whole, remotes: [{ ...REMOTE, name: SECRET.toUpperCase() }] })).toThrow(
      /^(?!.*CANARY)/,
    )
  })
})

describe('a verdict from the gate', () => {
  const trouble = { rule: 'identity-refused', message: 'git.acme.test:22 does not accept it' }
  const said = (value: object) => decodeFromDaemon({ id: 1, ok: true, value })

  it('is taken as it is', () => {
    expect(said({ generation: 2, trouble })).toMatchObject({ value: { generation: 2, trouble } })
  })

  it.each([
    ['a rule that is none', { ...trouble, rule: 'fine' }],
    ['a field too many', { ...trouble, key: SECRET }],
    ['a message that is no text', { ...trouble, message: {} }],
  ])('is refused with %s', (_, wrong) => {
    expect(() => said({ generation: 2, trouble: wrong })).toThrow()
  })

  it.each([
    ['a name that is none', { remote: '../x' }],
    ['a field too many', { host: 'elsewhere.example' }],
    ['another daemon', { daemon: 'egress' }],
  ])('is not asked for with %s', (_, wrong) => {
    const question = { op: 'verify', daemon: 'git-gate', remote: 'origin' }
    expect(decodeSupervisorRequest(question)).toEqual(question)
    expect(() => decodeSupervisorRequest({ ...question, ...wrong })).toThrow()
  })
})

describe('a status from the gate', () => {
  const status = {
    generation: 2,
    remotes: [REMOTE],
    identities: { origin: 'ab'.repeat(32) },
    known: '',
    connections: 1,
  }
  const said = (value: object) => decodeFromDaemon({ id: 1, ok: true, value })

  it('is taken as it is', () => {
    expect(said(status)).toEqual({ id: 1, ok: true, value: status })
  })

  it.each([
    ['an identity that is no digest', { identities: { origin: SECRET } }],
    ['a remote with a field too many', { remotes: [{ ...REMOTE, key: SECRET }] }],
    ['a number below nothing', { connections: -1 }],
    ['a field that is not known', { key: SECRET }],
    ['fields of egress', { routes: [] }],
  ])('is refused with %s', (_, wrong) => {
    expect(() => said({ ...status, ...wrong })).toThrow()
  })
})
