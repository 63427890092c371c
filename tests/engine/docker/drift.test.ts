import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/model/address.ts'
import { liveNames } from '../../../src/model/names.ts'
import { sidecarsImage } from '../../../src/drivers/docker/index.ts'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { docker, labStack, leftovers, type LabStack } from './stack.ts'

let stack: LabStack
beforeAll(async () => {
  stack = await labStack()
  await stack.up('a')
})
afterAll(async () => {
  await stack?.down()
})

const names = () => ({
  holder: liveNames.holder(stack.name, 'a'),
  agent: liveNames.agent(stack.name, 'a'),
  bundle: liveNames.bundle(stack.name, 'a'),
  uplink: liveNames.uplink(stack.name),
})
const fields = async (at: string) => (await stack.observed(at as Address))[0]?.fields ?? {}
const words = async (at: string, field: string) => JSON.stringify((await fields(at))[field])

async function renew(): Promise<void> {
  await stack.perform('bottle/a' as Address, 'remove-then-create', 'recreate-holder')
  await stack.perform('bundle/a' as Address, 'remove-then-create', 'recreate-bundle')
}

describe('[ISO-05] What somebody did by hand is seen', () => {
  it('nothing, when nobody did anything', async () => {
    expect(await fields('bottle/a')).toMatchObject({
      holder: 'only-loopback',
      hardening: 'as-created',
      running: true,
    })
    expect(await fields('bundle/a')).toMatchObject({
      namespace: 'holder',
      hardening: 'as-created',
      running: true,
      daemons: ['egress'],
    })
    expect(await fields('uplink')).toMatchObject({ hardening: 'as-created', running: true })
  })

  it('L1: the engine itself refuses to attach a network to a joiner', () => {
    expect(() => docker('network', 'connect', 'bridge', names().agent)).toThrow(
      /cannot be connected|shar|not supported|private/i,
    )
    expect(() => docker('network', 'connect', 'bridge', names().bundle)).toThrow()
  })

  it('[NET-23] L2: a bridge on the holder, though its NetworkMode still says none', async () => {
    docker('network', 'disconnect', 'none', names().holder)
    docker('network', 'connect', 'bridge', names().holder)
    expect(docker('inspect', '-f', '{{.HostConfig.NetworkMode}}', names().holder)).toBe('none')
    expect(await words('bottle/a', 'holder')).toMatch(/attached to network bridge/)
    await renew()
    expect(await fields('bottle/a')).toMatchObject({ holder: 'only-loopback' })
  })

  it('[NET-23] a stranger in the namespace, by name', async () => {
    docker(
      'run',
      '-d',
      '--name',
      'bb_lab_squatter',
      '--network',
      `container:${names().holder}`,
      '--entrypoint',
      '/bin/sleep',
      baseImage().tag,
      '60',
    )
    try {
      expect(await words('bottle/a', 'holder')).toMatch(/container bb_lab_squatter is in its namespace/)
    } finally {
      docker('rm', '-f', 'bb_lab_squatter')
    }
  })

  it('a limit that `docker update` changed', async () => {
    docker('update', '--pids-limit', '4000', '--memory', '1g', '--memory-swap', '1g', names().agent)
    expect(await fields('bottle/a')).toMatchObject({ resources: { pids: 4000, memoryBytes: 1024 ** 3 } })
    docker('update', '--memory', '900m', '--memory-swap', '900m', names().bundle)
    expect(await words('bundle/a', 'hardening')).toMatch(/HostConfig\.Memory is/)
    await renew()
  })

  it('L7: a paused container counts as down', async () => {
    docker('pause', names().bundle)
    expect(await fields('bundle/a')).toMatchObject({ running: 'paused' })
    docker('pause', names().agent)
    expect(await fields('bottle/a')).toMatchObject({ running: 'paused' })
    await renew()
    expect(await fields('bundle/a')).toMatchObject({ running: true, namespace: 'holder' })
  })

  it('L4: a restarted holder, which leaves both in a dead namespace', async () => {
    docker('restart', '-t', '0', names().holder)
    expect(await words('bottle/a', 'holder')).toMatch(/dead namespace/)
    expect(await fields('bundle/a')).toMatchObject({ namespace: 'another holder' })
    await renew()
  })

  it('a lost holder, agent or bundle', async () => {
    docker('rm', '-f', names().holder)
    expect(await fields('bottle/a')).toMatchObject({ holder: 'gone' })
    await renew()
    docker('rm', '-f', names().agent)
    expect(await fields('bottle/a')).toMatchObject({ running: false, holder: 'only-loopback' })
    docker('rm', '-f', names().bundle)
    expect(await stack.observed('bundle/a' as Address)).toEqual([])
    await renew()
  })

  it('an agent started again by hand on a bridge, with our labels', async () => {
    const labels = JSON.parse(docker('inspect', '-f', '{{json .Config.Labels}}', names().agent)) as Record<
      string,
      string
    >
    docker('rm', '-f', names().agent)
    const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
    docker(
      'run',
      '-d',
      '--name',
      names().agent,
      ...flags,
      '--entrypoint',
      '/bin/sleep',
      baseImage().tag,
      '60',
    )
    const found = await words('bottle/a', 'hardening')
    for (const part of [
      /attached to network bridge/,
      /CapDrop is not set/,
      /User is not set/,
      /SecurityOpt/,
      /nothing is mounted at \/\.bb/,
    ])
      expect(found).toMatch(part)
    await renew()
    expect(await fields('bottle/a')).toMatchObject({ hardening: 'as-created' })
  })

  it('a bundle with another image', async () => {
    const { tag } = await sidecarsImage()
    const labels = JSON.parse(docker('inspect', '-f', '{{json .Config.Labels}}', names().bundle)) as Record<
      string,
      string
    >
    docker('rm', '-f', names().bundle)
    const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
    docker(
      'run',
      '-d',
      '--name',
      names().bundle,
      ...flags,
      '--network',
      `container:${names().holder}`,
      '--entrypoint',
      '/bin/sleep',
      baseImage().tag,
      '60',
    )
    expect(await words('bundle/a', 'image')).toMatch(/another image/)
    expect(tag).toMatch(/^bot-bottle\/sidecars:/)
    await renew()
  })

  it('another container on the bridge of the uplink', async () => {
    docker(
      'run',
      '-d',
      '--name',
      'bb_lab_neighbour',
      '--network',
      names().uplink,
      '--entrypoint',
      '/bin/sleep',
      baseImage().tag,
      '60',
    )
    try {
      expect(await words('uplink', 'hardening')).toMatch(/is on its network/)
    } finally {
      docker('rm', '-f', 'bb_lab_neighbour')
    }
  })
})

