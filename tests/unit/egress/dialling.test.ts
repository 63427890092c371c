import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import type { EgressConfig } from '../../../src/model/control.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { createEgress } from '../../../sidecars/egress/egress.ts'
import { route } from './lab.ts'

const passthrough = route({ tlsPassthrough: true })
const config = (generation: number, routes: readonly RoutePolicy[]): EgressConfig => ({
  generation,
  policy: { log: 'none', routes },
  secrets: {},
  trust: [],
  uplinkToken: 'token-of-the-uplink',
  bottle: 'implementer',
})

/** What an upstream receives of a passthrough connection, where `meanwhile` is configured during its dial. */
async function receivedWhere(meanwhile: readonly RoutePolicy[]): Promise<Buffer> {
  const upstream = createServer().listen(0, '127.0.0.1')
  const door = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await Promise.all([once(upstream, 'listening'), once(door, 'listening')])
  const to = (server: typeof door): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1')
  const dialled = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<Duplex>()
  const egress = createEgress({
    dial: () => (dialled.resolve(), answered.promise),
    log: () => {},
  })
  egress.configure(config(1, [passthrough]))
  door.on('connection', (socket) => egress.accept('tls', socket))
  const client = connectTls({ socket: to(door), servername: 'allowed.test' }).on('error', () => {})
  await dialled.promise
  const arriving = once(upstream, 'connection') as Promise<[Socket]>
  const way = to(upstream)
  const [[arrived]] = await Promise.all([arriving, once(way, 'connect')])
  const pieces: Buffer[] = []
  arrived.on('data', (piece) => (pieces.push(piece), arrived.end()))
  const closed = once(arrived, 'close')
  egress.configure(config(2, meanwhile))
  answered.resolve(way)
  await closed
  client.destroy()
  egress.close()
  for (const server of [upstream, door]) server.close()
  return Buffer.concat(pieces)
}

test('(ISO-03) a passthrough route that is revoked while it is dialled sends nothing, not even the ClientHello', async () => {
  expect(await receivedWhere([])).toHaveLength(0)
  expect(await receivedWhere([{ ...passthrough, tlsPassthrough: false }])).toHaveLength(0)
})

test('a passthrough route that is configured again while it is dialled goes on', async () => {
  expect((await receivedWhere([passthrough, route({ host: 'other.test' })])).includes('allowed.test')).toBe(
    true,
  )
})
