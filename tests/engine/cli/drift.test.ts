/** Whatever somebody does by hand to a live stack is named by `diff`, repaired by one `apply`, and then nothing differs. */
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerDriver } from '../../../src/drivers/docker/index.ts'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { liveNames } from '../../../src/model/names.ts'
import type { Actuator, Lease } from '../../../src/ports/driver.ts'
import { openHome } from '../../../src/state/home.ts'
import { docker } from '../docker/stack.ts'
import { ONE, openProgram } from './program.ts'
import type { Program } from './program.ts'

let program: Program
let names: Readonly<Record<'holder' | 'agent' | 'bundle' | 'uplink' | 'home' | 'work', string>>

beforeAll(async () => {
  program = openProgram('drift')
  program.manifest(ONE)
  const { stack } = program
  names = {
    holder: liveNames.holder(stack, 'one'),
    agent: liveNames.agent(stack, 'one'),
    bundle: liveNames.bundle(stack, 'one'),
    uplink: liveNames.uplink(stack),
    home: liveNames.home(stack, 'one'),
    work: liveNames.work(stack, 'one'),
  }
  await program.must('apply')
})
afterAll(async () => {
  program.dispose()
})

/** The operator's own way into the daemons; the program would never send this. */
function byHand(): Actuator {
  const { installation } = openHome({ env: {}, stateDir: program.home })
  return dockerDriver(process.env, { installation }).actuator({
    stack: program.stack,
    engineId: '',
    held: true,
  } as Lease)
}

const aborted = new AbortController().signal
let generation = 1000
const pushed = async (hosts: readonly string[], trust: readonly string[]): Promise<void> => {
  generation += 1000
  const routes = hosts.map((host) => ({
    host,
    port: 443,
    scheme: 'https' as const,
    tlsPassthrough: false,
    allowPrivate: false,
    gitFetch: false,
  }))
  await byHand().controlBundle(
    'one',
    {
      op: 'configure',
      daemon: 'egress',
      config: { generation, policy: { log: 'all', routes }, secrets: {}, trust, bottle: 'one' },
    },
    aborted,
  )
}

/** As this machine numbers it: the image of the bundle has no tool to look with. */
function egressPid(): number {
  const lines = docker('top', names.bundle, '-eo', 'pid,args').split('\n')
  return Number(
    lines
      .find((line) => line.includes('/egress/main.js'))
      ?.trim()
      .split(/\s+/)[0],
  )
}

type Row = readonly [what: string, hand: () => unknown, named: readonly RegExp[]]
const rows: readonly Row[] = [
  ['the agent container removed', () => docker('rm', '-f', names.agent), [/bottle\/one .*drift: .*/]],
  ['the bundle stopped', () => docker('stop', '-t', '0', names.bundle), [/bundle\/one .*drift/]],
  ['the bundle paused', () => docker('pause', names.bundle), [/bundle\/one .*drift/, /paused/]],
  ['the bundle removed', () => docker('rm', '-f', names.bundle), [/bundle\/one .*drift: .*gone/]],
  ['the holder removed', () => docker('rm', '-f', names.holder), [/bottle\/one .*drift/, /holder/]],
  [
    'the holder attached to a bridge',
    () => {
      docker('network', 'disconnect', 'none', names.holder)
      docker('network', 'connect', 'bridge', names.holder)
    },
    [/bottle\/one .*drift/, /attached to network bridge/],
  ],
  ['the uplink killed', () => docker('kill', names.uplink), [/uplink .*drift/]],
  [
    'the route table altered through the control socket',
    () => pushed(['a.example', 'evil.example'], []),
    [
      /- route\/one\/evil\.example .*drift/,
      /route\/one\/a\.example .*drift/,
      /route\/one\/b\.example .*drift/,
    ],
  ],
  [
    'an authority added through the control socket',
    () => pushed(['a.example'], rootCertificates.slice(0, 1)),
    [/bundle\/one .*drift/, /trust/],
  ],
  [
    'limits changed by docker update',
    () => docker('update', '--pids-limit', '4000', names.agent),
    [/bottle\/one .*drift/, /pids.*4000 → 128/],
  ],
  [
    'the agent container renamed',
    () => docker('rename', names.agent, `bb_${program.stack}_one_renamed`),
    [/bottle\/one .*drift/],
  ],
  [
    'the volume of the home removed',
    () => {
      docker('rm', '-f', names.agent)
      docker('volume', 'rm', names.home)
    },
    [/bottle\/one .*drift/],
  ],
  ['the uplink restarted, its tokens lost', () => docker('restart', '-t', '0', names.uplink), [/drift/]],
  [
    'the network of the uplink removed',
    () => {
      docker('rm', '-f', names.uplink)
      docker('network', 'rm', names.uplink)
    },
    [/uplink .*drift/],
  ],
]

describe('What somebody did by hand', () => {
  it('a second apply plans nothing', async () => {
    const again = await program.must('apply')
    expect(again.out).toContain('nothing to do')
    expect((await program.run('diff')).code).toBe(0)
  })

  it.each(rows)(
    '%s: diff names it, one apply repairs it, then nothing differs',
    async (_what, hand, named) => {
      await hand()
      const diff = await program.run('diff --drift')
      expect(diff.code, diff.out + diff.err).toBe(1)
      for (const words of named) expect(diff.out).toMatch(words)
      const apply = await program.run('apply --yes')
      expect(apply.code, apply.out + apply.err).toBe(0)
      const after = await program.run('diff')
      expect(after.code, after.out).toBe(0)
      expect(program.left().filter((name) => name.includes('renamed'))).toEqual([])
    },
  )

  it('egress killed inside the bundle: the supervisor brings it back with what it enforced', async () => {
    process.kill(egressPid(), 'SIGKILL')
    await expect
      .poll(async () => (await program.run('diff')).code, { timeout: 30_000, interval: 100 })
      .toBe(0)
    expect((await program.must('status')).out).toMatch(/one +ready +idle +2/)
  })

  it('a foreign container with the name of ours is named, left alone and refused with 5', async () => {
    docker('rm', '-f', names.agent)
    docker('run', '-d', '--name', names.agent, '--entrypoint', '/bin/sleep', baseImage().tag, '600')
    const diff = await program.run('diff')
    expect(diff.code).toBe(1)
    expect(diff.out).toMatch(/! bottle\/one/)
    const apply = await program.run('apply --yes')
    expect(apply.code, apply.out + apply.err).toBe(5)
    expect(docker('inspect', '-f', '{{.State.Running}}', names.agent)).toBe('true')
    docker('rm', '-f', names.agent)
    await program.must('apply --yes')
    expect((await program.run('diff')).code).toBe(0)
  })

  it('a namesake with our labels but of another make is drift like any other', async () => {
    const labels = JSON.parse(docker('inspect', '-f', '{{json .Config.Labels}}', names.agent)) as Record<
      string,
      string
    >
    const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
    docker('rm', '-f', names.agent)
    docker('run', '-d', '--name', names.agent, ...flags, '--entrypoint', '/bin/sleep', baseImage().tag, '600')
    const diff = await program.run('diff --drift')
    expect(diff.code).toBe(1)
    expect(diff.out).toMatch(/bottle\/one/)
    await program.must('apply --yes')
    expect((await program.run('diff')).code).toBe(0)
  })

  it('nothing is left after destroy', async () => {
    docker('rename', names.agent, `bb_${program.stack}_one_renamed`)
    await program.must('destroy --yes')
    expect(program.left()).toEqual([])
  })
})
