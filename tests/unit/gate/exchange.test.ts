import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { Exchange } from '../../../sidecars/gate/exchange.ts'
import type { Serve } from '../../../sidecars/gate/exchange.ts'
import { GATE_LIMITS } from '../../../sidecars/gate/limits.ts'
import type { GateLimits } from '../../../sidecars/gate/limits.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function doorFor(serve: Serve, limits: Partial<GateLimits> = {}): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void new Exchange(socket, { ...GATE_LIMITS, ...limits }, serve).run()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function client(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  closing.push(() => socket.destroy())
  return socket
}

/** All that comes back until the other side ends. */
function said(port: number, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = client(port)
    socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
    socket.once('end', () => socket.end())
    socket.once('close', () => resolve(text))
    for (const piece of pieces) socket.write(piece)
  })
}

/** Answers with the length of the body and what is known of the request. */
const echo: Serve = async (request, answer) => {
  let length = 0
  for (let piece = await request.next(); piece !== undefined; piece = await request.next())
    length += piece.length
  await answer.head(200, 'text/plain')
  await answer.write(Buffer.from(`${request.method} ${request.target} ${request.protocol} ${length}`))
}

const HEAD = 'POST /x HTTP/1.1\r\nHost: h\r\n'
const LAST = `${HEAD}Connection: close\r\n`

describe('requests', () => {
  test('one after the other on one connection, bodies of a length, in chunks and packed', async () => {
    const port = await doorFor(echo)
    const packed = gzipSync(Buffer.alloc(100_000, 'a'))
    const text = await said(
      port,
      'GET /a HTTP/1.1\r\nHost: h\r\nGit-Protocol: version=2\r\n\r\n',
      `${HEAD}Content-Length: 3\r\n\r\nabc`,
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
      `${LAST}Content-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
      packed,
    )
    expect(text.match(/(?:GET|POST) \/\S+ \S+ \d+/g)).toEqual([
      'GET /a version=2 0',
      'POST /x undefined 3',
      'POST /x undefined 5',
      'POST /x undefined 100000',
    ])
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(4)
  })

  test('who waits for leave to go on gets it; HTTP/1.0 ends with its answer', async () => {
    const port = await doorFor(echo)
    const waiting = await said(port, `${LAST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`, 'a')
    expect(waiting).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/)
    const old = await said(port, 'GET /x HTTP/1.0\r\n\r\n')
    expect(old).toMatch(/Connection: close\r\n\r\nGET \/x undefined 0$/)
  })

  test.each([
    ['two lengths', `${LAST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
    ['a length and chunks', `${LAST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['another transfer coding', `${LAST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['a look-alike of a length', `${LAST}Content_Length: 1\r\n\r\na`],
    ['two hosts', `${LAST}Host: g\r\n\r\n`],
    ['a bare line feed', `${LAST}X: a\nY: b\r\n\r\n`],
    ['a NUL', `${LAST}X: a\0b\r\n\r\n`],
    ['a folded field', `${LAST}X: a\r\n b\r\n\r\n`],
    ['a space before the colon', `${LAST}X : a\r\n\r\n`],
    ['another method', 'PUT /x HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['CONNECT', 'CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['another version', 'GET /x HTTP/2.0\r\nHost: h\r\n\r\n'],
    ['a space in the target', 'GET /x y HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['a chunk of no size', `${LAST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['two packings', `${LAST}Content-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\na`],
    ['an unknown packing', `${LAST}Content-Encoding: br\r\nContent-Length: 1\r\n\r\na`],
    [
      'a body that is not packed as it says',
      `${LAST}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello`,
    ],
  ])('refused: %s', async (_, bytes) => {
    const port = await doorFor(echo)
    const text = await said(port, bytes)
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request/)
    expect(text).toContain('bot-bottle: this is no request of a git client.')
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
  })

  test('a head without an end is too large', async () => {
    const port = await doorFor(echo)
    expect(await said(port, `${HEAD}X: ${'a'.repeat(70_000)}`)).toContain('413 Content Too Large')
  })
})

describe('patience', () => {
  test('a slow head, a stalled body and an answer that nobody takes end the connection', async () => {
    const limits = { stalledMs: 100, idleMs: 100, head: { ...GATE_LIMITS.head, headMs: 100 } }
    let isGone = false
    const port = await doorFor(async (request, answer) => {
      request.signal.addEventListener('abort', () => (isGone = true))
      if (request.method === 'POST') return echo(request, answer)
      await answer.head(200, 'text/plain')
      const block = Buffer.alloc(1024 * 1024)
      for (;;) await answer.write(block)
    }, limits)
    expect(await said(port)).toBe('')
    expect(await said(port, 'GET /x HT')).toBe('')
    expect(await said(port, `${HEAD}Content-Length: 5\r\n\r\nab`)).toBe('')
    await expect.poll(() => isGone, { timeout: 10_000 }).toBe(true)
    isGone = false
    const socket = client(port)
    socket.write('GET /x HTTP/1.1\r\nHost: h\r\n\r\n')
    socket.pause()
    await expect.poll(() => isGone, { timeout: 10_000 }).toBe(true)
  })

  test('work that takes its time is not hurried, and ends with the time of the whole', async () => {
    let go = (): void => {}
    const waits = new Promise<void>((resolve) => (go = resolve))
    const limits = { stalledMs: 20, idleMs: 20_000 }
    const port = await doorFor(async (request, answer) => {
      await request.next()
      setTimeout(go, 100)
      await waits
      return echo(request, answer)
    }, limits)
    expect(await said(port, `${LAST}Content-Length: 1\r\n\r\na`)).toContain('POST /x undefined 0')
    const never = await doorFor(() => new Promise(() => {}), { totalMs: 50 })
    expect(await said(never, 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n')).toBe('')
  })

  test('a packed body is unpacked as it is asked for, not at once', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024))
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const port = await doorFor(async (request, answer) => {
      for (let n = 0; n < 10; n++) {
        await request.next()
        most = Math.max(most, process.memoryUsage().arrayBuffers - before)
      }
      await answer.head(403, 'text/plain')
    })
    const text = await said(
      port,
      `${LAST}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`,
      bomb,
    )
    expect(text).toContain('HTTP/1.1 403')
    expect(most).toBeLessThan(32 * 1024 * 1024)
  })
})
