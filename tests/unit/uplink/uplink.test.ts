import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { NO_POLICY, target } from './cases.ts'
import { scriptedResolver } from './fixtures/dns.ts'
import { readAll, receiver, startWorld, TOKEN, type World, type WorldOptions } from './world.ts'

async function within(options: WorldOptions, test: (world: World) => Promise<void>): Promise<void> {
  const world = await startWorld(options)
  try {
    await test(world)
  } finally {
    await world.close()
  }
}

const attach = (world: World, hosts: readonly string[], bottle = 'a', token = TOKEN.a) =>
  world.ask({ op: 'attach', bottle, token, targets: hosts.map((host) => target(host)) })

describe('relaying', () => {
  it('passes large bodies both ways, and the end of one direction does not end the other', async () => {
    const upstream = await receiver()
    await within({ wires: { '10.9.0.1:443': upstream.port } }, async (world) => {
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, hosts: { 'allowed.test': '10.9.0.1' } } })
      await attach(world, ['allowed.test'])
      const { answer, socket } = await world.dial({ token: TOKEN.a, host: 'allowed.test', port: 443 })
      expect(answer).toEqual({ ok: true, address: '10.9.0.1' })
      const body = randomBytes(4 * 1024 * 1024).toString('hex')
      socket.end(body)
      expect(await readAll(socket)).toBe(body.toUpperCase())
      expect(upstream.received).toEqual([body])
    })
    upstream.close()
  })

  it('keeps bytes that came with the request and those that came with the answer', async () => {
    const upstream = await receiver('HELLO ')
    await within({ wires: { '10.9.0.1:443': upstream.port } }, async (world) => {
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, hosts: { 'allowed.test': '10.9.0.1' } } })
      await attach(world, ['allowed.test'])
      const socket = world.knock()
      socket.end(`${JSON.stringify({ token: TOKEN.a, host: 'allowed.test', port: 443 })}\nearly`)
      const said = await readAll(socket)
      expect(said.slice(said.indexOf('\n') + 1)).toBe('HELLO EARLY')
      expect(upstream.received).toEqual(['early'])
    })
    upstream.close()
  })

  it('does not read on from an upstream whose bottle does not take the bytes', async () => {
    let sent = 0
    const server = createServer((socket) => {
      const chunk = Buffer.alloc(65_536)
      const more = (): void => {
        while (sent < 256 * 1024 * 1024) {
          sent += chunk.length
          if (!socket.write(chunk)) return void socket.once('drain', more)
        }
      }
      more()
      socket.on('error', () => undefined)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    await within({ wires: { '10.9.0.1:443': (server.address() as AddressInfo).port } }, async (world) => {
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, hosts: { 'allowed.test': '10.9.0.1' } } })
      await attach(world, ['allowed.test'])
      const { socket } = await world.dial({ token: TOKEN.a, host: 'allowed.test', port: 443 })
      let before = -1
      await expect.poll(() => before === (before = sent), { interval: 200, timeout: 5000 }).toBe(true)
      expect(sent).toBeLessThan(64 * 1024 * 1024)
      socket.destroy()
    })
    server.close()
  })
})

