import { createHmac } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgePrivileges, parsePrivileges } from '../../../sidecars/supervisor/privileges.ts'
import { config, gateConfig, SECRET, TOKEN, UID, whyNot } from './bundle.ts'
import { CASES, openTo, proc, running, within } from './cases.ts'

const reason = whyNot()
if (reason !== '') process.stdout.write(`supervisor as a real process: skipped, ${reason}\n`)
const suite = reason === '' ? describe : describe.skip
const LIMIT = { timeout: 40_000 }

suite('the supervisor holds', LIMIT, () => {
  it.each(CASES)('$name', LIMIT, async ({ run }) => {
    await run([])
  })
})

suite('a case that names a protection fails without it', LIMIT, () => {
  const rows = CASES.flatMap(({ controls, name, run }) => controls.map((control) => ({ control, name, run })))
  it.each(rows)('$control: $name', LIMIT, async ({ control, run }) => {
    await expect(run([control])).rejects.toThrow()
  })
})

suite('doors and users', LIMIT, () => {
  it('[NET-15] exactly the doors of the enabled daemons answer, held by the daemon and not by root', () =>
    within({}, async (bundle) => {
      await running(bundle)
      const listening = await bundle.inside('ss', '-Hlntu')
      const doors = listening.split('\n').map((line) => `${line.split(/\s+/)[0]} ${line.split(/\s+/)[4]}`)
      expect(doors.toSorted()).toEqual([
        'tcp 127.0.0.1:909',
        'tcp 127.0.0.2:443',
        'tcp 127.0.0.2:53',
        'tcp 127.0.0.2:80',
        'udp 127.0.0.2:53',
      ])
      const { daemons } = await bundle.status()
      for (const [address, port, name] of [
        ['127.0.0.1', 909, 'proxy'],
        ['127.0.0.2', 80, 'transparent-http'],
        ['127.0.0.2', 443, 'transparent-tls'],
        ['127.0.0.2', 53, 'dns-tcp'],
      ] as const) {
        expect(JSON.parse(await bundle.door(address, port, 'pid'))).toMatchObject({
          door: name,
          pid: daemons.egress?.pid,
        })
      }
      const query = `const s=require('node:dgram').createSocket('udp4');s.on('message',(m)=>{console.log(String(m));s.close()});s.send('q',53,'127.0.0.2')`
      expect(await bundle.inside(process.execPath, '-e', query)).toBe('answer')
      expect(await bundle.inside('ss', '-Hxl')).not.toContain('@')
    }))

  it('[CRD-11] the daemon has its own uid and no capability, and nobody reads its memory, not even its own uid', () =>
    within({ daemons: [`egress=${UID.egress}`, `git-gate=${UID.gitGate}`] }, async (bundle) => {
      await running(bundle)
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      const pid = (await bundle.status()).daemons.egress?.pid ?? 0
      expect(judgePrivileges(parsePrivileges(proc(pid, 'status')), UID.egress)).toEqual([])
      const users = [UID.egress, UID.gitGate, UID.stranger, 0]
      expect(users.flatMap((uid) => openTo(uid, pid))).toEqual([])
    }))

  it('(CRD-10) secrets are in no argument, no environment, no file and no log', () =>
    within({}, async (bundle) => {
      await running(bundle)
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      const told = JSON.parse(await bundle.door('127.0.0.1', 909, 'env')) as {
        pid: number
        env: string[]
        argv: string[]
        cwd: string
      }
      expect(told.env.filter((name) => !name.startsWith('NODE_CHANNEL_'))).toEqual(['MALLOC_ARENA_MAX'])
      expect(told.cwd).toBe('/')
      const seen = [
        proc(bundle.pid, 'cmdline'),
        proc(bundle.pid, 'environ'),
        proc(told.pid, 'cmdline'),
        ...told.argv,
        ...bundle.output,
      ]
      const files = execFileSync(
        'find',
        [bundle.folder, '-type', 'f', '-size', '-1M', '-exec', 'cat', '{}', '+'],
        { encoding: 'utf8' },
      )
      for (const secret of [SECRET, TOKEN]) expect(`${seen.join('\n')}${files}`).not.toContain(secret)
    }))

  it('the control socket is root’s alone', () =>
    within({}, async (bundle) => {
      await Promise.resolve()
      expect(statSync(join(bundle.folder, 'run/control.sock')).mode & 0o777).toBe(0o600)
      expect(statSync(join(bundle.folder, 'run')).mode & 0o777).toBe(0o700)
    }))
})

