import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downEngineNew, upEngineNew } from '../../scripts/labs/engine-new.ts'
import { handImages } from '../../scripts/labs/images.ts'
import type { Address } from '../../src/model/address.ts'
import { liveNames } from '../../src/model/names.ts'
import { baseImage } from '../../src/drivers/docker/images/recipe.ts'
import { inContainer } from '../engine/containment/replica.ts'
import { docker, labStack, type LabStack } from '../engine/docker/stack.ts'

/** An operator who manages no packet filter by the engine, and gives every bridge IPv6. */
const SETTINGS = {
  iptables: false,
  ip6tables: false,
  'ip-masq': false,
  ipv6: true,
  'fixed-cidr-v6': 'fd00:bb:1::/64',
  'default-network-opts': { bridge: { 'com.docker.network.enable_ipv6': 'true' } },
  'default-address-pools': [
    { base: '10.201.0.0/16', size: 24 },
    { base: 'fd00:bb:2::/56', size: 64 },
  ],
}
const PORT = 7777
const INSTANCE = `settings-${process.pid}`
const first = process.env['DOCKER_HOST']
const names = { host: 'bb_lab_host', bridge: 'bb_lab_bridge', network: 'bb_lab_closed' }
let stack: LabStack

beforeAll(async () => {
  // Images are handed over by the machine's own engine.
  delete process.env['DOCKER_HOST']
  const engine = await upEngineNew(INSTANCE, SETTINGS)
  await handImages(engine.host)
  process.env['DOCKER_HOST'] = engine.host
  const sleeping = ['--entrypoint', '/bin/sleep', baseImage().tag, '600']
  const listening = `
import socketserver
class Say(socketserver.BaseRequestHandler):
    def handle(self): print('ARRIVED', self.client_address[0], flush=True)
class Both(socketserver.TCPServer):
    address_family = socketserver.socket.AF_INET6
Both(('::', ${PORT}), Say).serve_forever()`
  docker(
    'run',
    '-d',
    '--name',
    names.host,
    '--network',
    'host',
    '--entrypoint',
    '/usr/bin/python3',
    baseImage().tag,
    '-c',
    listening,
  )
  docker('network', 'create', '--internal', names.network)
  docker('run', '-d', '--name', names.bridge, '--network', names.network, ...sleeping)
  stack = await labStack()
  await stack.up('a', { guest: true })
}, 180_000)
afterAll(async () => {
  await stack?.down()
  await downEngineNew(INSTANCE)
  if (first !== undefined) process.env['DOCKER_HOST'] = first
})

const arrivals = () =>
  docker('logs', names.host)
    .split('\n')
    .filter((line) => line.startsWith('ARRIVED'))
const gateways = (): readonly string[] =>
  docker('network', 'ls', '-q', '--filter', 'driver=bridge')
    .split('\n')
    .flatMap((id) =>
      docker('network', 'inspect', id, '-f', '{{range .IPAM.Config}}{{.Gateway}} {{end}}').trim().split(' '),
    )
    .map((gateway) => gateway.split('/')[0] ?? '')
/** Each target by TCP, as the error's name or `CONNECTED`. */
const tries = (targets: readonly string[]) => `
def to(host):
    def work():
        s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET); s.settimeout(1)
        s.connect((host, ${PORT})); s.close()
        return 'CONNECTED'
    return attempt(work)
print(json.dumps({h: to(h) for h in ${JSON.stringify(targets)}}))`

describe('on an engine without packet filter and with IPv6 on every bridge', () => {
  it('(NET-11) (NET-27) a bottle reaches neither family of any gateway, where an internal network lets through', async () => {
    const hosts = gateways()
    expect(hosts.some((host) => host.includes(':')) && hosts.some((host) => host.includes('.'))).toBe(true)
    const closed = await inContainer<Record<string, string>>(names.bridge, tries(hosts), '1000:1000')
    expect(Object.entries(closed).some(([host, said]) => host.includes(':') && said === 'CONNECTED')).toBe(
      true,
    )
    expect(Object.entries(closed).some(([host, said]) => host.includes('.') && said === 'CONNECTED')).toBe(
      true,
    )
    await expect.poll(() => arrivals().length, { message: 'control: the host is reached' }).toBeGreaterThan(1)
    const before = arrivals().length
    for (const user of ['1000:1000', '0:0']) {
      const agent = liveNames.agent(stack.name, 'a')
      const found = await inContainer<Record<string, string>>(
        agent,
        tries([...hosts, '1.1.1.1', 'ff02::1', '2001:db8::1']),
        user,
      )
      for (const [host, said] of Object.entries(found))
        expect([host, said]).toEqual([host, expect.stringMatching(/^(?:ENETUNREACH|EADDRNOTAVAIL)$/)])
      expect(
        await inContainer(
          agent,
          `print(json.dumps([sorted(os.listdir('/sys/class/net')), open('/proc/net/if_inet6').read()]))`,
          user,
        ),
      ).toEqual([['lo'], ''])
    }
    expect(arrivals()).toHaveLength(before)
    expect((await stack.observed('bottle/a' as Address))[0]?.fields).toMatchObject({
      holder: 'only-loopback',
      hardening: 'as-created',
    })
  })

  it('(NET-27) the probe refuses a namespace with such an internal network', async () => {
    const holder = liveNames.holder(stack.name, 'a')
    docker('network', 'disconnect', 'none', holder)
    docker('network', 'connect', names.network, holder)
    await expect(stack.perform('guest/a' as Address)).rejects.toMatchObject({ code: 'probe-failed', exit: 4 })
  })
})
