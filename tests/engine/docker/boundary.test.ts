import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { INT80, openCanary, python, type Canary } from './attack.ts'
import { docker, dockerAsync, labStack, type LabStack } from './stack.ts'

let stack: LabStack
let canary: Canary

beforeAll(async () => {
  canary = await openCanary()
  stack = await labStack()
  await stack.up('a')
  await stack.configureEgress('a')
  await stack.perform('guest/a' as never)
})
afterAll(async () => {
  await stack?.down()
  await canary?.close()
})

async function inside<T = Record<string, unknown>>(body: string, user?: string): Promise<T> {
  const { code, out, err } = await stack.run('a', python(body), user)
  if (code !== 0) throw new Error(`exit ${code}: ${err}`)
  return JSON.parse(out) as T
}

/** The same attempts where nothing of ours holds: on the default bridge, without our profile. */
async function outside<T = Record<string, unknown>>(body: string, ...flags: readonly string[]): Promise<T> {
  return JSON.parse(
    await dockerAsync(
      'run',
      '--rm',
      '--name',
      `bb_lab_control_${process.pid}`,
      ...flags,
      '--entrypoint',
      '/usr/bin/python3',
      baseImage().tag,
      ...python(body).slice(1),
    ),
  ) as T
}

const USERS = ['1000:1000', '0:0', '20008:20008']

describe('A bottle has no network', () => {
  it.each(USERS)(
    'NET-01, NET-02, DNS-03: as %s it reaches no address of the host, on TCP or UDP',
    async (user) => {
      const tries = canary.addresses.filter((address) => !address.startsWith('127.'))
      const program = `print(json.dumps({h: [connect(h, ${canary.port}), send(h, ${canary.port}), connect(h, 53), send(h, 53)] for h in ${JSON.stringify([...tries, '1.1.1.1', '169.254.169.254', '172.17.0.1'])}}))`
      await outside(program)
      expect(canary.arrivals().length, 'control: a container with a network arrives').toBeGreaterThan(0)
      const answers = await inside<Record<string, string[]>>(program, user)
      expect(new Set(Object.values(answers).flat())).toEqual(new Set(['ENETUNREACH']))
      expect(canary.arrivals()).toEqual([])
    },
  )

  it('NET-03, P5: has no interface but lo, no route, no ::1', async () => {
    const found = await inside(`print(json.dumps({
      'links': sorted(os.listdir('/sys/class/net')),
      'v4': len(open('/proc/net/route').read().splitlines()) - 1,
      'v6': [l for l in open('/proc/net/ipv6_route').read().splitlines()] if os.path.exists('/proc/net/ipv6_route') else [],
      'if6': open('/proc/net/if_inet6').read() if os.path.exists('/proc/net/if_inet6') else '',
      'six': bind('::1', 9099)}))`)
    expect(found).toMatchObject({ links: ['lo'], v4: 0, if6: '', six: 'EADDRNOTAVAIL' })
  })

  it('NET-09: knows no name of the host', async () => {
    const found = await inside(
      `print(json.dumps({n: attempt(lambda: socket.gethostbyname(n)) for n in ['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal']} | {'hosts': open('/etc/hosts').read(), 'resolv': open('/etc/resolv.conf').read()}))`,
    )
    expect(found['host.docker.internal']).toMatch(/gaierror|EAI|herror|-2|-3/)
    expect(String(found['hosts'])).not.toMatch(/docker|gateway|host\.containers/)
    expect(String(found['resolv'])).toMatch(/^nameserver 127\.0\.0\.2$/m)
  })

  it.each(USERS)(
    'NET-05, NET-10, NET-13, NET-14, P10, P11: as %s it can make no raw packet, address, route or setting',
    async (user) => {
      const found = await inside(
        `print(json.dumps({
      'packet': opened(17, socket.SOCK_RAW), 'raw': opened(socket.AF_INET, socket.SOCK_RAW, 1), 'ping': opened(socket.AF_INET, socket.SOCK_DGRAM, 1),
      'address': subprocess.run(['ip', 'addr', 'add', '10.9.9.9/24', 'dev', 'lo'], capture_output=True).returncode,
      'route': subprocess.run(['ip', 'route', 'add', 'default', 'dev', 'lo'], capture_output=True).returncode,
      'ports': write('/proc/sys/net/ipv4/ip_unprivileged_port_start', '0'), 'six': write('/proc/sys/net/ipv6/conf/all/disable_ipv6', '0'),
      'core': write('/proc/sys/kernel/core_pattern', '|/x'), 'sysrq': write('/proc/sysrq-trigger', 'b')}))`,
        user,
      )
      expect(found).toMatchObject({ packet: 'EPERM', raw: 'EPERM', ping: 'EACCES', address: 2, route: 2 })
      for (const path of ['ports', 'six', 'core', 'sysrq'])
        expect(found[path]).toMatch(/^(EROFS|EACCES|ENOENT)$/)
    },
  )

  it('NET-17, DNS-02: nothing answers where an embedded resolver or a neighbour would be', async () => {
    const found = await inside(
      `print(json.dumps([connect('127.0.0.11', 53), connect('172.17.0.2', 909), connect('172.18.0.2', 909)]))`,
    )
    expect(found).toEqual(['ECONNREFUSED', 'ENETUNREACH', 'ENETUNREACH'])
  })

  it('NET-15: exactly the doors of the enabled daemons answer', async () => {
    const open = await inside<string[]>(`
found = []
for host in ['127.0.0.1', '127.0.0.2']:
    for port in range(1, 2000):
        if connect(host, port, 0.2) == 'CONNECTED': found.append('%s:%d' % (host, port))
print(json.dumps(found))`)
    expect(open).toEqual(['127.0.0.1:909', '127.0.0.2:53', '127.0.0.2:80', '127.0.0.2:443'])
  })

  it('NET-26, P7, U7: there is no abstract socket and no uplink to find', async () => {
    const found = await inside<{ unix: string[]; uplink: boolean }>(
      `print(json.dumps({'unix': [l.split()[-1] for l in open('/proc/net/unix').read().splitlines()[1:] if '@' in l], 'uplink': os.path.exists('/uplink') or 'uplink' in open('/proc/mounts').read()}))`,
    )
    expect(found).toEqual({ unix: [], uplink: false })
  })
})