describe('ways', () => {
  it('[DNS-06] asks for the absolute name only, and never for a single label', async () => {
    const resolver = await scriptedResolver({})
    await within({}, async (world) => {
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, dns: [resolver.server] } })
      await attach(world, ['absent.test', 'single'])
      for (const host of ['absent.test', 'single']) {
        const { answer } = await world.dial({ token: TOKEN.a, host, port: 443 })
        expect(answer).toMatchObject({ ok: false, code: 'name-unresolvable' })
      }
      expect(new Set(resolver.asked)).toEqual(new Set(['A absent.test', 'AAAA absent.test']))
    })
    resolver.close()
  })

  it('tries the next address when one does not connect', async () => {
    const resolver = await scriptedResolver({ 'two.test': ['8.8.8.8', '2606:4700:4700::1111'] })
    const upstream = await receiver()
    await within({ wires: { '2606:4700:4700::1111:443': upstream.port } }, async (world) => {
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, dns: [resolver.server] } })
      await attach(world, ['two.test'])
      const { answer, socket } = await world.dial({ token: TOKEN.a, host: 'two.test', port: 443 })
      expect(answer).toEqual({ ok: true, address: '2606:4700:4700::1111' })
      expect(world.dialled).toEqual(['8.8.8.8:443', '2606:4700:4700::1111:443'])
      socket.destroy()
    })
    upstream.close()
    resolver.close()
  })

  it('(PXY-34) a bottle whose ways all hang is refused more of them, and holds up nobody else', async () => {
    const upstream = await receiver()
    const wires = { '10.9.0.1:443': upstream.port, '10.9.0.2:443': 0 }
    await within({ wires }, async (world) => {
      const hosts = { 'allowed.test': '10.9.0.1', 'dead.test': '10.9.0.2' }
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, hosts } })
      await attach(world, ['allowed.test', 'dead.test'])
      await attach(world, ['allowed.test'], 'b', TOKEN.b)
      const hanging = Array.from({ length: 64 }, () => world.knock())
      for (const socket of hanging)
        socket.write(`${JSON.stringify({ token: TOKEN.a, host: 'dead.test', port: 443 })}\n`)
      await expect.poll(() => world.dialled.length).toBe(64)
      const refused = await world.dial({ token: TOKEN.a, host: 'dead.test', port: 443 })
      expect(refused.answer).toMatchObject({ ok: false, code: 'overload' })
      const { answer, socket } = await world.dial({ token: TOKEN.b, host: 'allowed.test', port: 443 })
      expect(answer).toEqual({ ok: true, address: '10.9.0.1' })
      socket.destroy()
      for (const waiting of hanging) waiting.destroy()
    })
    upstream.close()
  })

  it('asks a resolver once for what was asked a moment ago, and anew when its time is over', async () => {
    const resolver = await scriptedResolver({ 'short.test': ['8.8.8.8'] }, 'at once', 1)
    const upstream = await receiver()
    await within({ wires: { '8.8.8.8:443': upstream.port } }, async (world) => {
      await world.ask({ op: 'configure', policy: { ...NO_POLICY, dns: [resolver.server] } })
      await attach(world, ['short.test'])
      const dial = async () => {
        const { answer, socket } = await world.dial({ token: TOKEN.a, host: 'short.test', port: 443 })
        socket.destroy()
        return answer.ok
      }
      expect(await Promise.all(Array.from({ length: 8 }, dial))).toEqual(
        Array.from({ length: 8 }, () => true),
      )
      expect(resolver.asked).toHaveLength(2)
      await expect
        .poll(
          async () => {
            await dial()
            return resolver.asked.length
          },
          { interval: 100, timeout: 5000 },
        )
        .toBe(4)
    })
    upstream.close()
    resolver.close()
  })

  it('asks a site proxy by name, resolves nothing, and goes around it where the policy says so', async () => {
    const upstream = await receiver()
    const heads: string[] = []
    const proxy = createServer((socket: Socket) => {
      socket.once('data', (chunk: Buffer) => {
        heads.push(chunk.toString().split('\r\n')[0] ?? '')
        socket.write(
          heads.at(-1)?.includes('refused') === true
            ? 'HTTP/1.1 403 Forbidden\r\n\r\n'
            : 'HTTP/1.1 200 OK\r\n\r\nby proxy',
        )
        socket.end()
      })
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const resolver = await scriptedResolver({ 'in.corp.test': ['8.8.8.8'] })
    const wires = { '10.0.0.8:3128': (proxy.address() as AddressInfo).port, '8.8.8.8:443': upstream.port }
    await within({ wires }, async (world) => {
      const policy = {
        ...NO_POLICY,
        dns: [resolver.server],
        proxy: 'http://10.0.0.8:3128',
        noProxy: ['.corp.test'],
      }
      await world.ask({ op: 'configure', policy })
      await attach(world, ['api.test', 'refused.test', 'in.corp.test'])
      const { socket } = await world.dial({ token: TOKEN.a, host: 'api.test', port: 443 })
      expect(await readAll(socket)).toBe('by proxy')
      const refused = await world.dial({ token: TOKEN.a, host: 'refused.test', port: 443 })
      expect(refused.answer).toMatchObject({
        ok: false,
        code: 'connect-failed',
        message: expect.stringContaining('403'),
      })
      expect(heads).toEqual(['CONNECT api.test:443 HTTP/1.1', 'CONNECT refused.test:443 HTTP/1.1'])
      expect(resolver.asked).toEqual([])
      const direct = await world.dial({ token: TOKEN.a, host: 'in.corp.test', port: 443 })
      expect(direct.answer).toEqual({ ok: true, address: '8.8.8.8' })
      direct.socket.destroy()
    })
    proxy.close()
    upstream.close()
    resolver.close()
  })
})

