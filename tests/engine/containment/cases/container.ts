/** Group I of containment.md: what the container itself has to withstand. */
import { readlinkSync } from 'node:fs'
import { expect } from 'vitest'
import { INT80 } from '../../docker/attack.ts'
import { docker } from '../../docker/stack.ts'
import { USERS } from './case.ts'
import type { Case } from './case.ts'

/** Opens without writing: with the control off the file is the machine's own. */
const OPENS = `
def opens(path):
    return attempt(lambda: os.close(os.open(path, os.O_WRONLY)) or 'OPENED')
`

export const containerCases: readonly Case[] = [
  {
    ids: ['HST-01'],
    title: 'no way in gives a capability, new privileges or no filter',
    controls: ['cap-drop', 'no-new-privileges', 'seccomp'],
    async run({ inside }) {
      const status = `dict((l.split(':')[0], l.split(':')[1].strip()) for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNewPrivs', 'Seccomp:')))`
      const none = '0000000000000000'
      const wanted = {
        CapEff: none,
        CapPrm: none,
        CapInh: none,
        CapBnd: none,
        CapAmb: none,
        NoNewPrivs: '1',
        Seccomp: '2',
      }
      for (const user of USERS) {
        expect(await inside(`print(json.dumps(${status}))`, user), user).toMatchObject(wanted)
        expect(
          JSON.parse(
            await inside<string>(
              `print(json.dumps(child("import json; print(json.dumps(${status}))")))`,
              user,
            ),
          ),
        ).toMatchObject(wanted)
      }
    },
  },
  {
    ids: ['HST-02'],
    title: 'a setuid program gains nothing',
    controls: ['no-new-privileges'],
    async run({ inside }) {
      // su waits for a password on its input; meanwhile its status tells its effective user.
      const found = await inside(`
p = subprocess.Popen(['/usr/bin/su', '-c', 'id'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
end = time.time() + 5
while time.time() < end:
    try:
        # First the command line: it is there once the program has its user; a status read before could be that of the fork.
        exe = open('/proc/%d/cmdline' % p.pid).read()
        status = open('/proc/%d/status' % p.pid).read()
    except OSError: break
    if exe.startswith('/usr/bin/su') and 'Uid' in status: break
uids = [l.split()[1:] for l in status.splitlines() if l.startswith('Uid')][0]
p.kill()
print(json.dumps({'setuid': bool(os.stat('/usr/bin/su').st_mode & 0o4000), 'uids': sorted(set(uids)), 'mount': subprocess.run(['mount', '-t', 'tmpfs', 'x', '/mnt'], capture_output=True).returncode != 0}))`)
      expect(found).toEqual({ setuid: true, uids: ['1000'], mount: true })
    },
  },
  {
    ids: ['HST-03'],
    title: 'no socket of an engine, agent or desktop is there',
    controls: ['own-mounts'],
    async run({ inside }) {
      expect(
        await inside(`
names = ['docker.sock', 'containerd.sock', 'podman.sock', 'buildkitd.sock', 'S.gpg-agent', 'system_bus_socket', 'crio.sock']
found = []
for root in ['/run', '/var/run', '/tmp', '/home', '/workspace']:
    for folder, _, files in os.walk(root): found += [os.path.join(folder, f) for f in files if f in names or f.startswith('agent.')]
print(json.dumps({'sockets': found, 'variables': [n for n in os.environ if n in ('DOCKER_HOST', 'SSH_AUTH_SOCK', 'DISPLAY', 'WAYLAND_DISPLAY', 'DBUS_SESSION_BUS_ADDRESS', 'GPG_AGENT_INFO')]}))`),
      ).toEqual({ sockets: [], variables: [] })
    },
  },
  {
    ids: ['HST-05'],
    title: 'the kernel’s switches and secrets are closed',
    controls: ['readonly-paths', 'masked-paths'],
    async run({ inside }) {
      for (const user of USERS) {
        const found = await inside<{ opens: string[]; reads: (number | string)[]; root: string[] }>(
          `${OPENS}\nprint(json.dumps({'opens': [opens(p) for p in ['/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/irq/default_smp_affinity']],
            'reads': [read(p) for p in ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/kallsyms', '/proc/modules', '/proc/sched_debug']],
            'release': [p for p in ['/sys/fs/cgroup/release_agent', '/sys/fs/cgroup/memory/release_agent'] if opens(p) == 'OPENED'], 'root': attempt(lambda: os.listdir('/proc/1/root')) if os.getuid() not in (0, 1000) else 'EACCES'}))`,
          user,
        )
        for (const result of found.opens) expect(result).toMatch(/^(EROFS|EACCES|EPERM|ENOENT)$/)
        for (const result of found.reads) expect(result).toBeOneOf([0, 'ENOENT', 'EACCES', 'EPERM'])
        expect(found).toMatchObject({ release: [], root: 'EACCES' })
      }
    },
  },
  {
    ids: ['HST-06'],
    title: 'only its own processes are there, and no namespace of the host',
    controls: ['pid-namespace'],
    async run({ inside, names }) {
      const found = await inside<{ init: string; kinds: Record<string, string>; enter: boolean }>(
        `print(json.dumps({'init': open('/proc/1/cmdline').read().split(chr(0))[0], 'kinds': {n: os.readlink('/proc/self/ns/' + n) for n in ['pid', 'mnt', 'net', 'ipc', 'uts']},
          'enter': subprocess.run(['nsenter', '-t', '1', '-m', 'true'], capture_output=True).returncode != 0}))`,
      )
      expect(found).toMatchObject({ enter: true })
      expect(found.init).not.toMatch(/systemd|\/sbin\/init|dockerd/)
      for (const [kind, inode] of Object.entries(found.kinds))
        expect(inode, kind).not.toBe(readlinkSync(`/proc/self/ns/${kind}`))
      expect(
        docker('inspect', '-f', '{{.HostConfig.UsernsMode}} {{.HostConfig.Privileged}}', names.agent),
      ).toBe('false')
    },
  },
  {
    ids: ['HST-07'],
    title: 'system calls that open a way out are refused, in every ABI',
    controls: ['seccomp'],
    async run({ inside }) {
      const found = await inside<Record<string, string>>(
        `print(json.dumps({
      'io_uring': syscall(425, 8, ctypes.create_string_buffer(256)), 'unshare': syscall(272, 0x10000000), 'setns': syscall(308, 0, 0), 'mount': syscall(165, b'none', b'/mnt', b'tmpfs', 0, 0),
      'umount': syscall(166, b'/tmp', 0), 'bpf': syscall(321, 0, 0, 0), 'perf': syscall(298, 0, 0, 0, 0, 0), 'keyctl': syscall(250, 0, 0, 0), 'userfaultfd': syscall(323, 0), 'handle': syscall(304, 0, 0, 0),
      'kexec': syscall(246, 0, 0, 0, 0), 'pivot': syscall(155, b'/', b'/'), 'clone3': syscall(435, 0, 0), 'ptrace': syscall(101, 16, 1, 0, 0), 'x32': child('import ctypes; print(ctypes.CDLL(None).syscall(0x40000000 + 39))'), 'int80': child(${JSON.stringify(INT80)})}))`,
        '20008:20008',
      )
      const { clone3, x32, int80, ...others } = found
      expect(new Set(Object.values(others))).toEqual(new Set(['EPERM']))
      expect(clone3).toBe('ENOSYS')
      expect(x32).toMatch(/^(signal 31|-1)$/)
      expect(int80).toBe('signal 31')
    },
  },
  {
    ids: ['NET-21'],
    title: 'what runs first is our init, and nothing of the image',
    controls: ['idle-init'],
    async run({ inside }) {
      const found = await inside<{ init: string; others: string[] }>(
        `print(json.dumps({'init': open('/proc/1/cmdline').read().split(chr(0))[0], 'others': [open('/proc/%s/cmdline' % p).read().split(chr(0))[0] for p in os.listdir('/proc') if p.isdigit() and p != '1' and int(p) != os.getpid()]}))`,
      )
      expect(found).toEqual({ init: '/.bb/guest', others: [] })
    },
  },
  {
    ids: ['NET-22'],
    title: 'no door can be claimed, by any user, with or without its bundle',
    controls: ['low-ports'],
    async run({ inside }) {
      for (const user of USERS) {
        const found = await inside<string[]>(
          `print(json.dumps([bind(h, p, reuse=r) for h in ['127.0.0.1', '127.0.0.2', '0.0.0.0'] for p in [909, 910, 941, 80, 443, 53] for r in [False, True]] + [bind('127.0.0.2', 53, socket.SOCK_DGRAM), bind('127.0.0.1', 9099)]))`,
          user,
        )
        expect(found.pop(), 'control: an ordinary port').toBe('BOUND')
        expect(new Set(found)).toEqual(new Set(['EACCES']))
      }
    },
  },
  {
    ids: ['ISO-11'],
    title: 'the engine starts nothing again by itself',
    controls: ['restart-never'],
    async run({ names }) {
      for (const name of [names.agent, names.holder])
        expect(docker('inspect', '-f', '{{.HostConfig.RestartPolicy.Name}}', name)).toBe('no')
    },
  },
  {
    ids: ['HST-09'],
    title: 'a fork bomb, memory, files, /tmp and /dev/shm end at their limits',
    controls: ['pids-limit', 'memory-limit', 'file-limit', 'tmp-size', 'shm-size'],
    async run({ inside }) {
      const forks = await inside<number>(`
pids = []
def bomb():
    for i in range(400):
        pid = os.fork()
        if pid == 0:
            time.sleep(30); os._exit(0)
        pids.append(pid)
attempt(bomb)
print(json.dumps(len(pids)))
sys.stdout.flush()
for p in pids: os.kill(p, 9)
for p in pids: os.waitpid(p, 0)`)
      expect(forks).toBeLessThan(256)
      const hog = 'x = []\nfor i in range(90): x.append(bytearray(8 << 20))\nprint(len(x))'
      expect(await inside(`print(json.dumps(child(${JSON.stringify(hog)})))`), 'memory').toBe(
        'signal -9'.replace('-', ''),
      )
      const files = (): Promise<readonly [limits: readonly number[], end: string]> =>
        inside(`
import resource
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
held = []
def more():
    for i in range(6000): held.append(os.open('/dev/null', os.O_RDONLY))
    return 'ALL'
print(json.dumps([limits, attempt(more)]))`)
      // A runc that Go 1.19 or newer built loses this limit once in thousands of programs (opencontainers/runc#4195).
      let found = await files()
      for (let again = 0; again < 3 && found[1] === 'ALL'; again++) found = await files()
      expect(found).toEqual([[4096, 16384], 'EMFILE'])
      const full = (path: string, mib: number) => `
def fill():
    with open('${path}', 'wb') as f:
        f.truncate(0); os.posix_fallocate(f.fileno(), 0, ${mib} << 20)
    return 'FILLED'
r = attempt(fill)
os.path.exists('${path}') and os.remove('${path}')
print(json.dumps(r))`
      expect(await inside(full('/dev/shm/x', 80)), '/dev/shm').toBe('ENOSPC')
      const size = await inside<number>(
        `s = os.statvfs('/tmp'); print(json.dumps(s.f_blocks * s.f_frsize >> 20))`,
      )
      expect(size, '/tmp').toBeLessThanOrEqual(512)
    },
  },
]
