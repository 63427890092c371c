/** Groups A and B of containment.md, as far as the agent's side decides them. */
import { expect } from 'vitest'
import { USERS } from './case.ts'
import type { Case, Subject } from './case.ts'

const refusals = (answers: Record<string, unknown>): unknown[] => [...new Set(Object.values(answers).flat())]

/** An attempt at every address of the host and some beyond it; only `ENETUNREACH` may come back and nobody may arrive. */
async function reachesNobody(
  { inside, outside, canary }: Subject,
  attempt: (port: number) => string,
): Promise<void> {
  const hosts = canary.addresses.filter((address) => !address.startsWith('127.'))
  const program = `print(json.dumps({h: [${attempt(canary.port)}] for h in ${JSON.stringify([...hosts, '1.1.1.1', '169.254.169.254'])}}))`
  canary.arrivals()
  await outside(program)
  await expect
    .poll(() => canary.arrivals().length, { message: 'control: a container with a network arrives' })
    .toBeGreaterThan(0)
  for (const user of USERS) {
    const started = performance.now()
    expect(refusals(await inside(program, user))).toEqual(['ENETUNREACH'])
    expect(performance.now() - started, 'a refusal is quick').toBeLessThan(3000)
  }
  expect(canary.arrivals()).toEqual([])
}

const DNS = `
def ask(host, name, kind, tcp=False, port=53):
    q = os.urandom(2) + b'\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00' + b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\x00' + kind.to_bytes(2, 'big') + b'\\x00\\x01'
    def work():
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        s.settimeout(1.5); s.connect((host, port))
        s.send((len(q).to_bytes(2, 'big') + q) if tcp else q)
        return 'ANSWER' if s.recv(512) else 'CLOSED'
    return attempt(work)
`