describe('the sockets', () => {
  it('disconnects whoever does not speak the protocol, and serves the others', async () => {
    await within({}, async (world) => {
      await attach(world, ['allowed.test'])
      for (const line of [
        'x'.repeat(5000),
        '{}\n',
        'null\n',
        '{"token":"a"}\n',
        `{"token":"${TOKEN.a}","report":true,"host":"a"}\n`,
        '\u{0}\n',
      ]) {
        const socket = world.knock()
        socket.write(line)
        expect(await readAll(socket).catch(() => '')).toBe('')
      }
      expect(await world.ask({ op: 'unheard-of' })).toMatchObject({ ok: false, code: 'unknown-op' })
      expect(await world.ask({ op: 'detach', bottle: 'a', extra: 1 })).toMatchObject({
        ok: false,
        code: 'invalid-request',
      })
      expect(await world.ask({ op: 'attach', bottle: 'a', token: 'short', targets: [] })).toMatchObject({
        ok: false,
        code: 'invalid-request',
      })
      expect(
        await world.ask({ op: 'attach', bottle: 'a', token: TOKEN.a, targets: [target('10.0.0.1')] }),
      ).toMatchObject({ ok: false })
      expect(await world.ask({ op: 'targets', bottle: 'unknown', targets: [] })).toMatchObject({
        ok: false,
        code: 'bottle-not-attached',
      })
      expect((await world.status()).bottles['a']?.targets).toEqual([target('allowed.test')])
    })
  })

  it('has a dial socket for every uid and a control socket for its own, and no TCP or UDP listener', async () => {
    await within({}, async (world) => {
      expect(statSync(join(world.volume, 'dial.sock')).mode & 0o777).toBe(0o666)
      expect(statSync(join(world.volume, 'run/control.sock')).mode & 0o777).toBe(0o600)
      expect(statSync(join(world.volume, 'run')).mode & 0o777).toBe(0o700)
      const inodes = new Set(
        ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
          readFileSync(`/proc/net/${table}`, 'utf8').split(/\s+/),
        ),
      )
      const sockets = await socketsOf(world.pid)
      expect(sockets.length).toBeGreaterThan(0)
      expect(sockets.filter((inode) => inodes.has(inode))).toEqual([])
    })
  })

  it('(PXY-34) serves who speaks while hundreds of connections say nothing', async () => {
    await within({}, async (world) => {
      await attach(world, ['allowed.test'])
      const silent = Array.from({ length: 400 }, () => world.knock())
      await Promise.all(silent.map((socket) => once(socket, 'connect')))
      const { answer } = await world.dial({ token: TOKEN.a, host: 'denied.test', port: 443 })
      expect(answer).toMatchObject({ ok: false, code: 'target-undeclared' })
      for (const socket of silent) socket.destroy()
    })
  })

  it('forgets tokens and tables with its process [drift], and logs no token', async () => {
    await within({}, async (world) => {
      await attach(world, ['allowed.test'])
      await world.dial({ token: TOKEN.unknown, host: 'allowed.test', port: 443 })
      expect(world.output.join('\n')).not.toContain(TOKEN.a)
      expect(world.output.join('\n')).not.toContain(TOKEN.unknown)
      const again = await startWorld({ volume: world.volume })
      expect((await again.status()).bottles).toEqual({})
      expect((await again.dial({ token: TOKEN.a, host: 'allowed.test', port: 443 })).answer).toMatchObject({
        code: 'unknown-token',
      })
      await again.kill('SIGKILL')
    })
  })
})

describe('status of a stack', () => {
  it('asks every bundle under the same nonce; one that does not answer is unknown', async () => {
    await within({}, async (world) => {
      await attach(world, [], 'a', TOKEN.a)
      await attach(world, [], 'b', TOKEN.b)
      await attach(world, [], 'c', 'c'.repeat(40))
      await attach(world, [], 'd', 'd'.repeat(40))
      const asked: string[] = []
      const status = { version: '1', startedAt: 'now', links: ['lo'], daemons: {} }
      const report = async (token: string, answer: (id: number) => string): Promise<void> => {
        const { socket } = await world.dial({ token, report: true })
        const lines = createInterface({ input: socket }).on('error', () => undefined)
        lines.on('line', (line) => {
          asked.push(line)
          socket.write(answer((JSON.parse(line) as { id: number }).id))
        })
      }
      await report(TOKEN.a, (id) => `${JSON.stringify({ id, ok: true, value: status })}\n`)
      await report(TOKEN.b, () => '')
      await report('d'.repeat(40), () => `${'x'.repeat(600 * 1024)}\n`)
      const { bottles } = await world.status('nonce-1')
      expect(bottles['a']?.supervisor).toEqual(status)
      expect(bottles['b']?.supervisor).toEqual({ unknown: 'no answer in 2 s' })
      expect(bottles['c']?.supervisor).toEqual({ unknown: 'its supervisor has no report channel open' })
      expect(bottles['d']?.supervisor).toEqual({ unknown: 'its report channel closed' })
      expect(asked.map((line) => JSON.parse(line) as object)).toEqual(
        Array.from({ length: 3 }, () => ({ id: expect.any(Number), op: 'status', nonce: 'nonce-1' })),
      )
    })
  })
})

async function socketsOf(pid: number): Promise<readonly string[]> {
  const { readdir, readlink } = await import('node:fs/promises')
  const names = await readdir(`/proc/${pid}/fd`)
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
}
