import { describe, expect, it } from 'vitest'
import {
  agentBody,
  bundleBody,
  holderBody,
  stepBody,
  uplinkBody,
} from '../../../src/drivers/docker/bodies.ts'
import type { CreateBody } from '../../../src/drivers/docker/body.ts'
import { seccompOption } from '../../../src/drivers/docker/seccomp/profile.ts'

const labels = { 'dev.bot-bottle.stack': 'acme' }
const holderId = 'f'.repeat(64)
const bodies: Readonly<Record<string, CreateBody>> = {
  holder: holderBody({ image: 'bot-bottle/sidecars:1', labels }),
  agent: agentBody({
    image: 'user/image:1',
    holderId,
    labels,
    resources: { pids: 512, memoryBytes: 4 * 1024 ** 3, cpus: 1.5 },
    volumes: { work: 'bb_acme_a_work', home: 'bb_acme_a_home', tools: 'bb_tools_0123456789ab' },
    defaults: {
      env: [
        'PATH=/opt/x/bin:/usr/bin',
        'LD_PRELOAD=/evil.so',
        'http_proxy=http://evil.test',
        'JAVA_HOME=/opt/java',
      ],
      volumes: ['/data'],
    },
  }),
  bundle: bundleBody({
    image: 'bot-bottle/sidecars:1',
    holderId,
    labels,
    uplinkVolume: 'bb_acme_uplink_sock',
    bottle: 'a',
    daemons: [{ name: 'egress', uid: 20008 }],
  }),
  'bundle-with-gate': bundleBody({
    image: 'bot-bottle/sidecars:1',
    holderId,
    labels,
    uplinkVolume: 'bb_acme_uplink_sock',
    bottle: 'a',
    daemons: [
      { name: 'egress', uid: 20008 },
      { name: 'git-gate', uid: 20009 },
    ],
  }),
  uplink: uplinkBody({
    image: 'bot-bottle/sidecars:1',
    network: 'bb_acme_uplink',
    labels,
    volume: 'bb_acme_uplink_sock',
    stack: 'acme',
  }),
  step: stepBody({ image: 'bot-bottle/sidecars:1', labels, volumes: { '/bb/work': 'bb_acme_a_work' } }),
}

/** Profiles have a test of their own. */
function withoutProfile(body: CreateBody): object {
  const profile = (option: string) => (option.startsWith('seccomp=') ? 'seccomp=…' : option)
  return {
    ...body,
    HostConfig: { ...body.HostConfig, SecurityOpt: body.HostConfig.SecurityOpt.map(profile) },
  }
}

describe('[HST-14] what is sent to the engine', () => {
  for (const [name, body] of Object.entries(bodies)) {
    it(`is exactly this for the ${name}`, async () => {
      await expect(`${JSON.stringify(withoutProfile(body), null, 2)}\n`).toMatchFileSnapshot(
        `./bodies/${name}.txt`,
      )
    })

    it(`gives the ${name} no privilege, host namespace, device, port or restart`, () => {
      const { HostConfig: host } = body
      expect(host).toMatchObject({
        Privileged: false,
        CapDrop: ['ALL'],
        PidMode: '',
        IpcMode: 'private',
        UTSMode: '',
        UsernsMode: '',
        CgroupnsMode: 'private',
        Devices: [],
        Binds: null,
        ExtraHosts: [],
        PortBindings: {},
        PublishAllPorts: false,
        RestartPolicy: { Name: 'no' },
        AutoRemove: false,
      })
      expect(host.SecurityOpt[0]).toBe('no-new-privileges:true')
      expect(host.SecurityOpt[1]).toMatch(/^seccomp=\{/)
      expect(host.Ulimits).toContainEqual({ Name: 'core', Soft: 0, Hard: 0 })
      expect(host.PidsLimit).toBeGreaterThan(0)
      expect(host.Memory).toBeGreaterThan(0)
      expect(host.LogConfig.Config['max-size']).toBeDefined()
      expect(body.User).toMatch(/^\d+:\d+$/)
      expect(body.Healthcheck).toEqual({ Test: ['NONE'] })
    })
  }

  it('adds capabilities to nobody but the supervisor', () => {
    const added = Object.entries(bodies).map(([name, body]) => [name, body.HostConfig.CapAdd])
    expect(Object.fromEntries(added)).toEqual({
      holder: [],
      agent: [],
      bundle: ['KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'],
      'bundle-with-gate': ['KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'],
      uplink: [],
      step: [],
    })
  })

  it('has a network for nobody but the uplink, on its own bridge', () => {
    const modes = Object.entries(bodies).map(([name, body]) => [name, body.HostConfig.NetworkMode])
    expect(Object.fromEntries(modes)).toEqual({
      holder: 'none',
      agent: `container:${holderId}`,
      bundle: `container:${holderId}`,
      'bundle-with-gate': `container:${holderId}`,
      uplink: 'bb_acme_uplink',
      step: 'none',
    })
  })

  it('gives the git gate memory of its own that no other user may enter, and room for it', () => {
    const [plain, gate] = [bodies['bundle'], bodies['bundle-with-gate']].map((body) => body?.HostConfig)
    const { '/run/git-gate': work = '', ...others } = gate?.Tmpfs ?? {}
    expect(others).toEqual(plain?.Tmpfs)
    expect(work.split(',')).toEqual(expect.arrayContaining(['noexec', 'mode=0700', 'uid=20009', 'gid=20009']))
    const size = Number(/size=(\d+)m/.exec(work)?.[1]) * 1024 ** 2
    expect(gate?.Memory).toBe((plain?.Memory ?? 0) + size + 1024 ** 3)
  })

  it('I3: masks the three files that the engine shares with joiners, in the bundle', () => {
    const binds = bodies['bundle']?.HostConfig.Mounts.filter(({ Type }) => Type === 'bind')
    expect(binds).toEqual(
      ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'].map((target) => ({
        Type: 'bind',
        Source: '/dev/null',
        Target: target,
        ReadOnly: true,
      })),
    )
  })

  it('HST-15: keeps PATH of an image and takes away what would load or redirect', () => {
    const env = bodies['agent']?.Env ?? []
    expect(env).toContain('PATH=/opt/x/bin:/usr/bin')
    expect(env).toContain('LD_PRELOAD')
    expect(env).toContain('http_proxy=http://127.0.0.1:909')
    expect(env.filter((line) => line.startsWith('JAVA_HOME'))).toEqual([])
  })

  it('is the same every time', () => {
    expect(seccompOption('agent')).toBe(seccompOption('agent'))
    expect(holderBody({ image: 'i', labels })).toEqual(holderBody({ image: 'i', labels }))
  })
})
