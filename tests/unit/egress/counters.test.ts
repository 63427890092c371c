import { describe, expect, it } from 'vitest'
import type { RouteCounters } from '../../../src/model/control.ts'
import { Counters } from '../../../sidecars/egress/audit/counters.ts'
import { inLab } from './cases/case.ts'
import { answerWith, route } from './lab.ts'
import { agreeing, closing, handshake, sent, webSocketRoute } from './websocket-lab.ts'
import type { Lab } from './lab.ts'

const byRoute = (all: readonly RouteCounters[]): Readonly<Record<string, Omit<RouteCounters, 'route'>>> =>
  Object.fromEntries(all.map(({ route: name, ...counts }) => [name, counts]))
const counted = (lab: Lab) => byRoute(lab.egress.metrics().counters.routes)
const ENDLESS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n'
const NOTHING = { allowed: 0, refused: {}, bytesOut: 0, bytesIn: 0 }

describe('what a door counts', () => {
  it('is requests and bytes of bodies by declared route', () =>
    inLab({ routes: [route(), route({ host: 'other.test' })] }, async (lab) => {
      const client = await lab.tunnel()
      await client.get('/one')
      await client
        .send('POST /two HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5\r\n\r\nhello')
        .response()
      expect(counted(lab)).toEqual({
        'allowed.test:443': { ...NOTHING, allowed: 2, bytesOut: 5, bytesIn: 4 },
      })
      expect(lab.egress.metrics().counters.connections).toBe(1)
    }))

  it('is refusals by rule, and never a name that an agent made up', () =>
    inLab({ routes: [route({ host: '*.wild.test', matches: [] })] }, async (lab) => {
      for (const host of ['a1b2.evil.test', 'c3d4.evil.test']) {
        const client = lab.raw().send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
        await client.ended()
      }
      const inside = await lab.tunnel('label-of-the-agent.wild.test')
      await inside.get('/', '', 'label-of-the-agent.wild.test')
      expect(counted(lab)).toEqual({
        undeclared: { ...NOTHING, refused: { 'host-undeclared': 2 } },
        '*.wild.test:443': { ...NOTHING, refused: { 'request-undeclared': 1 } },
      })
    }))

  it('includes what went out before an exchange failed', () =>
    inLab(
      { routes: [route()], upstreams: { 'allowed.test:443': answerWith(() => 'no HTTP at all\r\n\r\n') } },
      async (lab) => {
        const client = await lab.tunnel()
        await client.send('POST / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5\r\n\r\nhello').ended()
        const failed = { refused: { 'upstream-malformed': 1 }, bytesOut: 5 }
        expect(counted(lab)['allowed.test:443']).toEqual({ ...NOTHING, ...failed })
        expect(lab.lines).toMatchObject([{ decision: 'deny', scheme: 'https', bytesOut: 5, bytesIn: 0 }])
      },
    ))

  it('tells of a request whose agent went before the answer ended, with what had moved', () =>
    inLab(
      { routes: [route()], upstreams: { 'allowed.test:443': answerWith(() => ENDLESS) } },
      async (lab) => {
        const client = await lab.tunnel()
        client.send('POST /endless HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5\r\n\r\nhello')
        await client.until('tick')
        client.socket.destroy()
        const goOn = () => {
          for (const socket of lab.upstream().open) socket.write('4\r\ntick\r\n')
          return lab.lines.length
        }
        await expect.poll(goOn).toBe(1)
        const [line] = lab.lines
        expect(line).toMatchObject({ decision: 'allow', path: '/endless', status: 200, bytesOut: 5 })
        expect(counted(lab)['allowed.test:443']).toEqual({
          ...NOTHING,
          allowed: 1,
          bytesOut: 5,
          bytesIn: line?.bytesIn,
        })
      },
    ))

  it('takes a WebSocket for one request, with the payloads of both directions', () =>
    inLab(
      {
        routes: [webSocketRoute()],
        upstreams: {
          'allowed.test:443': agreeing(({ socket, text }) => {
            if (text.includes('\x88')) socket.end(Buffer.from([0x88, 2, 0x03, 0xe8]))
          }),
        },
      },
      async (lab) => {
        const client = await lab.tunnel()
        await client.send(handshake()).until('\r\n\r\n')
        expect(counted(lab)['allowed.test:443']).toEqual({ ...NOTHING, allowed: 1 })
        client.send(sent({ payload: 'hello' }))
        client.send(sent({ opcode: 8, payload: closing(1000) }))
        await client.ended()
        await expect.poll(() => lab.lines.length).toBe(2)
        expect(lab.lines).toMatchObject([{ status: 101 }, { status: 101, closeCode: 1000 }])
        expect(counted(lab)['allowed.test:443']).toEqual({
          ...NOTHING,
          allowed: 1,
          bytesOut: lab.lines[1]?.bytesOut,
          bytesIn: lab.lines[1]?.bytesIn,
        })
        expect(lab.lines[1]?.bytesOut).toBeGreaterThanOrEqual(5)
      },
    ))

  it('tells where something was found that must not leave, and no byte of it', () =>
    inLab({ routes: [route()] }, async (lab) => {
      const token = ['glpat', 'Zx9Kq7Lm2Vt5Rb8Wn4Yc'].join('-')
      const wrapped = Buffer.from(`a ${token} b`).toString('base64')
      for (const fields of [`X-Key: ${token}\r\n`, `X-Key: ${wrapped}\r\n`])
        await (await lab.tunnel()).get('/', fields)
      const found = { rule: 'secret-found', finding: 'token/gitlab-pat', place: 'head' }
      expect(lab.lines).toMatchObject([
        { ...found, excerpt: 'header X-Key: [26 bytes]' },
        { ...found, excerpt: `header X-Key: [${wrapped.length} bytes in base64]` },
      ])
      expect(JSON.stringify(lab.lines)).not.toContain(token.slice(-8))
    }))

  it('goes on in one sum for routes that are no longer declared', () =>
    inLab({ routes: [route()] }, async (lab) => {
      await (await lab.tunnel()).get()
      lab.configure([route({ host: 'other.test' })])
      expect(counted(lab)['removed']).toEqual({
        ...NOTHING,
        allowed: 1,
        refused: { 'policy-narrowed': 1 },
        bytesIn: 2,
      })
      expect(counted(lab)).not.toHaveProperty('allowed.test:443')
    }))

  it('keeps as many names as a policy declares, however many it was given', () => {
    const counters = new Counters()
    for (let index = 0; index < 1000; index++) {
      const only = route({ host: `h${index}.test` })
      counters.refused(only, 'limit-rate')
      counters.retain([only])
    }
    expect(byRoute(counters.all)).toEqual({
      'h999.test:443': { ...NOTHING, refused: { 'limit-rate': 1 } },
      removed: { ...NOTHING, refused: { 'limit-rate': 999 } },
    })
  })
})
