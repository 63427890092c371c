import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/model/address.ts'
import { openEngine } from '../../../src/drivers/docker/engine.ts'
import { docker, labStack, leftovers, type LabStack } from './stack.ts'
import { openProxy, type Proxy } from './proxy.ts'

let real: LabStack
let proxy: Proxy | undefined
let stack: LabStack | undefined
let proxies = 0

beforeAll(async () => {
  real = await labStack()
  real.declare('a')
  await real.perform('image/sidecars' as Address)
  await real.perform('image/a' as Address)
})
afterEach(async () => {
  await stack?.down()
  await proxy?.close()
  stack = proxy = undefined
})

/** A stack on an engine that drops a part of what it is asked for one container. */
async function onEngineThat(edit: Parameters<typeof openProxy>[1]): Promise<LabStack> {
  proxy = await openProxy(join(tmpdir(), `bb-proxy-${process.pid}-${proxies++}.sock`), edit)
  stack = await labStack({ engine: openEngine({ kind: 'socket', path: proxy.socket, from: 'test' }) })
  stack.declare('a')
  return stack
}

type Edit = (host: Record<string, unknown>, body: Record<string, unknown>) => void
const rows: readonly [what: string, part: string, edit: Edit][] = [
  ['CapDrop of the agent', 'agent', (host) => delete host['CapDrop']],
  ['the seccomp profile of the agent', 'agent', (host) => (host['SecurityOpt'] = ['no-new-privileges:true'])],
  [
    'no-new-privileges of the agent',
    'agent',
    (host) => (host['SecurityOpt'] = (host['SecurityOpt'] as string[]).slice(1)),
  ],
  ['PidsLimit of the agent', 'agent', (host) => delete host['PidsLimit']],
  ['Memory of the agent', 'agent', (host) => (host['Memory'] = host['MemorySwap'] = 0)],
  ['the user of the agent', 'agent', (_, body) => (body['User'] = '')],
  ['the masked paths of the agent', 'agent', (host) => delete host['MaskedPaths']],
  ['the entry point of the agent', 'agent', (_, body) => (body['Entrypoint'] = ['/bin/sleep', '60'])],
  ['the environment of the agent', 'agent', (_, body) => (body['Env'] = [])],
  ['Sysctls of the holder', 'net', (host) => delete host['Sysctls']],
  ['Dns of the holder', 'net', (host) => delete host['Dns']],
  ['DnsSearch of the holder', 'net', (host) => delete host['DnsSearch']],
  ['NetworkMode none of the holder', 'net', (host) => (host['NetworkMode'] = 'bridge')],
  ['ReadonlyRootfs of the holder', 'net', (host) => (host['ReadonlyRootfs'] = false)],
  [
    'the read-only tools volume',
    'agent',
    (host) => ((host['Mounts'] as { ReadOnly: boolean }[])[0]!.ReadOnly = false),
  ],
]

describe('[ISO-07] an engine that silently drops a setting', () => {
  it.each(rows)('is refused when it drops %s', async (_what, part, edit) => {
    const lab = await onEngineThat((body, name) => name.endsWith(`_a_${part}`) && edit(body.HostConfig, body))
    await lab.perform('uplink' as Address)
    await expect(lab.perform('bottle/a' as Address)).rejects.toMatchObject({
      code: 'setting-ignored',
      exit: 4,
    })
    const left = docker('ps', '-a', '--format', '{{.Names}} {{.Status}}')
      .split('\n')
      .filter((line) => line.startsWith(`bb_${lab.name}_a_agent`))
    expect(left).toEqual([])
  })

  const bundleRows: readonly [string, Edit][] = [
    [
      'the masks of /etc/hosts',
      (host) =>
        (host['Mounts'] = (host['Mounts'] as { Type: string }[]).filter(({ Type }) => Type !== 'bind')),
    ],
    ['the read-only uplink', (host) => ((host['Mounts'] as { ReadOnly: boolean }[])[0]!.ReadOnly = false)],
    ['CapDrop', (host) => delete host['CapDrop']],
  ]
  it.each(bundleRows)('is refused when it drops %s of the bundle', async (_what, edit) => {
    const lab = await onEngineThat((body, name) => name.endsWith('_a_bundle') && edit(body.HostConfig, body))
    await lab.perform('uplink' as Address)
    await lab.perform('bottle/a' as Address)
    await expect(lab.perform('bundle/a' as Address)).rejects.toMatchObject({ code: 'setting-ignored' })
  })

  it('[ISO-06] passes when it drops nothing, and gets the same body on create and recreate (HST-14)', async () => {
    const lab = await onEngineThat(() => {})
    await lab.perform('uplink' as Address)
    await lab.perform('bottle/a' as Address)
    await lab.perform('bottle/a' as Address, 'remove-then-create', 'recreate-agent')
    await lab.perform('bottle/a' as Address, 'remove-then-create', 'recreate-holder')
    const agents = proxy?.created
      .filter(({ name }) => name.endsWith('_a_agent'))
      .map(({ body }) => JSON.stringify(body).replaceAll(/container:[0-9a-f]{64}/g, 'container:HOLDER'))
    expect(agents).toHaveLength(3)
    expect(new Set(agents).size).toBe(1)
    await lab.down()
    expect(leftovers(lab.name)).toEqual([])
  })
})
