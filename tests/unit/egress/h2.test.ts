import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { OutgoingHttpHeaders } from 'node:http2'
import { afterEach, describe, expect, test } from 'vitest'
import { answered, ask, echoed, h2Route, H2Lab, message } from './h2-lab.ts'
import type { Serving } from './h2-lab.ts'
import { certificateFor, newAuthority, route } from './lab.ts'

let lab: H2Lab
afterEach(async () => await lab.close())

const GRPC = {
  ':method': 'POST',
  ':path': '/acme.Notes/Take',
  'content-type': 'application/grpc',
  te: 'trailers',
}
const AUTH = { scheme: 'bearer', secret: 'TOKEN' } as const
const SECRET = 'a-secret-of-the-route'

/** Answers each message as it comes, and ends with a status. */
const chatting: Serving = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('data', (piece: Buffer) => stream.write(piece))
  stream.once('end', () => stream.end())
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'done' }))
}

describe('a request', () => {
  test('goes on by HTTP/2 and comes back', async () => {
    lab = await H2Lab.open()
    const session = await lab.dialled()
    const answer = await ask(session, { ':path': '/a?b=c', 'x-mine': 'yes' })
    expect(answer).toMatchObject({ headers: { ':status': 200, 'x-seen': '/a?b=c' }, code: 0 })
    expect(await ask(session, { ':method': 'POST' }, 'some text')).toMatchObject({
      body: 'some text',
      code: 0,
    })
    expect(lab.asked.map(({ headers }) => headers[':authority'])).toEqual(['allowed.test', 'allowed.test'])
    expect(lab.lab.dialled).toEqual(['allowed.test:443'])
    expect(lab.lab.lines).toMatchObject([
      { decision: 'allow', status: 200 },
      { decision: 'allow', bytesOut: 9, bytesIn: 9 },
    ])
  })

  test('goes beside others on one connection, each to its own end', async () => {
    lab = await H2Lab.open()
    const session = await lab.dialled()
    const bodies = Array.from({ length: 40 }, (_, at) => `body ${at} `.repeat(at * 50 + 1))
    const answers = await Promise.all(bodies.map((body) => ask(session, { ':method': 'PUT' }, body)))
    expect(answers.map(({ body }) => body)).toEqual(bodies)
  })

  test('of megabytes arrives as it was sent, in both directions', async () => {
    lab = await H2Lab.open()
    const sent = randomBytes(6 * 1024 * 1024)
    const { body } = await ask(await lab.dialled(), { ':method': 'PUT' }, sent)
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    expect(digest(Buffer.from(body, 'latin1'))).toBe(digest(sent))
  })

  test('carries the fields of HTTP/1.1 rules: none of a proxy, bytes as they were', async () => {
    lab = await H2Lab.open()
    await ask(await lab.dialled(), {
      'x-forwarded-for': '1.2.3.4',
      forwarded: 'for=1.2.3.4',
      'x-latin': 'caf\u00e9',
    })
    const { headers } = lab.asked[0]!
    expect(headers).toMatchObject({ 'x-latin': 'caf\u00e9' })
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['x-forwarded-for']))
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['forwarded']))
  })

  test('that waits for a word before its body gets it', async () => {
    lab = await H2Lab.open()
    const stream = (await lab.dialled()).request({ ':method': 'POST', expect: '100-continue' })
    const answer = answered(stream)
    stream.once('continue', () => stream.end('after the word'))
    expect(await answer).toMatchObject({ body: 'after the word' })
  })
})

