import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCanary, type Canary } from '../docker/attack.ts'
import { docker, dockerAsync } from '../docker/stack.ts'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { nameOf, type Subject } from './cases/case.ts'
import { containerCases } from './cases/container.ts'
import { networkCases } from './cases/network.ts'
import { openReceivers, type Receivers } from './receivers.ts'
import { openOutside, subjectOf, type Outside } from './replica.ts'
import { openWhole, type Whole } from './whole.ts'

let up: Receivers
let whole: Whole
let canary: Canary
let outside: Outside
let subject: Subject

beforeAll(async () => {
  up = await openReceivers(['allowed.test', 'denied.test', 'allowed', 'x.localhost'])
  canary = await openCanary()
  outside = await openOutside()
  whole = openWhole(`uplink: { trust: [ca.pem], dns: [${up.address}] }
bottles:
  a:
    resources: { memory: 256MiB, pids: 128 }
    egress:
      log: all
      routes:
        - { host: allowed.test, allow_private: true, matches: [{ methods: [GET] }] }
`)
  whole.write('ca.pem', up.authority)
  await whole.apply()
  subject = subjectOf(whole.names('a'), canary, outside)
})
afterAll(async () => {
  outside?.close()
  await whole?.down()
  await canary?.close()
  await up?.close()
})

/** The declared host answers, and only because of it does the resolver hear anything. */
async function doorWorks(): Promise<void> {
  const { out } = await whole.exec('a', 'curl', '-sS', '--max-time', '10', 'https://allowed.test/')
  expect(out).toBe('hello from allowed.test\n')
  expect(up.received()).toContain('allowed.test')
  for (const question of up.asked()) expect(question).toMatch(/^(A|AAAA) allowed\.test$/)
}

describe('a bottle that the program made withstands', () => {
  const rows = [...networkCases, ...containerCases].map((one) => ({ name: nameOf(one), one }))
  it.each(rows)('$name', async ({ one }) => {
    up.connections()
    await one.run(subject)
    expect(up.connections(), 'nobody reached the upstream').toBe(0)
    expect(up.asked(), 'nobody asked the resolver').toEqual([])
  })

  it('and its door goes on all the while', doorWorks)
})

const uplinkAddress = () =>
  docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', whole.names('a').uplink)

describe('the outside face', () => {
  /** All ports at once: a bridge that drops answers nothing at all. */
  const SCAN = (host: string) => `
import socket, select, time
waiting, found = {}, []
for port in list(range(1, 2000)) + [3128, 8000, 8080, 9099, 9100, 9229, 9418]:
    s = socket.socket(); s.setblocking(False); s.connect_ex(('${host}', port)); waiting[s.fileno()] = (s, port)
poll = select.poll()
for fd in waiting: poll.register(fd, select.POLLOUT)
end = time.time() + 2
while time.time() < end and waiting:
    for fd, _ in poll.poll(100):
        s, port = waiting.pop(fd); poll.unregister(fd)
        if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: found.append(port)
print(found)`
  const scan = (network: string, address: string) =>
    dockerAsync(
      'run',
      '--rm',
      '--network',
      network,
      '--entrypoint',
      '/usr/bin/python3',
      baseImage().tag,
      '-c',
      SCAN(address),
    )
  const listeners = async (name: string) => {
    const table = await dockerAsync(
      'exec',
      name,
      '/bin/sh',
      '-c',
      'cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp 2>/dev/null',
    )
    // 0B00007F is 127.0.0.11, the engine's own resolver.
    return table.split('\n').filter((line) => / (0A|07) /.test(line) && !line.includes(': 0B00007F:'))
  }

  it('[NET-18] [NET-06] a neighbour on the uplink’s network finds no open port, and no socket of a sidecar has two faces', async () => {
    const { uplink, bundle } = whole.names('a')
    expect(await scan('bridge', up.address), 'control: a listener is found').toBe('[80, 443]')
    expect(await scan(uplink, uplinkAddress())).toBe('[]')
    expect(await listeners(uplink)).toEqual([])
    for (const line of await listeners(bundle)) expect(line, 'loopback only').toMatch(/: 0[12]00007F:/)
  })

  it('[NET-07] no namespace of a bottle routes loopback addresses from outside', async () => {
    for (const name of [whole.names('a').uplink, whole.names('a').agent]) {
      const found = await dockerAsync(
        'exec',
        '-u',
        '1:1',
        name,
        '/bin/sh',
        '-c',
        'cat /proc/sys/net/ipv4/conf/lo/route_localnet /proc/sys/net/ipv4/conf/all/route_localnet /proc/sys/net/ipv4/ip_forward',
      )
      expect(found.split('\n'), name).toEqual(['0', '0', '0'])
    }
  })
})

