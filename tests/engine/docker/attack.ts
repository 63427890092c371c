/** Attempts as small Python programs, and receivers on the host that record who came: the receiver's word counts, not the client's. */
import { createServer, type Server, type Socket } from 'node:net'
import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'

export interface Canary {
  readonly port: number
  /** Addresses of this host that a bottle could try. */
  readonly addresses: readonly string[]
  /** One entry per connection or datagram since the last call. */
  arrivals(): readonly string[]
  close(): Promise<void>
}

/** A TCP and a UDP listener of one port on all addresses of the host. */
export async function openCanary(): Promise<Canary> {
  let seen: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    seen.push(`tcp ${socket.remoteAddress}`)
    socket.on('error', () => {}).end('canary')
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const bound = server.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  const udp = createSocket('udp4', (message, from) => void seen.push(`udp ${from.address} ${message.length}`))
  await new Promise<void>((resolve) => udp.bind(port, '0.0.0.0', resolve))
  return {
    port,
    addresses: Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address),
    ),
    arrivals() {
      const arrived = seen
      seen = []
      return arrived
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await new Promise<void>((resolve) => udp.close(resolve))
    },
  }
}

/** Prints one JSON value; exceptions become `ERRNO name`. */
export function python(body: string): readonly string[] {
  const program = `
import socket, json, os, ctypes, errno, sys, time, mmap, subprocess
def attempt(work):
    try:
        return work()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno)) if e.errno else type(e).__name__
    except Exception as e:
        return type(e).__name__
def connect(host, port, timeout=2):
    def work():
        with socket.create_connection((host, port), timeout) as s:
            return 'CONNECTED'
    return attempt(work)
def send(host, port):
    def work():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(b'x', (host, port))
        return 'SENT'
    return attempt(work)
def opened(family, kind, protocol=0):
    def work():
        socket.socket(family, kind, protocol).close()
        return 'OPENED'
    return attempt(work)
libc = ctypes.CDLL(None, use_errno=True)
def syscall(number, *args):
    result = libc.syscall(number, *args)
    return 'OK' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))
def bind(host, port, kind=socket.SOCK_STREAM, reuse=False):
    def work():
        s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, kind)
        if reuse:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((host, port))
        if kind == socket.SOCK_STREAM: s.listen()
        s.close()
        return 'BOUND'
    return attempt(work)
def child(code):
    r = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    return r.stdout.strip() if r.returncode == 0 else 'signal %d' % -r.returncode if r.returncode < 0 else 'exit %d %s' % (r.returncode, r.stderr[-200:])
def write(path, text='1'):
    def work():
        with open(path, 'w') as f: f.write(text)
        return 'WRITTEN'
    return attempt(work)
def read(path):
    def work():
        with open(path, 'rb') as f: return len(f.read(4096))
    return attempt(work)
${body}
`
  return ['/usr/bin/python3', '-c', program]
}

/** getpid by \`int 0x80\`: the 32-bit door beside a 64-bit argument filter. */
export const INT80 = String.raw`
import mmap, ctypes
code = b'\xb8\x14\x00\x00\x00\xcd\x80\xc3'
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print('pid' if call() > 0 else 'refused')
`