describe('gRPC', () => {
  test('streams both ways, message by message, and ends with its trailers', async () => {
    lab = await H2Lab.open({
      serving: chatting,
      routes: [h2Route({ auth: AUTH })],
      secrets: { TOKEN: SECRET },
    })
    const stream = (await lab.dialled()).request(GRPC)
    const answer = answered(stream)
    const said: string[] = []
    for (const text of ['hi', 'a word', '']) {
      const next = new Promise((resolve) => stream.once('data', resolve))
      stream.write(message(text))
      said.push(String(await next))
    }
    expect(said).toEqual(['hi', 'a word', ''].map((text) => message(text).toString()))
    stream.end()
    expect(await answer).toMatchObject({ trailers: { 'grpc-status': '0', 'grpc-message': 'done' }, code: 0 })
    expect(lab.asked[0]!.headers).toMatchObject({ te: 'trailers', authorization: `Bearer ${SECRET}` })
  })

  test('that has failed at once is told so', async () => {
    lab = await H2Lab.open({
      serving: (stream) =>
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
          { endStream: true },
        ),
    })
    const { headers, code } = await ask(await lab.dialled(), GRPC, message('x'))
    expect({ status: headers['grpc-status'], code }).toEqual({ status: '5', code: 0 })
  })

  test('reads a refusal as a status with its words', async () => {
    lab = await H2Lab.open({ routes: [h2Route({ deny: [{ paths: [{ prefix: '/acme.Notes/' }] }] })] })
    const { headers, body } = await ask(await lab.dialled(), GRPC, message('x'))
    expect({ ...headers, body }).toMatchObject({ ':status': 200, 'grpc-status': '7', body: '' })
    expect(headers['grpc-message']).toContain('rule request-denied')
    expect(lab.asked).toEqual([])
  })

  test.each([
    ['is not of the form', Buffer.from([7, 0, 0, 0, 1, 65]), 'request-malformed'],
    ['ends within a message', message('abc').subarray(0, 6), 'request-malformed'],
    ['is packed by nothing', message('abc', true), 'request-malformed'],
  ])('whose body %s does not go on', async (_what, body, rule) => {
    lab = await H2Lab.open({ serving: chatting })
    await ask(await lab.dialled(), GRPC, body)
    expect(lab.lab.lines).toMatchObject([{ decision: 'deny', rule }])
    expect(lab.asked.filter((asked) => asked.body !== '' || asked.ended)).toEqual([])
  })

  test('with packed messages is looked into', async () => {
    const token = `ghp_${'x'.repeat(36)}`
    lab = await H2Lab.open({ serving: chatting, routes: [h2Route()], secrets: { TOKEN: SECRET } })
    const session = await lab.dialled()
    const packed = { ...GRPC, 'grpc-encoding': 'gzip' }
    const fine = message(gzipSync('ordinary words'), true)
    expect(await ask(session, packed, fine)).toMatchObject({ body: fine.toString('latin1') })
    await ask(session, packed, message(gzipSync(`${SECRET} ${token}`), true))
    expect(lab.lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule: 'secret-found', place: 'body' })
    expect(lab.asked.at(-1)).toMatchObject({ body: '', ended: false })
  })
})

describe('what is offered', () => {
  test('is HTTP/2 only where the route of the name says so', async () => {
    const routes = [
      h2Route(),
      route({ host: 'plain.test' }),
      h2Route({ host: 'live.test', protocols: ['websocket'] }),
    ]
    lab = await H2Lab.open({ routes })
    for (const host of ['plain.test', 'live.test']) {
      await expect(lab.lab.tunnel(host, { alpn: ['h2'] })).rejects.toThrow()
      const agreed = await lab.lab.tunnel(host, { alpn: ['h2', 'http/1.1'] })
      expect('alpnProtocol' in agreed.socket && agreed.socket.alpnProtocol).toBe('http/1.1')
    }
    const both = await lab.lab.tunnel('allowed.test', { alpn: ['http/1.1', 'h2'] })
    expect('alpnProtocol' in both.socket && both.socket.alpnProtocol).toBe('h2')
  })

  test('is HTTP/1.1 on the same route, too', async () => {
    lab = await H2Lab.open({ upstreamProtocols: ['http/1.1'], upstreams: { 'allowed.test:443': () => {} } })
    const client = await lab.lab.tunnel()
    expect('alpnProtocol' in client.socket && client.socket.alpnProtocol).toBe('http/1.1')
  })

  test('is refused in words where the upstream speaks HTTP/1.1 only', async () => {
    lab = await H2Lab.open({ upstreamProtocols: ['http/1.1'] })
    const { headers, body } = await ask(await lab.dialled())
    expect(headers[':status']).toBe(502)
    expect(body).toContain('rule upstream-without-h2')
    expect(lab.asked).toEqual([])
  })

  test('does not go on to an upstream that does not prove itself', async () => {
    const other = newAuthority(['test'])
    lab = await H2Lab.open({ certificates: { 'allowed.test': certificateFor(other.issuer, 'allowed.test') } })
    expect((await ask(await lab.dialled())).headers[':status']).toBe(502)
    expect(lab.lab.lines).toMatchObject([{ rule: 'upstream-untrusted' }])
  })
})

