/** A secret that is replaced while something is open: sessions change over at the next message, an exchange keeps what it began with. */
import { afterEach, describe, expect, it } from 'vitest'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { Lab, route } from './lab.ts'
import type { Answering, LabOptions } from './lab.ts'
import { agreeing, closeCodeOf, frame, framesOf, opened, sent, webSocketRoute } from './websocket-lab.ts'

const OLD = 'old-value-Qx7Zk9mN2vB5cR8t'
const NEW = 'new-value-51Zk0aQ77Hd82mZx'
const auth = { scheme: 'bearer', secret: 'env:KEY' } as const
const secrets = (value: string) => ({ 'env:KEY': value })

let lab: Lab
afterEach(() => lab.close())

async function open(of: RoutePolicy, upstream: Answering, more: Partial<LabOptions> = {}): Promise<void> {
  lab = await Lab.open({
    routes: [of],
    secrets: secrets(OLD),
    upstreams: { 'allowed.test:443': upstream },
    ...more,
  })
}

describe('an open WebSocket', () => {
  const socketRoute = webSocketRoute({ auth })
  /** Says what it is told, with the agent's last text before it. */
  const saying = (...texts: readonly string[]): Answering => {
    let told = 0
    return agreeing((peer) => {
      while (told < Math.min(texts.length, framesOf(peer.text).length))
        peer.socket.write(frame({ payload: texts[told++] ?? '' }))
    })
  }

  it('scans every message for the values of now: the new one does not go out', async () => {
    await open(socketRoute, saying('first'))
    const client = await opened(lab)
    await client.send(sent({ payload: `harmless: ${NEW}` })).until('first')
    lab.configure([socketRoute], secrets(NEW))
    const before = lab.received()
    await client.send(sent({ payload: `told: ${NEW}` })).ended()
    expect(closeCodeOf(client)).toBe(1008)
    expect(client.text).toContain('secret-found')
    expect(lab.received().slice(before.length)).not.toContain('told: ')
  })

  it('masks what it was opened with and what came after', async () => {
    await open(socketRoute, saying(`old ${OLD} new ${NEW} one`, `old ${OLD} new ${NEW} two`))
    const client = await opened(lab)
    await client.send(sent({ payload: 'go' })).until(' one')
    expect(client.text).toContain(`old ${'*'.repeat(OLD.length)} new ${NEW} one`)
    lab.configure([socketRoute], secrets(NEW))
    await client.send(sent({ payload: 'on' })).until(' two')
    expect(client.text).toContain(`old ${'*'.repeat(OLD.length)} new ${'*'.repeat(NEW.length)} two`)
  })

  it('follows the route of now in what becomes of a finding', async () => {
    await open(socketRoute, saying('seen'))
    const client = await opened(lab)
    lab.configure(
      [webSocketRoute({ auth, dlp: { outboundOnMatch: 'redact', inbound: 'off', uninspectable: 'block' } })],
      secrets(NEW),
    )
    await client.send(sent({ payload: `told: ${NEW}` })).until('seen')
    const [, frames = ''] = lab.received().split('\r\n\r\n')
    expect(framesOf(frames)[0]?.payload).toBe(`told: ${'*'.repeat(NEW.length)}`)
  })
})

describe('an exchange in flight', () => {
  it('ends with the credential and the masks that it began with; the next has the new ones', async () => {
    const began = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const upstream: Answering = (socket, all) => {
      if (all.includes('/first') && !all.includes('/second')) {
        const body = `old ${OLD} new ${NEW}`
        began.resolve()
        void goOn.promise.then(() =>
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
        )
      } else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${NEW.length}\r\n\r\n${NEW}`)
    }
    await open(route({ auth }), upstream)
    const first = (await lab.tunnel()).send('GET /first HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
    await began.promise
    lab.configure([route({ auth })], secrets(NEW))
    goOn.resolve()
    expect(await first.until(NEW)).toContain(`old ${'*'.repeat(OLD.length)} new ${NEW}`)
    expect(await (await lab.tunnel()).get('/second')).toContain('*'.repeat(NEW.length))
    const [one = '', two = ''] = lab.received().split('/second')
    expect(one).toContain(`Bearer ${OLD}`)
    expect(two).toContain(`Bearer ${NEW}`)
  })
})