describe('through the door', () => {
  const LOCAL = [
    'localhost',
    'x.localhost',
    'egress',
    'git-gate',
    'allowed',
    'printer.local',
    'db.internal',
    'metadata.google.internal',
  ]

  async function answersOf(authorities: readonly string[]): Promise<Record<string, string>> {
    return subject.inside<Record<string, string>>(`
def through(authority, line):
    def work():
        s = socket.create_connection(('127.0.0.1', 909), 3); s.settimeout(3)
        s.sendall((line % (authority, authority)).encode())
        return s.recv(200).decode('latin1').split(' ')[1]
    return attempt(work)
print(json.dumps({form + ' ' + a: through(a, line) for a in ${JSON.stringify(authorities)} for form, line in [('CONNECT', 'CONNECT %s:443 HTTP/1.1\\r\\nHost: %s:443\\r\\n\\r\\n'), ('GET', 'GET http://%s/ HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n')]}))`)
  }

  it('neighbours, gateways and sidecars are refused before any question (NET-19)', async () => {
    up.connections()
    const gateway = docker(
      'network',
      'inspect',
      whole.names('a').uplink,
      '-f',
      '{{(index .IPAM.Config 0).Gateway}}',
    )
    const answers = await answersOf([
      uplinkAddress(),
      gateway,
      up.address,
      '127.0.0.1',
      '127.0.0.2',
      whole.names('a').bundle.replaceAll('_', '-'),
    ])
    for (const [attempt, status] of Object.entries(answers))
      expect([attempt, status]).toEqual([attempt, expect.stringMatching(/^40[03]$/)])
    expect(up.asked()).toEqual([])
    expect(up.connections()).toBe(0)
    await doorWorks()
  })

  it('local names and single labels are refused before any question (DNS-06, DNS-07)', async () => {
    const answers = await answersOf(LOCAL)
    for (const [attempt, status] of Object.entries(answers))
      expect([attempt, status]).toEqual([attempt, expect.stringMatching(/^40[03]$/)])
    expect(up.asked()).toEqual([])
    await doorWorks()
  })

  it('exactly the doors of the enabled daemons answer (NET-15)', async () => {
    const open = await subject.inside<string[]>(`
found = []
for host in ['127.0.0.1', '127.0.0.2', '127.1.2.3']:
    for port in range(1, 65536) if host == '127.0.0.1' else list(range(1, 1100)):
        s = socket.socket(); s.settimeout(0.5)
        # A port that meets itself is no listener.
        if s.connect_ex((host, port)) == 0 and s.getsockname() != s.getpeername(): found.append('%s:%d' % (host, port))
        s.close()
print(json.dumps(found))`)
    expect(open).toEqual(['127.0.0.1:909', '127.0.0.2:53', '127.0.0.2:80', '127.0.0.2:443'])
  })
})

describe('without its sidecar', () => {
  it('everything fails closed, and comes back with the same policy (NET-22)', async () => {
    docker('kill', whole.names('a').bundle)
    await networkCases[0]!.run(subject)
    await containerCases.find(({ ids }) => ids.includes('NET-22'))!.run(subject)
    expect(
      await subject.inside(`print(json.dumps([connect('127.0.0.1', 909), connect('127.0.0.2', 443)]))`),
    ).toEqual(['ECONNREFUSED', 'ECONNREFUSED'])
    const { code } = await whole.run(['diff'])
    expect(code, 'diff sees it').toBe(1)
    await whole.apply()
    await doorWorks()
    const { err } = await whole.exec('a', 'curl', '-sS', '--max-time', '10', 'https://denied.test/')
    expect(err).toMatch(/403/)
    expect(up.asked()).toEqual([])
  })
})