describe('the end', () => {
  test('of an agent that resets a stream is the end of what was asked for it', async () => {
    lab = await H2Lab.open({ serving: () => {} })
    const stream = (await lab.dialled()).request({ ':path': '/slow' })
    const answer = answered(stream)
    await expect.poll(() => lab.asked.length).toBe(1)
    stream.close(8)
    await answer
    await expect.poll(() => lab.asked[0]!.closed).toBe(true)
  })

  test('of an upstream in the middle of an answer cuts the stream, and only it', async () => {
    lab = await H2Lab.open({
      serving: (stream, asked) => {
        if (asked.headers[':path'] !== '/cut') return echoed(stream, asked)
        stream.respond({ ':status': 200 }, { waitForTrailers: true })
        stream.write('half', () => stream.close(2))
      },
    })
    const session = await lab.dialled()
    expect((await ask(session, { ':path': '/cut' })).code).not.toBe(0)
    expect((await ask(session)).headers[':status']).toBe(200)
    expect(lab.lab.lines[0]).toMatchObject({ decision: 'deny', rule: 'upstream-closed', bytesIn: 4 })
  })

  test('of an upstream connection is followed by another one', async () => {
    lab = await H2Lab.open()
    const session = await lab.dialled()
    await ask(session)
    for (const socket of lab.lab.upstream().open) socket.destroy()
    await expect.poll(() => lab.lab.upstream().open.size).toBe(0)
    await expect.poll(async () => (await ask(session)).headers[':status']).toBe(200)
    expect(lab.lab.dialled.length).toBeGreaterThan(1)
  })

  test('of time is said', async () => {
    lab = await H2Lab.open({ serving: () => {}, routes: [h2Route({ limits: { timeMs: 50 } })] })
    const { headers, body } = await ask(await lab.dialled())
    expect(headers[':status']).toBe(504)
    expect(body).toContain('rule limit-time')
    await expect.poll(() => lab.asked.every(({ closed }) => closed)).toBe(true)
  })

  test('of patience is said to whom it was lost with', async () => {
    lab = await H2Lab.open({ serving: () => {}, limits: { silenceMs: 100 } })
    const session = await lab.dialled()
    const waiting = await ask(session)
    const silent = await answered(session.request({ ':method': 'PUT', 'content-length': 5 }))
    const said = [waiting, silent].map(({ headers, body }) => `${headers[':status']} ${body}`)
    expect(said[0]).toMatch(/^504 .*rule upstream-timeout/)
    expect(said[1]).toMatch(/^408 .*rule request-timeout/)
  })

  test('of a day of bytes is one for all streams', async () => {
    lab = await H2Lab.open({ routes: [h2Route({ limits: { bytesOutPerDay: 10 } })] })
    const session = await lab.dialled()
    expect((await ask(session, { ':method': 'PUT' }, '12345678')).headers[':status']).toBe(200)
    expect((await ask(session, { ':method': 'PUT' }, '12345678')).headers[':status']).toBe(403)
    expect(lab.asked.map(({ body }) => body).join('')).toBe('12345678')
  })

  test('of a connection without streams comes after a while', async () => {
    lab = await H2Lab.open({ limits: { headMs: 100, idleMs: 100 } })
    const session = await lab.dialled()
    await new Promise((resolve) => session.once('close', resolve))
    expect(lab.lab.egress.metrics().counters.connections).toBe(0)
  })
})

test.each(['head', 'trailers'])(
  'an answer with a field twice that has one value, in its %s, is not passed on',
  async (place) => {
    const twice: OutgoingHttpHeaders = { 'content-type': ['text/plain', 'text/html'] as never }
    const none: OutgoingHttpHeaders = {}
    lab = await H2Lab.open({
      serving: (stream, asked) => {
        if (asked.headers[':path'] === '/fine') return echoed(stream, asked)
        stream.respond({ ':status': 200, ...(place === 'head' ? twice : none) }, { waitForTrailers: true })
        stream.once('wantTrailers', () => stream.sendTrailers(place === 'head' ? none : twice))
        stream.end('body')
      },
    })
    const session = await lab.dialled()
    const { headers, trailers, code } = await ask(session)
    expect(String(headers[':status']) === '502' || code !== 0).toBe(true)
    expect(trailers).toEqual({})
    expect((await ask(session, { ':path': '/fine' })).headers[':status']).toBe(200)
  },
)

test('more streams than there is room for are refused in words', async () => {
  lab = await H2Lab.open({ serving: () => {}, limits: { connections: 3 } })
  const session = await lab.dialled()
  for (let at = 0; at < 3; at++) session.request({ ':path': '/open' }).on('error', () => {})
  await expect.poll(() => lab.asked.length).toBe(3)
  const { headers, body } = await ask(session)
  expect({ status: headers[':status'], body }).toMatchObject({
    status: 503,
    body: expect.stringContaining('overload'),
  })
})

test('a client that speaks another protocol after agreeing is let go', async () => {
  lab = await H2Lab.open()
  const client = await lab.lab.tunnel('allowed.test', { alpn: ['h2'] })
  await client.send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n').ended()
  await expect.poll(() => lab.lab.lines).toMatchObject([{ decision: 'deny', rule: 'request-malformed' }])
  expect(lab.asked).toEqual([])
})

test('two connections of an agent share none with the upstream', async () => {
  lab = await H2Lab.open()
  const [one, two] = [await lab.dialled(), await lab.dialled()]
  await ask(one)
  await ask(two)
  expect(lab.lab.upstream().connections).toBe(2)
})