export const networkCases: readonly Case[] = [
  {
    ids: ['NET-01'],
    title: 'no connection of its own reaches anybody',
    controls: ['no-network'],
    run: (bottle) => reachesNobody(bottle, (port) => `connect(h, ${port}, 0.5), connect(h, 443, 0.5)`),
  },
  {
    ids: ['NET-02'],
    title: 'no datagram, echo request or SCTP leaves',
    controls: ['no-network', 'ping-closed'],
    async run(bottle) {
      await reachesNobody(bottle, (port) => `send(h, ${port}), send(h, 53), send(h, 123), send(h, 443)`)
      const program = `print(json.dumps([opened(socket.AF_INET, socket.SOCK_DGRAM, 1), opened(socket.AF_INET, socket.SOCK_SEQPACKET, 132)]))`
      const [ping, sctp] = await bottle.inside<string[]>(program)
      expect(ping).toBe('EACCES')
      expect(sctp).not.toBe('OPENED')
    },
  },
  {
    ids: ['NET-03'],
    title: 'there is no interface but lo and no route',
    controls: ['no-network'],
    async run({ inside, outside }) {
      const program = `print(json.dumps({'links': sorted(os.listdir('/sys/class/net')), 'v4': len(open('/proc/net/route').read().splitlines()) - 1,
        'v6': [l for l in (open('/proc/net/ipv6_route').read().splitlines() if os.path.exists('/proc/net/ipv6_route') else []) if not l.rstrip().endswith(' lo')]}))`
      expect(await outside(program), 'control').not.toMatchObject({ v4: 0 })
      expect(await inside(program)).toEqual({ links: ['lo'], v4: 0, v6: [] })
    },
  },
  {
    ids: ['NET-05', 'NET-10'],
    title: 'no raw packet can be made, by any user',
    controls: ['cap-drop'],
    async run({ inside, outside }) {
      const program = `print(json.dumps([opened(17, socket.SOCK_RAW), opened(socket.AF_INET, socket.SOCK_RAW, 1), opened(socket.AF_INET, socket.SOCK_RAW, 255)]))`
      expect(await outside(program, '0:0'), 'control').toEqual(['OPENED', 'OPENED', 'OPENED'])
      for (const user of USERS) expect(await inside(program, user)).toEqual(['EPERM', 'EPERM', 'EPERM'])
    },
  },
  {
    ids: ['NET-09'],
    title: 'no name leads to the host',
    controls: ['no-host-entries'],
    async run({ inside }) {
      const found = await inside<{ names: string[]; hosts: string }>(
        `print(json.dumps({'names': [attempt(lambda: socket.gethostbyname(n)) for n in ['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal']], 'hosts': open('/etc/hosts').read()}))`,
      )
      for (const name of found.names) expect(name).toMatch(/gaierror|^-|EAI/)
      expect(found.hosts).not.toMatch(/docker|gateway|host\.containers/)
    },
  },
  {
    ids: ['NET-11'],
    title: 'IPv6 is off and stays off',
    controls: ['ipv6-off'],
    async run({ inside }) {
      for (const user of USERS) {
        const found = await inside(
          `print(json.dumps({'one': bind('::1', 9099), 'any': open('/proc/net/if_inet6').read() if os.path.exists('/proc/net/if_inet6') else '', 'set': write('/proc/sys/net/ipv6/conf/all/disable_ipv6', '0')}))`,
          user,
        )
        expect(found).toMatchObject({ one: 'EADDRNOTAVAIL', any: '' })
        expect(found['set']).toMatch(/^(EROFS|EACCES|ENOENT)$/)
      }
    },
  },
  {
    ids: ['NET-13', 'NET-14'],
    title: 'addresses, routes, filters and network settings cannot be changed',
    controls: ['cap-drop', 'readonly-paths'],
    async run({ inside }) {
      for (const user of USERS) {
        const found = await inside<Record<string, unknown>>(
          `print(json.dumps({'address': subprocess.run(['ip', 'addr', 'add', '10.9.9.9/24', 'dev', 'lo'], capture_output=True).returncode,
            'route': subprocess.run(['ip', 'route', 'add', '10.8.0.0/16', 'dev', 'lo'], capture_output=True).returncode,
            'link': subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', '1400'], capture_output=True).returncode,
            'opens': [attempt(lambda: os.close(os.open('/proc/sys/net/ipv4/' + n, os.O_WRONLY))) for n in ['ip_unprivileged_port_start', 'ip_forward', 'ping_group_range']]}))`,
          user,
        )
        expect(found).toMatchObject({ address: 2, route: 2, link: 2 })
        for (const opened of found['opens'] as (string | null)[])
          expect(opened).toMatch(/^(EROFS|EACCES|EPERM)$/)
      }
    },
  },
  {
    ids: ['NET-17', 'DNS-10'],
    title: 'no neighbour answers and none can be found by name',
    controls: ['no-network'],
    async run({ inside }) {
      const found = await inside<string[]>(
        `${DNS}\nprint(json.dumps([connect(h, p, 0.3) for h in ['172.17.0.2', '172.18.0.2', '172.19.0.1'] for p in [22, 80, 909]]))`,
      )
      expect(new Set(found)).toEqual(new Set(['ENETUNREACH']))
      const names = await inside<string[]>(
        `print(json.dumps([attempt(lambda: socket.gethostbyname(n)) for n in ['bb_other_a_agent', 'uplink', 'egress', 'git-gate']] + [attempt(lambda: socket.gethostbyaddr('172.17.0.2'))]))`,
      )
      for (const name of names) expect(name, 'an error, never an address').not.toMatch(/\d+\.\d+/)
    },
  },
  {
    ids: ['NET-25'],
    title: 'only four socket families open, by any user',
    controls: ['seccomp'],
    async run({ inside, outside }) {
      const program = `print(json.dumps([opened(f, k) for f, k in [(40, 1), (38, 5), (17, 3), (31, 3), (30, 1), (44, 3)]] + [syscall(425, 8, ctypes.create_string_buffer(256))]))`
      expect((await outside<string[]>(program, '0:0'))[0], 'control: AF_VSOCK').toBe('OPENED')
      for (const user of USERS)
        expect(new Set(await inside<string[]>(program, user))).toEqual(new Set(['EPERM']))
    },
  },
  {
    ids: ['NET-26'],
    title: 'there is no abstract socket but its own',
    controls: [],
    async run({ inside }) {
      expect(
        await inside(
          `s = socket.socket(socket.AF_UNIX); s.bind(chr(0) + 'own'); print(json.dumps([l.split()[-1] for l in open('/proc/net/unix').read().splitlines()[1:] if '@' in l]))`,
        ),
      ).toEqual(['@own'])
    },
  },
  {
    ids: ['DNS-01', 'DNS-02'],
    title: 'no embedded resolver answers, whatever resolv.conf says',
    controls: ['no-network', 'own-resolver'],
    async run({ inside }) {
      const program = `${DNS}
r = attempt(lambda: open('/etc/resolv.conf', 'w').write('nameserver 127.0.0.11\\n'))
print(json.dumps([ask('127.0.0.11', 'leak' + n + '.leak.test', k, t) for n in ['', 'x' * 59] for k in [1, 28, 16, 255] for t in [False, True]]))`
      const kept = await inside<string>(`print(json.dumps(open('/etc/resolv.conf').read()))`)
      expect(kept.match(/^nameserver .*$/gm)).toEqual(['nameserver 127.0.0.2'])
      for (const user of ['1000:1000', '0:0'])
        expect(new Set(await inside<string[]>(program, user))).toEqual(new Set(['ECONNREFUSED']))
      await inside(`open('/etc/resolv.conf', 'w').write(${JSON.stringify(kept)}); print('{}')`, '0:0')
    },
  },
  {
    ids: ['DNS-03'],
    title: 'no question reaches a resolver elsewhere, on 53, 853 or by HTTPS',
    controls: ['no-network'],
    async run(bottle) {
      await reachesNobody(
        bottle,
        (port) =>
          `send(h, ${port}), connect(h, 53, 0.5), connect(h, 853, 0.5), send(h, 53), connect(h, 443, 0.5)`,
      )
    },
  },
]
