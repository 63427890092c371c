/** `uplink.proxy` on the real engine: a proxy of the site is asked for every declared host by its name, and what it refuses stays refused. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { openUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

let program: Program
let upstream: Upstream
let proxy: Server
const asked: string[] = []
const tunnels = new Set<Socket>()

beforeAll(async () => {
  program = openProgram('proxy')
  upstream = await openUpstream('api.example')
  writeFileSync(join(program.folder, 'authority.pem'), upstream.authority)
  proxy = createServer((_, response) => response.writeHead(405).end()).on(
    'connect',
    ({ url = '' }: IncomingMessage, client: Socket) => {
      asked.push(url)
      tunnels.add(client.on('error', () => {}).on('close', () => tunnels.delete(client)))
      if (!url.startsWith('api.example:'))
        return void client.end('HTTP/1.1 403 Forbidden by the site\r\nContent-Length: 0\r\n\r\n')
      const far = connect(upstream.port, upstream.address, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        far.pipe(client).pipe(far)
      }).on('error', () => client.destroy())
    },
  )
  proxy.listen(0, upstream.address)
  await once(proxy, 'listening')
  const port = (name: string) => `{ host: ${name}, port: ${upstream.port}, allow_private: true }`
  program.manifest(
    [
      'uplink:',
      '  trust: [authority.pem]',
      `  proxy: http://${upstream.address}:${(proxy.address() as AddressInfo).port}`,
      `  hosts: { direct.example: ${upstream.address} }`,
      'bottles:',
      '  one:',
      '    resources: { memory: 256MiB, pids: 128 }',
      `    egress: { log: all, routes: [${['api', 'refused', 'direct'].map((name) => port(`${name}.example`)).join(', ')}] }`,
      '',
    ].join('\n'),
  )
  await program.must('apply --yes')
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
  await closeProxy()
  upstream.close()
})

async function closeProxy(): Promise<void> {
  for (const socket of tunnels) socket.destroy()
  proxy.closeAllConnections()
  await new Promise((resolve) => proxy.close(resolve))
}

const curl = async (host: string): Promise<string> => {
  const url = `https://${host}:${upstream.port}/`
  const args = ['curl', '-sS', '-m', '20', '-w', ' %{http_code}', url]
  return (await program.run(['exec', 'one', '--', ...args])).out
}

it('asks the proxy by name, and reaches through it whom no resolver here knows', async () => {
  expect(await curl('api.example')).toBe('hello from upstream\n 200')
  expect(asked).toEqual([`api.example:${upstream.port}`])
})

it('takes a refusal of the proxy for one of the way, and goes no other', async () => {
  expect(await curl('refused.example')).toMatch(/could not be reached[^]* 502$/)
  expect(asked.at(-1)).toBe(`refused.example:${upstream.port}`)
  expect((await program.must('logs --egress one')).out).toMatch(
    /failed +GET +refused\.example.*upstream-unreachable 502/,
  )
})

it('goes around it to an address that is fixed', async () => {
  const before = asked.length
  // The certificate is of another name: what counts here is who was asked.
  expect(await curl('direct.example')).toMatch(/did not prove its identity[^]* 502$/)
  expect(asked).toHaveLength(before)
})

it('reaches nobody while the proxy is away, and everybody again when it is back', async () => {
  const { port, address } = proxy.address() as AddressInfo
  await closeProxy()
  expect(await curl('refused.example')).toMatch(/could not be reached[^]* 502$/)
  proxy.listen(port, address)
  await once(proxy, 'listening')
  expect(await curl('api.example')).toBe('hello from upstream\n 200')
})