suite('the life of a daemon', LIMIT, () => {
  it('after a crash it has its configuration and its doors again, and the other daemon was not touched', () =>
    within({ daemons: [`egress=${UID.egress}`, `git-gate=${UID.gitGate}`] }, async (bundle) => {
      await running(bundle)
      expect(
        await bundle.ask({ op: 'configure', daemon: 'egress', config: config({ generation: 7 }) }),
      ).toMatchObject({ ok: true, value: { generation: 7 } })
      await bundle.ask({ op: 'configure', daemon: 'git-gate', config: gateConfig() })
      expect((await bundle.status()).daemons['git-gate']?.state).toBe('running')
      const before = (await bundle.status()).daemons
      await bundle.door('127.0.0.1', 909, 'crash')
      await expect
        .poll(async () => (await bundle.status()).daemons.egress?.restarts, { timeout: 5000 })
        .toBe(1)
      await running(bundle)
      const after = (await bundle.status()).daemons
      expect(after.egress?.pid).not.toBe(before.egress?.pid)
      expect(after.egress?.egress?.generation).toBe(7)
      expect(after.egress?.egress?.secrets).toEqual({
        'env:TOKEN': createHmac('sha256', 'n').update(SECRET).digest('hex'),
      })
      expect(after.egress?.unconfiguredSince).toBeUndefined()
      expect(after['git-gate']).toEqual(before['git-gate'])
      expect(await bundle.ask({ op: 'restart', daemon: 'egress' })).toMatchObject({ ok: true })
      expect((await bundle.status()).daemons.egress).toMatchObject({
        state: 'running',
        restarts: 2,
        egress: { generation: 7 },
      })
      expect((await bundle.status()).daemons['git-gate']).toEqual(before['git-gate'])
    }))

  it('what it used up of a limit it has used up after a crash, and is told once', () =>
    within({}, async (bundle) => {
      await running(bundle)
      const configure = (generation: number) =>
        bundle.ask({ op: 'configure', daemon: 'egress', config: config({ generation }) })
      const spent = async (): Promise<unknown> => {
        const { spent } = JSON.parse(await bundle.door('127.0.0.1', 909, 'spent')) as {
          readonly spent?: unknown
        }
        return spent
      }
      await configure(1)
      expect(await spent()).toEqual([])
      for (const bytes of [500, 900, 10]) await bundle.door('127.0.0.1', 909, `spend ${bytes}`)
      await configure(2)
      expect(await spent()).toBeUndefined()
      await bundle.door('127.0.0.1', 909, 'crash')
      await expect
        .poll(async () => (await bundle.status()).daemons.egress?.restarts, { timeout: 5000 })
        .toBe(1)
      await running(bundle)
      expect(await spent()).toEqual([{ route: 'a.test:443', day: 7, bytes: 900 }])
    }))

  it('a configuration that it refuses changes nothing; issuer and token left out are the present ones', () =>
    within({}, async (bundle) => {
      await running(bundle)
      const { uplinkToken: _, ...without } = config({ generation: 2 })
      expect(await bundle.ask({ op: 'configure', daemon: 'egress', config: without })).toMatchObject({
        ok: false,
        code: 'token-missing',
      })
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      const { token } = JSON.parse(await bundle.door('127.0.0.1', 909, 'token')) as { token: string }
      expect(
        await bundle.ask({
          op: 'configure',
          daemon: 'egress',
          config: config({ bottle: 'refused', generation: 9 }),
        }),
      ).toMatchObject({ ok: false, code: 'policy-invalid' })
      expect((await bundle.status()).daemons.egress?.egress?.generation).toBe(1)
      expect(await bundle.ask({ op: 'configure', daemon: 'egress', config: without })).toMatchObject({
        ok: true,
        value: { generation: 2 },
      })
      expect(JSON.parse(await bundle.door('127.0.0.1', 909, 'token'))).toMatchObject({ token })
    }))

  it('(ISO-03) a configuration that is not newer is refused, also while the daemon is away', () =>
    within({}, async (bundle) => {
      await running(bundle)
      const configure = (generation: number, bottle: string) =>
        bundle.ask({ op: 'configure', daemon: 'egress', config: config({ generation, bottle }) })
      expect(await configure(5, 'new')).toMatchObject({ ok: true })
      for (const generation of [4, 5])
        expect(await configure(generation, 'old')).toMatchObject({ ok: false, code: 'generation-old' })
      expect((await bundle.status()).daemons.egress).toMatchObject({
        generation: 5,
        egress: { generation: 5 },
      })
      await bundle.door('127.0.0.1', 909, 'deaf')
      const deaf = (await bundle.status()).daemons.egress
      expect(deaf?.egress).toBeUndefined()
      expect(deaf?.generation).toBe(5)
      expect(await configure(5, 'old')).toMatchObject({ ok: false, code: 'generation-old' })
    }))

  it('one that cannot be started is said to fail, with why', () =>
    within({ daemons: [`supervise=${UID.stranger}`] }, async (bundle) => {
      await expect
        .poll(async () => (await bundle.status()).daemons.supervise?.state, { timeout: 5000 })
        .toBe('failed')
      expect(await bundle.ask({ op: 'restart', daemon: 'egress' })).toMatchObject({
        ok: false,
        code: 'daemon-not-enabled',
      })
    }))

  it('what it says without being asked is ignored, and a silent one is said not to answer', () =>
    within({}, async (bundle) => {
      await running(bundle)
      await bundle.door('127.0.0.1', 909, 'nonsense')
      expect((await bundle.status()).daemons.egress?.state).toBe('running')
      await bundle.door('127.0.0.1', 909, 'deaf')
      expect((await bundle.status()).daemons.egress).toMatchObject({
        state: 'running',
        reason: 'it does not answer',
      })
    }))

  it(
    'one that stays silent counts as failed, so that it can be replaced instead of asked for ever',
    () =>
      within({}, async (bundle) => {
        await running(bundle)
        await bundle.door('127.0.0.1', 909, 'deaf')
        await expect
          .poll(async () => (await bundle.status()).daemons.egress, { timeout: 12_000 })
          .toMatchObject({
            state: 'failed',
            reason: expect.stringMatching(/^it has not answered for \d+ s$/),
          })
      }),
    15_000,
  )

  it('SIGTERM ends all of it within a second, with code 0', () =>
    within({}, async (bundle) => {
      await running(bundle)
      const pid = (await bundle.status()).daemons.egress?.pid
      const began = Date.now()
      bundle.kill('SIGTERM')
      expect(await bundle.ended).toEqual([0, null])
      expect(Date.now() - began).toBeLessThan(1000)
      expect(readdirSync('/proc')).not.toContain(String(pid))
    }))
})