describe('The doors belong to the bundle', () => {
  it.each(USERS)('P1, P2, P4: as %s no door can be taken', async (user) => {
    const found = await inside<Record<string, string>>(
      `print(json.dumps({
      '%s:%d%s' % (h, p, ' reuse' if r else ''): bind(h, p, reuse=r) for h in ['127.0.0.1', '127.0.0.2', '127.0.0.54', '0.0.0.0'] for p in [909, 941, 910, 53, 80, 443] for r in [False, True]} | {
      'udp %s' % h: bind(h, 53, socket.SOCK_DGRAM) for h in ['127.0.0.1', '127.0.0.2', '0.0.0.0']} | {'control': bind('127.0.0.1', 9099)}))`,
      user,
    )
    expect(found['control']).toBe('BOUND')
    const others = Object.entries(found).filter(([name, result]) => name !== 'control' && result !== 'EACCES')
    expect(others).toEqual([])
  })

  it('P3, P4: a spinning agent wins no door while the bundle is restarted', async () => {
    const spin = inside<{ tries: number; won: string[] }>(`
end = time.time() + 4
won, tries = [], 0
while time.time() < end:
    for p in (909, 53, 443):
        tries += 1
        if bind('0.0.0.0', p) == 'BOUND': won.append(str(p))
print(json.dumps({'tries': tries, 'won': won}))`)
    docker('restart', '-t', '0', liveNames.bundle(stack.name, 'a'))
    const { tries, won } = await spin
    expect(won).toEqual([])
    expect(tries).toBeGreaterThan(1000)
    await stack.perform('bundle/a' as never, 'remove-then-create', 'recreate-bundle')
    await stack.configureEgress('a')
    expect(await inside(`print(json.dumps(connect('127.0.0.1', 909)))`)).toBe('CONNECTED')
  })

  it('NET-22: without the bundle everything fails closed', async () => {
    docker('kill', liveNames.bundle(stack.name, 'a'))
    const found = await inside(
      `print(json.dumps([connect('127.0.0.1', 909), connect('127.0.0.2', 443), bind('127.0.0.1', 909), connect('1.1.1.1', 443)]))`,
    )
    expect(found).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'EACCES', 'ENETUNREACH'])
    expect((await stack.observed('bundle/a' as never))[0]?.fields['running']).toBe(false)
    await stack.perform('bundle/a' as never, 'remove-then-create', 'recreate-bundle')
    await stack.configureEgress('a')
  })

  it('I2, I3: the bundle reads nothing of the files that the agent shares with it', async () => {
    const name = liveNames.bundle(stack.name, 'a')
    docker(
      'exec',
      '-u',
      '0:0',
      liveNames.agent(stack.name, 'a'),
      '/bin/sh',
      '-c',
      'echo 6.6.6.6 api.github.com localhost >> /etc/hosts',
    )
    const read = docker(
      'exec',
      name,
      '/bin/sh',
      '-c',
      'cat /etc/hosts /etc/resolv.conf /etc/hostname | wc -c',
    )
    expect(read).toBe('0')
  })

  it('I4, I5, U1: a daemon cannot be read by its own user, and the uplink is read-only', () => {
    const name = liveNames.bundle(stack.name, 'a')
    const answer = docker('exec', name, '/bb/guest', 'probe', 'bundle', '--uplink', '/uplink')
    expect(JSON.parse(answer)).toMatchObject({ ok: true })
    const pid =
      docker(
        'exec',
        name,
        '/bin/sh',
        '-c',
        'for p in /proc/[0-9]*; do case $(tr "\\0" " " < $p/cmdline) in *egress/main.blob*) echo ${p#/proc/};; esac; done',
      ).split('\n')[0] ?? ''
    const uid = docker('exec', name, '/bin/sh', '-c', `awk '/^Uid/{print $2}' /proc/${pid}/status`)
    const own = JSON.parse(
      docker(
        'exec',
        '-u',
        `${uid}:${uid}`,
        name,
        '/bb/guest',
        'probe',
        'bundle',
        '--uplink',
        '/uplink',
        '--pid',
        pid,
      ),
    ) as { ok: boolean; daemons: { cap_eff: string; cap_prm: string }[] }
    expect(own.ok).toBe(true)
    expect(own.daemons[0]).toMatchObject({
      cap_eff: expect.stringMatching(/^0+$/),
      cap_prm: expect.stringMatching(/^0+$/),
    })
  })
})

