import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { relay } from '../../../sidecars/uplink/relay.ts'

const HOUR = 60 * 60 * 1000

/** A socket and its other end. */
interface Side {
  readonly near: Socket
  readonly far: Socket
}

let server: Server
const opened: Socket[] = []

async function side(): Promise<Side> {
  const accepted = once(server, 'connection')
  const near = connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true })
  const [far] = (await accepted) as [Socket]
  await once(near, 'connect')
  opened.push(near, far)
  return { near, far }
}

async function read(socket: Socket): Promise<string> {
  let text = ''
  for await (const piece of socket) text += String(piece)
  return text
}

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  vi.useRealTimers()
  for (const socket of opened.splice(0)) socket.destroy()
  server.close()
})

describe('A relay', () => {
  it('passes an end on, and what comes the other way after it', async () => {
    const [client, upstream] = [await side(), await side()]
    const over = relay(client.near, upstream.near)
    client.far.end('asked')
    expect(await read(upstream.far)).toBe('asked')
    upstream.far.end('answered')
    expect(await read(client.far)).toBe('answered')
    await over
    expect([client.near.destroyed, upstream.near.destroyed]).toEqual([true, true])
  })

  it('holds back what the other side does not read, and loses none of it', async () => {
    const [client, upstream] = [await side(), await side()]
    void relay(client.near, upstream.near)
    const body = Buffer.alloc(32 * 1024 * 1024, 'a')
    upstream.far.pause()
    client.far.end(body)
    await vi.waitFor(() => expect(client.near.isPaused()).toBe(true))
    expect(upstream.near.writableLength).toBeLessThan(1024 * 1024)
    let received = 0
    upstream.far.on('data', (piece: Buffer) => (received += piece.length)).resume()
    await once(upstream.far, 'end')
    expect(received).toBe(body.length)
  })

  it('ends both sides when one is cut off', async () => {
    const [client, upstream] = [await side(), await side()]
    const over = relay(client.near, upstream.near)
    upstream.far.on('error', () => {})
    client.far.resetAndDestroy()
    await over
    expect(upstream.near.destroyed).toBe(true)
  })

  it('ends after an hour without a byte, and not while bytes come', async () => {
    const [client, upstream] = [await side(), await side()]
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const over = relay(client.near, upstream.near)
    vi.advanceTimersByTime(HOUR * 0.75)
    client.far.write('still here')
    await once(upstream.far, 'data')
    vi.advanceTimersByTime(HOUR)
    expect(client.near.destroyed).toBe(false)
    vi.advanceTimersByTime(HOUR / 2)
    await over
    expect([client.near.destroyed, upstream.near.destroyed]).toEqual([true, true])
  })
})