suite('logs', LIMIT, () => {
  it('repeats the last audit lines, follows further ones, and puts them into the engine’s log', () =>
    within({}, async (bundle) => {
      await running(bundle)
      for (let count = 0; count < 3; count += 1) await bundle.door('127.0.0.1', 909, 'log')
      const rules = (answers: readonly { readonly value?: unknown }[]): unknown[] =>
        answers.map(({ value }) => (value as { rule: string } | null)?.rule)
      const tail = bundle.stream({ op: 'logs', daemon: 'egress', follow: false, tail: 2 })
      await expect.poll(() => rules(tail)).toEqual(['r2', 'r3'])
      expect(tail.map(({ end }) => end)).toEqual([undefined, true])
      const follow = bundle.stream({ op: 'logs', daemon: 'egress', follow: true, tail: 1 })
      await expect.poll(() => rules(follow)).toEqual(['r3'])
      await bundle.door('127.0.0.1', 909, 'log')
      await expect.poll(() => rules(follow)).toEqual(['r3', 'r4'])
      const printed = bundle.output
        .filter((line) => line.includes('"event":"audit"'))
        .map((line) => JSON.parse(line) as { readonly life: string; readonly seq: number })
      expect(printed.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
      expect(follow.map(({ value }) => value)).toMatchObject(
        printed.slice(2).map(({ life, seq }) => ({ life, seq })),
      )
      expect(await bundle.ask({ op: 'logs', daemon: 'git-gate', follow: false, tail: 5 })).toMatchObject({
        ok: true,
        value: null,
        end: true,
      })
    }))
})

suite('metrics', LIMIT, () => {
  it('are what the daemon counts and what the supervisor knows of it, without its secrets', () =>
    within({}, async (bundle) => {
      await running(bundle)
      await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
      const { value } = (await bundle.ask({ op: 'metrics' })) as { readonly value?: unknown }
      expect(value).toMatchObject({
        daemons: {
          egress: { state: 'running', restarts: 0, egress: { connections: 1, routes: [{ allowed: 3 }] } },
        },
      })
      expect(JSON.stringify(value)).not.toContain(SECRET)
    }))

  it('are unknown, not zero, of a daemon that does not answer', () =>
    within({}, async (bundle) => {
      await running(bundle)
      await bundle.door('127.0.0.1', 909, 'deaf')
      const { value } = (await bundle.ask({ op: 'metrics' })) as {
        readonly value?: { readonly daemons: { readonly egress: object } }
      }
      expect(value?.daemons.egress).not.toHaveProperty('egress')
    }))
})