describe('System calls', () => {
  const families = `print(json.dumps({'vsock': opened(40, socket.SOCK_STREAM), 'alg': opened(38, socket.SOCK_SEQPACKET), 'packet': opened(17, socket.SOCK_RAW), 'bluetooth': opened(31, socket.SOCK_RAW), 'tipc': opened(30, socket.SOCK_STREAM), 'unix': opened(1, socket.SOCK_STREAM), 'inet': opened(2, socket.SOCK_STREAM), 'netlink': opened(16, socket.SOCK_RAW)}))`

  it.each(USERS)('S3, S7, NET-25: as %s only four socket families open', async (user) => {
    expect(await inside(families, user)).toEqual({
      vsock: 'EPERM',
      alg: 'EPERM',
      packet: 'EPERM',
      bluetooth: 'EPERM',
      tipc: 'EPERM',
      unix: 'OPENED',
      inet: 'OPENED',
      netlink: 'OPENED',
    })
    expect(
      await outside(families, '--network', 'none', '--security-opt', 'seccomp=unconfined'),
      'control: without our profile',
    ).toMatchObject({ vsock: 'OPENED' })
  })

  it('S4, S6: int 0x80 ends the program', async () => {
    const program = `print(json.dumps(child(${JSON.stringify(INT80)})))`
    expect(
      await outside(program, '--security-opt', 'seccomp=unconfined'),
      'control: without our profile',
    ).toBe('pid')
    expect(await inside(program)).toBe('signal 31')
  })

  it('S1, S2, S5, HST-07: namespaces, mounts, io_uring and the rest are refused', async () => {
    const program = `print(json.dumps({
      'io_uring': syscall(425, 8, ctypes.create_string_buffer(256)), 'unshare': syscall(272, 0x10000000), 'setns': syscall(308, 0, 0), 'mount': syscall(165, b'none', b'/mnt', b'tmpfs', 0, 0),
      'bpf': syscall(321, 0, 0, 0), 'perf': syscall(298, 0, 0, 0, 0, 0), 'keyctl': syscall(250, 0, 0, 0), 'userfaultfd': syscall(323, 0), 'handle': syscall(304, 0, 0, 0), 'kexec': syscall(246, 0, 0, 0, 0),
      'clone3': syscall(435, 0, 0), 'pivot': syscall(155, b'/', b'/'), 'x32': child('import ctypes; print(ctypes.CDLL(None).syscall(0x40000000 + 39))')}))`
    const found = await inside<Record<string, string>>(program)
    const { clone3, x32, ...others } = found
    expect(new Set(Object.values(others))).toEqual(new Set(['EPERM']))
    expect(clone3).toBe('ENOSYS')
    expect(x32).toMatch(/^(signal 31|-1)$/)
    expect(
      await outside(
        `print(json.dumps(syscall(425, 8, ctypes.create_string_buffer(256))))`,
        '--security-opt',
        'seccomp=unconfined',
      ),
      'control',
    ).not.toBe('EPERM')
  })

  it('S6: node, git, python and curl run under the profile', async () => {
    const run = async (...argv: string[]) => (await stack.run('a', argv)).code
    expect(
      await run(
        '/usr/local/bin/node',
        '-e',
        "require('child_process').execFileSync('git',['init','-q','/tmp/r']);new Worker('')",
      ),
    ).not.toBe(139)
    expect(
      await run(
        '/usr/local/bin/node',
        '-e',
        "const {Worker}=require('worker_threads');new Worker('process.exit(0)',{eval:true})",
      ),
    ).toBe(0)
    expect(
      await run(
        '/bin/sh',
        '-c',
        'cd /tmp && rm -rf r && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git gc -q',
      ),
    ).toBe(0)
    expect(
      await run(
        '/usr/bin/python3',
        '-c',
        'import ssl, threading, subprocess; subprocess.check_call(["true"])',
      ),
    ).toBe(0)
    expect(await run('/usr/bin/curl', '--version')).toBe(0)
  })
})