describe('[ISO-10] what is not ours', () => {
  it.each([
    ['unmarked', []],
    [
      'other-stack',
      [
        '--label',
        'dev.bot-bottle.installation=0000000000000000',
        '--label',
        'dev.bot-bottle.stack=elsewhere',
      ],
    ],
  ] as const)('is reported as %s, refused by name and left alone', async (ownership, extra) => {
    const name = liveNames.agent(stack.name, 'b')
    docker('run', '-d', '--name', name, ...extra, '--entrypoint', '/bin/sleep', baseImage().tag, '60')
    try {
      expect(await stack.observed('bottle/b' as Address)).toMatchObject([{ ownership, kind: 'bottle' }])
      stack.declare('b')
      await expect(stack.perform('bottle/b' as Address)).rejects.toMatchObject({ code: 'name-taken' })
      expect(docker('inspect', '-f', '{{.State.Running}}', name)).toBe('true')
    } finally {
      docker('rm', '-f', name)
      await stack.perform('bottle/b' as Address, 'remove')
    }
    expect(leftovers(stack.name).filter((left) => left.includes('_b_'))).toEqual([])
  })

  it('is told apart when another installation made it: whether to go on with it is the plan’s decision', async () => {
    const name = liveNames.agent(stack.name, 'b')
    const labels = ['installation=0000000000000000', `stack=${stack.name}`, 'address=bottle/b']
    const flags = labels.flatMap((label) => ['--label', `dev.bot-bottle.${label}`])
    docker('run', '-d', '--name', name, ...flags, '--entrypoint', '/bin/sleep', baseImage().tag, '60')
    try {
      expect(await stack.observed('bottle/b' as Address)).toMatchObject([
        { ownership: 'other-installation', owner: 'installation 0000000000000000' },
      ])
    } finally {
      docker('rm', '-f', name)
    }
  })

  it('a volume with our name is not taken for ours either', async () => {
    const name = liveNames.work(stack.name, 'c')
    docker('volume', 'create', name)
    stack.declare('c')
    try {
      await expect(stack.perform('bottle/c' as Address)).rejects.toMatchObject({ code: 'name-taken' })
    } finally {
      docker('volume', 'rm', name)
      await stack.perform('bottle/c' as Address, 'remove')
    }
  })
})
