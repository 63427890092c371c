/** Policies that change under open connections, streams, and what people rely on in ordinary work (PXY-29, ISO-03, CRD-16). */
import { TLSSocket } from 'node:tls'
import { expect } from 'vitest'
import { answerOk, answerWith, route } from '../lab.ts'
import type { Client } from '../lab.ts'
import { inLab, refused } from './case.ts'
import type { Case } from './case.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const event = (text: string): string => `${(text.length + 2).toString(16)}\r\n${text}\n\n\r\n`
const GET = 'GET /stream HTTP/1.1\r\nHost: allowed.test\r\n\r\n'
/** Key id of the authority that signed what the client met. */
const issuerOf = ({ socket }: Client): string => {
  if (!(socket instanceof TLSSocket)) throw new Error('no TLS')
  const chain = socket.getPeerCertificate(true)
  return chain.issuerCertificate.fingerprint256
}
const closed = async (client: Client): Promise<void> => void (await client.ended())

export const lifeCases: readonly Case[] = [
  {
    ids: ['PXY-29', 'ISO-03'],
    title:
      'a stream that the new policy no longer allows is closed before configure returns, an allowed one lives on',
    control: 'generations',
    run: () =>
      inLab(
        {
          routes: [route(), route({ host: 'other.test' })],
          upstreams: {
            'allowed.test:443': (socket) => socket.write(HEAD + event('data: 1')),
            'other.test:443': (socket) => socket.write(HEAD + event('data: 1')),
          },
        },
        async (lab) => {
          const [kept, gone] = [await lab.tunnel(), await lab.tunnel('other.test')]
          await kept.send(GET).until('data: 1')
          await gone.send(GET.replace('allowed', 'other')).until('data: 1')
          lab.configure([route({ matches: [{ paths: [{ prefix: '/stream' }] }] })])
          expect(lab.egress.status('n').connections).toBeLessThanOrEqual(2)
          await closed(gone)
          for (const socket of lab.upstream().open) socket.write(event('data: 2'))
          await kept.until('data: 2')
          expect(lab.lines.filter(({ rule }) => rule === 'policy-narrowed')).toMatchObject([
            { host: 'other.test', decision: 'deny' },
          ])
        },
      ),
  },
  {
    ids: ['ISO-03', 'PXY-29'],
    title: 'an idle tunnel to a host that is no longer declared is closed',
    control: 'generations',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        const client = await lab.tunnel()
        await client.get()
        lab.configure([])
        await closed(client)
        expect(lab.upstream().received().match(/GET/g)).toHaveLength(1)
      }),
  },
  {
    ids: ['PXY-29'],
    title:
      'another issuer signs what is opened from then on, also for a host whose leaf was kept; what is open goes on',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        const old = await lab.tunnel()
        await old.get('/1')
        const signed = [issuerOf(old)]
        lab.configure([route()])
        const [again, fresh] = [await old.get('/2'), await lab.tunnel()]
        expect([again.slice(9, 12), (await fresh.get('/3')).slice(9, 12)]).toEqual(['200', '200'])
        signed.push(issuerOf(fresh))
        expect(new Set(signed).size).toBe(2)
        expect(old.closed).toBe(false)
      }),
  },
  {
    ids: ['CRD-16'],
    title: 'a new credential is used by the next request, on a connection that never carried the old one',
    run: () => {
      const bearer = route({ auth: { scheme: 'bearer', secret: 'env:KEY' } })
      return inLab({ routes: [bearer], secrets: { 'env:KEY': 'first-value' } }, async (lab) => {
        const client = await lab.tunnel()
        await client.get('/1')
        lab.configure([bearer], { 'env:KEY': 'second-value' })
        await client.get('/2')
        expect(lab.received().match(/Bearer .*/g)).toEqual(['Bearer first-value', 'Bearer second-value'])
        expect(lab.upstream().connections).toBe(2)
      })
    },
  },
  {
    ids: ['PXY-29'],
    title: 'each event of a stream arrives while the stream is open, also on a credentialed route',
    run: () =>
      inLab(
        {
          routes: [route({ auth: { scheme: 'bearer', secret: 'env:KEY' } })],
          secrets: { 'env:KEY': 'data-secret-value' },
          upstreams: { 'allowed.test:443': (socket) => socket.write(HEAD) },
        },
        async (lab) => {
          const client = (await lab.tunnel()).send(GET)
          await client.until('\r\n\r\n')
          const [socket] = lab.upstream().open
          for (let at = 0; at < 5; at++) {
            socket!.write(event(`data: ${at}`))
            await client.until(`data: ${at}\n\n`)
          }
        },
      ),
  },
  {
    ids: ['PXY-34'],
    title: 'a slow reader holds back the upstream and not our memory',
    run: () => {
      let written = 0
      const flood = (socket: {
        write(bytes: Buffer | string): boolean
        once(event: string, then: () => void): unknown
        destroyed: boolean
      }): void => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n')
        const more = (): void => {
          while (!socket.destroyed && written < 268_435_456) {
            written += 65_536
            if (!socket.write(Buffer.alloc(65_536))) return void socket.once('drain', more)
          }
        }
        more()
      }
      return inLab({ routes: [route()], upstreams: { 'allowed.test:443': flood } }, async (lab) => {
        const client = (await lab.tunnel()).send(GET)
        await client.until('\r\n\r\n')
        client.socket.pause()
        let before = -1
        while (before !== written) {
          before = written
          await new Promise((resolve) => setTimeout(resolve, 150))
        }
        expect(written).toBeLessThan(64 * 1024 * 1024)
      })
    },
  },
  {
    ids: ['PXY-19'],
    title: 'a kept upstream that went away is replaced without the agent noticing',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        const client = await lab.tunnel()
        await client.get('/1')
        for (const socket of lab.upstream().open) socket.destroy()
        expect(await client.get('/2')).toContain('200 OK')
      }),
  },
  {
    ids: ['PXY-19'],
    title: 'HEAD, 204, 304, HTTP/1.0 answers and clients keep their framing',
    run: () => {
      const answers: Record<string, string> = {
        HEAD: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
        'GET /204': 'HTTP/1.1 204 No Content\r\n\r\n',
        'GET /304': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      }
      const answering = answerWith(
        (request) =>
          Object.entries(answers).find(([start]) => request.startsWith(start))?.[1] ??
          'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      )
      return inLab(
        {
          routes: [route(), route({ host: 'old.test' })],
          upstreams: {
            'allowed.test:443': answering,
            'old.test:443': (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end'),
          },
        },
        async (lab) => {
          const client = await lab.tunnel()
          expect(
            await client.send('HEAD / HTTP/1.1\r\nHost: allowed.test\r\n\r\n').until('\r\n\r\n'),
          ).toContain('Content-Length: 1000')
          client.text = ''
          for (const path of ['/204', '/304']) {
            await client.send(`GET ${path} HTTP/1.1\r\nHost: allowed.test\r\n\r\n`).until('\r\n\r\n')
            client.text = ''
          }
          expect(await client.get('/last')).toContain('ok')
          const until = await (
            await lab.tunnel('old.test')
          )
            .send('GET / HTTP/1.1\r\nHost: old.test\r\n\r\n')
            .until('0\r\n\r\n')
          expect(until).toContain('d\r\nuntil the end\r\n0\r\n\r\n')
          const old = await (
            await lab.tunnel('old.test')
          )
            .send('GET / HTTP/1.0\r\nHost: old.test\r\n\r\n')
            .ended()
          expect(old).toContain('\r\n\r\nuntil the end')
          expect(old).toContain('Connection: close')
        },
      )
    },
  },
  {
    ids: ['TLS-07', 'TLS-09'],
    title: 'a passthrough route relays bytes it cannot read, and counts them',
    run: () =>
      inLab({ routes: [route({ tlsPassthrough: true })] }, async (lab) => {
        const client = lab.raw().send('CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n')
        await client.until('\r\n\r\n')
        const { connect } = await import('node:tls')
        const secured = connect({
          socket: client.release(),
          servername: 'allowed.test',
          rejectUnauthorized: false,
        })
        await new Promise((resolve) => secured.once('secureConnect', resolve))
        expect(secured.getPeerCertificate().issuer.CN).toBe('bot-bottle issuer')
        secured.write('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
        await new Promise((resolve) => secured.once('data', resolve))
        expect(lab.received()).toBe('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
        const ended = new Promise((resolve) => secured.once('close', resolve))
        secured.end()
        for (const socket of lab.upstream().open) socket.end()
        await ended
      }),
  },
  {
    ids: ['PXY-29'],
    title: 'a stream may be silent for longer than a head may take, and ends upstream when the agent goes',
    run: () =>
      inLab(
        {
          routes: [route()],
          limits: { headMs: 150 },
          upstreams: {
            'allowed.test:443': (socket) => {
              socket.write(HEAD)
              setTimeout(() => socket.write(event('data: late')), 600)
            },
          },
        },
        async (lab) => {
          const client = (await lab.tunnel()).send(GET)
          await client.until('data: late')
          const [upstream] = lab.upstream().open
          const gone = new Promise((resolve) => upstream!.once('close', resolve))
          client.socket.destroy()
          // A half-closed client is still answered, so its going shows when it is written to.
          const writing = setInterval(() => upstream!.write(event('data: to nobody')), 10)
          await gone
          clearInterval(writing)
        },
      ),
  },
  {
    ids: ['PXY-34'],
    title: 'limits of a route refuse rate, body and time',
    run: () =>
      inLab(
        {
          routes: [
            route({ limits: { requestsPerSecond: 2, bodyBytes: 4 } }),
            route({ host: 'slow.test', limits: { timeMs: 200 } }),
          ],
          upstreams: { 'slow.test:443': () => {} },
          limits: { headMs: 2000 },
        },
        async (lab) => {
          const large = await (
            await lab.tunnel()
          )
            .send('POST / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5\r\n\r\nhello')
            .ended()
          expect(large).toContain('limit-body')
          const chunked = await (
            await lab.tunnel()
          )
            .send('POST / HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
            .ended()
          expect(chunked).toContain('limit-body')
          const slow = await (
            await lab.tunnel('slow.test')
          )
            .send('GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n')
            .ended()
          expect(slow).toContain('HTTP/1.1 504')
          const client = await lab.tunnel()
          const answers = await client.send(GET.repeat(4)).ended()
          expect(answers).toContain('limit-rate')
          expect(answers).not.toMatch(/retry-after/i)
        },
      ),
  },
  {
    ids: ['PXY-01'],
    title:
      'before the first configuration, and for a host whose upstream does not answer, the refusal is in words',
    run: () =>
      inLab(
        { routes: [route({ host: 'gone.test' })], upstreams: { 'allowed.test:443': answerOk } },
        async (lab) => {
          const answer = await (
            await lab.tunnel('gone.test')
          )
            .send('GET / HTTP/1.1\r\nHost: gone.test\r\n\r\n')
            .ended()
          expect(answer).toContain('HTTP/1.1 502')
          expect(answer).toContain('bot-bottle: gone.test could not be reached (rule upstream-unreachable).')
          await refused(lab, 'GET http://gone.test/ HTTP/1.1\r\nHost: gone.test\r\n\r\n', 403)
        },
      ),
  },
]