describe('The container', () => {
  it('HST-01: no path in gets a capability, new privileges or no filter', async () => {
    const status = `print(json.dumps({l.split(':')[0]: l.split(':')[1].strip() for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNewPrivs', 'Seccomp:'))}))`
    for (const user of USERS) {
      const found = await inside(status, user)
      expect(found, user).toMatchObject({
        CapEff: '0000000000000000',
        CapPrm: '0000000000000000',
        CapInh: '0000000000000000',
        CapBnd: '0000000000000000',
        CapAmb: '0000000000000000',
        NoNewPrivs: '1',
        Seccomp: '2',
      })
    }
  })

  it('HST-03, HST-05, HST-06: no engine socket, no secrets of the kernel, only its own processes', async () => {
    const found = await inside<Record<string, unknown>>(`print(json.dumps({
      'sockets': [p for p in ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'] if os.path.exists(p)],
      'variables': [n for n in os.environ if n in ('DOCKER_HOST', 'SSH_AUTH_SOCK', 'DISPLAY', 'DBUS_SESSION_BUS_ADDRESS')],
      'kcore': read('/proc/kcore'), 'keys': read('/proc/keys'), 'timers': read('/proc/timer_list'), 'modules': read('/proc/modules'),
      'processes': len([p for p in os.listdir('/proc') if p.isdigit()]), 'init': open('/proc/1/cmdline').read().split(chr(0))[0]}))`)
    expect(found).toMatchObject({ sockets: [], variables: [], init: '/.bb/guest' })
    for (const file of ['kcore', 'keys', 'timers', 'modules'])
      expect(found[file], file).toBeOneOf([0, 'ENOENT', 'EACCES', 'EPERM'])
    expect(found['processes']).toBeLessThan(5)
  })

  it('HST-09: a fork bomb, a full /tmp and a full /dev/shm end at their limits, and the door goes on', async () => {
    const found = await inside<{ forks: number; tmp: string; shm: string; door: string }>(`
import threading
pids = []
def bomb():
    for i in range(2000):
        pid = os.fork()
        if pid == 0:
            time.sleep(30); os._exit(0)
        pids.append(pid)
r = attempt(bomb)
def fill(path):
    with open(path, 'wb') as f:
        for i in range(700): f.write(b'x' * (1 << 20))
    return 'FILLED'
shm = attempt(lambda: fill('/dev/shm/x'))
os.path.exists('/dev/shm/x') and os.remove('/dev/shm/x')
print(json.dumps({'forks': len(pids), 'how': r, 'shm': shm, 'door': connect('127.0.0.1', 909)}))
for p in pids: os.kill(p, 9)`)
    expect(found.forks).toBeLessThan(256)
    expect(found.shm).toBe('ENOSPC')
    expect(found.door).toBe('CONNECTED')
  })
})
