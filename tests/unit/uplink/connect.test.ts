/** Happy eyeballs (RFC 8305) over real sockets: what a name leads to is tried in order, a dead address costs one stagger. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { connectFirst, connectTo } from '../../../sidecars/uplink/connect.ts'

const cleanup: (() => void)[] = []
afterEach(() => {
  for (const step of cleanup.splice(0)) step()
})

async function answering(
  address: string,
  port = 0,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  server.listen(port, address)
  await once(server, 'listening')
  cleanup.push(() => server.close())
  return { server, port: (server.address() as AddressInfo).port }
}

/** A listener that takes nothing and whose queue is full: the kernel drops every further attempt, as a dead route does. */
async function blackHole(address: string, port: number): Promise<void> {
  const program = `require('net').createServer().listen({host:'${address}',port:${port},backlog:1},()=>{console.log('up');process.kill(process.pid,'SIGSTOP')})`
  const child: ChildProcess = spawn(process.execPath, ['-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanup.push(() => void child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  let silent = false
  while (!silent) {
    const socket = connect(port, address)
    socket.on('error', () => undefined)
    cleanup.push(() => socket.destroy())
    silent = await Promise.race([
      once(socket, 'connect').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 300, true)),
    ])
  }
}

/** Each attempt as it was opened. */
function watched(): {
  readonly open: typeof connectTo
  readonly tried: { address: string; at: number; socket: Socket }[]
} {
  const tried: { address: string; at: number; socket: Socket }[] = []
  return {
    tried,
    open(address, port) {
      const socket = connectTo(address, port)
      tried.push({ address, at: performance.now(), socket })
      return socket
    },
  }
}

it('takes the second address a stagger later where the first says nothing, and closes the first', async () => {
  const { port } = await answering('127.0.0.3')
  await blackHole('127.0.0.2', port)
  const { open, tried } = watched()
  const connected = await connectFirst(open, ['127.0.0.2', '127.0.0.3'], port, new AbortController().signal)
  expect(connected).toMatchObject({ address: '127.0.0.3' })
  const [first, second] = tried
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(245)
  // Long before the way as a whole is given up.
  expect(performance.now() - first!.at).toBeLessThan(5000)
  expect(first!.socket.destroyed).toBe(true)
  second!.socket.destroy()
})

it('takes the second at once where the first refuses', async () => {
  const { port } = await answering('127.0.0.3')
  const { open, tried } = watched()
  const connected = await connectFirst(open, ['127.0.0.2', '127.0.0.3'], port, new AbortController().signal)
  expect(connected).toMatchObject({ address: '127.0.0.3' })
  expect(tried[1]!.at - tried[0]!.at).toBeLessThan(245)
  tried[1]!.socket.destroy()
})

it('asks nobody else where the first answers at once', async () => {
  const { port } = await answering('127.0.0.2')
  await answering('127.0.0.3', port)
  const { open, tried } = watched()
  const connected = await connectFirst(open, ['127.0.0.2', '127.0.0.3'], port, new AbortController().signal)
  expect(connected).toMatchObject({ address: '127.0.0.2' })
  expect(tried.map(({ address }) => address)).toEqual(['127.0.0.2'])
  tried[0]!.socket.destroy()
})

it('goes no further, and leaves nothing open, when nobody waits any more', async () => {
  const { port } = await answering('127.0.0.3')
  await blackHole('127.0.0.2', port)
  const { open, tried } = watched()
  const abort = new AbortController()
  const outcome = connectFirst(open, ['127.0.0.2', '127.0.0.3'], port, abort.signal)
  abort.abort()
  expect(await outcome).toMatchObject({ failed: 'connect-failed' })
  expect(tried.map(({ address, socket }) => [address, socket.destroyed])).toEqual([['127.0.0.2', true]])
})
