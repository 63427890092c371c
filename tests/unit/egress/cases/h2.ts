/** HTTP/2, where a route has asked for it: one reading for each stream, and the same protections as for HTTP/1.1. */
import { expect } from 'vitest'
import {
  answered, ask, block, END_HEADERS, END_STREAM, frame, framesOf, h2Route, H2Lab, headers, literal, message, PLAIN, withField,
} from '../h2-lab.ts' // prettier-ignore
import type { Fields, Serving } from '../h2-lab.ts'
import type { Case } from './case.ts'

const AUTH = { scheme: 'bearer', secret: 'TOKEN' } as const
const SECRET = 'the-secret-value-1234567890'
const RST_STREAM = 3
const GOAWAY = 7

async function inH2Lab(
  options: Parameters<typeof H2Lab.open>[0],
  body: (lab: H2Lab) => Promise<void>,
): Promise<void> {
  const lab = await H2Lab.open(options)
  try {
    await body(lab)
  } finally {
    await lab.close()
  }
}

/** A head by hand is answered by an error, of the stream or of the connection, and nothing is asked of the upstream. */
async function refusedHead(lab: H2Lab, bytes: Buffer): Promise<void> {
  const client = (await lab.framing()).send(bytes)
  await expect
    .poll(
      () => {
        const frames = framesOf(client.text)
        const status = frames.find(({ type }) => type === 1)
        return client.closed || frames.some(({ type }) => type === RST_STREAM || type === GOAWAY) || status
      },
      { timeout: 3000 },
    )
    .toBeTruthy()
  expect(lab.asked).toEqual([])
  client.socket.destroy()
}

/** `nothing` is sent in one head and is never seen by the upstream. */
const HEADS: Readonly<Record<string, Fields>> = {
  'another authority': withField(':authority', 'other.test'),
  'another port': withField(':authority', 'allowed.test:8443'),
  'an authority with a user': withField(':authority', 'allowed.test@other.test'),
  'no authority': withField(':authority', undefined),
  'no method': withField(':method', undefined),
  'no scheme': withField(':scheme', undefined),
  'no path': withField(':path', undefined),
  'another scheme': withField(':scheme', 'http'),
  'an absolute path': withField(':path', 'https://other.test/'),
  'a path of an asterisk': withField(':path', '*'),
  'a path with a blank': withField(':path', '/a b'),
  'an empty path': withField(':path', ''),
  'CONNECT': [[':method', 'CONNECT'], [':authority', 'allowed.test']],
  'CONNECT as RFC 8441 has it': [...withField(':method', 'CONNECT'), [':protocol', 'websocket']],
  'an unknown method': withField(':method', 'BREW'),
  'a method in small letters': withField(':method', 'get'),
  'an unknown pseudo-header': [...PLAIN, [':status', '200']],
  'a pseudo-header twice': [...PLAIN, [':path', '/other']],
  'an authority twice': [...PLAIN, [':authority', 'other.test']],
  'a pseudo-header after fields': [['x-a', 'b'], ...PLAIN],
  'another host': [...PLAIN, ['host', 'other.test']],
  'two hosts': [...PLAIN, ['host', 'allowed.test'], ['host', 'allowed.test']],
  'a transfer coding': [...PLAIN, ['transfer-encoding', 'chunked']],
  'a connection field': [...PLAIN, ['connection', 'keep-alive']],
  'an upgrade': [...PLAIN, ['upgrade', 'websocket']],
  'te for more than trailers': [...PLAIN, ['te', 'gzip']],
  'a length without a body': [...PLAIN, ['content-length', '5']],
  'two lengths': [...PLAIN, ['content-length', '0'], ['content-length', '0']],
  'a length that is none': [...PLAIN, ['content-length', '+0']],
  'a look-alike of a length': [...PLAIN, ['content_length', '0']],
  'CR and LF in a path': withField(':path', '/\r\nx: y'),
  'CR and LF in an authority': withField(':authority', 'allowed.test\r\nx: y'),
  'a field twice that has one value': [...PLAIN, ['user-agent', 'a'], ['user-agent', 'b']],
  'another expectation': [...PLAIN, ['expect', '200-ok']],
} // prettier-ignore

export const h2Cases: readonly Case[] = [
  {
    ids: ['PXY-26', 'PXY-02'],
    title: 'a stream of HTTP/2 whose head has no one reading is never forwarded',
    run: async () => {
      for (const [what, fields] of Object.entries(HEADS))
        await inH2Lab({}, async (lab) => {
          await refusedHead(lab, headers(fields)).catch((error: unknown) => {
            throw new Error(what, { cause: error })
          })
        })
    },
  },
  {
    ids: ['PXY-26', 'PXY-11'],
    title: 'a second host on a connection of HTTP/2 is refused, also one that is declared',
    control: 'authority-equality',
    run: () =>
      inH2Lab({ routes: [h2Route(), h2Route({ host: 'other.test' })] }, async (lab) => {
        const session = await lab.dialled()
        const other = await ask(session, { ':authority': 'other.test' })
        expect(other.headers[':status']).toBe(421)
        expect((await ask(session, { ':authority': 'Allowed.Test:443' })).headers[':status']).toBe(200)
        expect(lab.lab.dialled).toEqual(['allowed.test:443'])
      }),
  },
  {
    ids: ['PXY-26'],
    title: 'a field of HTTP/2 with CR, LF or NUL in it goes nowhere',
    run: () =>
      inH2Lab({}, async (lab) => {
        const client = await lab.framing()
        const values = ['a\r\nx-in: y', 'a\nb', 'a\0b']
        for (const [at, value] of values.entries())
          client.send(headers([...PLAIN, ['x-out', value]], END_STREAM | END_HEADERS, 2 * at + 1))
        client.send(headers([...PLAIN, ['x-last', 'fine']], END_STREAM | END_HEADERS, 2 * values.length + 1))
        await expect.poll(() => lab.asked.some(({ headers: seen }) => seen['x-last'] === 'fine')).toBe(true)
        for (const { raw } of lab.asked) expect(raw.join('\n')).not.toMatch(/x-out|x-in|\r|\0/)
      }),
  },
  {
    ids: ['PXY-26', 'PXY-17'],
    title: 'a body of HTTP/2 that is not as long as it says is not taken for a whole one',
    run: async () => {
      for (const [length, body] of [
        ['3', 'longer'],
        ['20', 'shorter'],
      ] as const)
        await inH2Lab({}, async (lab) => {
          const fields: Fields = [...withField(':method', 'PUT'), ['content-length', length]]
          const client = await lab.framing()
          client.send(headers(fields, END_HEADERS)).send(frame(0, END_STREAM, 1, Buffer.from(body)))
          await expect
            .poll(() => framesOf(client.text).some(({ type }) => type === RST_STREAM || type === GOAWAY))
            .toBe(true)
          expect(lab.asked.filter(({ ended }) => ended)).toEqual([])
          client.socket.destroy()
        })
    },
  },
  {
    ids: ['PXY-26'],
    title: 'a flood by HTTP/2 ends its connection: continuations, resets, streams, empty frames',
    run: async () => {
      const put = withField(':method', 'PUT')
      const floods: Readonly<Record<string, (at: number) => Buffer>> = {
        continuations: (at) =>
          at === 0 ? headers(PLAIN, 0) : frame(9, 0, 1, literal('x-fill', 'x'.repeat(1000))),
        'empty continuations': (at) => (at === 0 ? headers(PLAIN, 0) : frame(9, 0, 1)),
        resets: (at) =>
          Buffer.concat([
            headers(PLAIN, END_HEADERS | END_STREAM, 2 * at + 1),
            frame(RST_STREAM, 0, 2 * at + 1, Buffer.from([0, 0, 0, 8])),
          ]),
        'streams beyond what was offered': (at) => headers(put, END_HEADERS, 2 * at + 1),
        'empty data': (at) => (at === 0 ? headers(put, END_HEADERS) : frame(0, 0, 1)),
      }
      for (const [what, flood] of Object.entries(floods))
        await inH2Lab({ serving: () => {} }, async (lab) => {
          const client = await lab.framing()
          for (let at = 0; at < 5000 && !client.closed; at++) {
            client.send(flood(at))
            if (at % 100 === 0) await new Promise(setImmediate)
          }
          await client.ended().catch((error: unknown) => {
            throw new Error(what, { cause: error })
          })
          expect(lab.asked.length).toBeLessThan(300)
        })
    },
  },
  {
    ids: ['PXY-26', 'PXY-34'],
    title: 'a head of HTTP/2 that is small on the wire and large when unpacked is refused',
    run: () =>
      inH2Lab({ serving: () => {} }, async (lab) => {
        const client = await lab.framing()
        const stored = Buffer.concat([Buffer.from([0x40]), literal('x-fill', 'x'.repeat(3000)).subarray(1)])
        client.send(frame(1, END_HEADERS | END_STREAM, 1, Buffer.concat([block(PLAIN), stored])))
        await expect.poll(() => lab.asked.length).toBe(1)
        // The one entry of the table, a hundred times.
        const naming = Buffer.concat([block(PLAIN), Buffer.alloc(100, 0xbe)])
        for (const stream of [3, 5, 7]) client.send(frame(1, END_HEADERS | END_STREAM, stream, naming))
        const told = (): readonly string[] => lab.lab.lines.map(({ rule }) => rule)
        await expect.poll(told).toEqual(Array(3).fill('request-too-large'))
        expect(lab.asked).toHaveLength(1)
      }),
  },
  {
    ids: ['DLP-01'],
    title: 'a secret in a stream of HTTP/2 stops it: in path, header, body, message, trailer',
    control: 'outbound-scan',
    run: () =>
      inH2Lab({ routes: [h2Route()], secrets: { TOKEN: SECRET } }, async (lab) => {
        const session = await lab.dialled()
        const put = { ':method': 'PUT' }
        const grpc = { ':method': 'POST', 'content-type': 'application/grpc' }
        expect((await ask(session, { ':path': `/${SECRET}` })).headers[':status']).toBe(403)
        expect((await ask(session, { 'x-note': SECRET })).headers[':status']).toBe(403)
        expect((await ask(session, { [SECRET]: 'x' })).headers[':status']).toBe(403)
        expect((await ask(session, put, SECRET)).headers[':status']).toBe(403)
        expect((await ask(session, grpc, message(SECRET))).headers['grpc-status']).toBe('7')
        const stream = session.request({ ':path': '/', ...put }, { waitForTrailers: true })
        stream.once('wantTrailers', () => stream.sendTrailers({ 'x-note': SECRET }))
        const answer = answered(stream)
        stream.end('fine')
        await answer
        expect(lab.lab.received()).not.toContain(SECRET)
        expect(lab.asked.flatMap(({ raw, body }) => [...raw, body]).join('\n')).not.toContain(SECRET)
      }),
  },
  {
    ids: ['DLP-01'],
    title: 'a canary in a header of HTTP/2 is refused as what it is',
    control: 'canary',
    run: () =>
      inH2Lab({ marks: { canary: 'npm_canaryOfThisBottle0123456789abcdef' } }, async (lab) => {
        await ask(await lab.dialled(), { 'x-note': 'npm_canaryOfThisBottle0123456789abcdef' })
        expect(lab.asked).toEqual([])
        expect(lab.lab.lines).toMatchObject([{ decision: 'deny', rule: 'canary' }])
      }),
  },
  {
    ids: ['CRD-02'],
    title: 'what the agent sends as a credential in HTTP/2 is dropped, and that of the route is put on',
    control: 'credential-strip',
    run: () =>
      inH2Lab({ routes: [h2Route({ auth: AUTH })], secrets: { TOKEN: SECRET } }, async (lab) => {
        const { headers: said } = await ask(await lab.dialled(), { 'x-api-key': 'mine', cookie: 'a=b' })
        expect(said[':status']).toBe(200)
        expect(lab.asked[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}` })
        expect(lab.asked[0]?.headers).not.toHaveProperty('cookie')
        expect(lab.asked[0]?.headers).not.toHaveProperty('x-api-key')
      }),
  },
  {
    ids: ['CRD-07'],
    title: 'a credential does not come back by HTTP/2: not in header, body, message or trailer',
    control: 'response-scrub',
    run: async () => {
      const saying: Serving = (stream, { headers: seen }) => {
        const value = String(seen.authorization)
        const grpc = seen['content-type'] === 'application/grpc'
        stream.respond(
          { ':status': 200, 'x-back': value, ...(grpc && { 'content-type': 'application/grpc' }) },
          { waitForTrailers: true },
        )
        stream.once('wantTrailers', () => stream.sendTrailers({ 'x-last': value, 'grpc-status': '0' }))
        stream.end(grpc ? message(`you said ${value}`) : `you said ${value}`)
      }
      const options = { serving: saying, routes: [h2Route({ auth: AUTH })], secrets: { TOKEN: SECRET } }
      await inH2Lab(options, async (lab) => {
        const session = await lab.dialled()
        const plain = await ask(session)
        const grpc = await ask(
          session,
          { ':method': 'POST', 'content-type': 'application/grpc' },
          message('hello'),
        )
        for (const { headers: head, body, trailers } of [plain, grpc]) {
          expect({ status: head[':status'], body }).toMatchObject({
            status: 200,
            body: expect.stringContaining('you said Bearer **'),
          })
          expect(trailers['x-last']).toContain('**')
          expect(JSON.stringify([head, body, trailers])).not.toContain(SECRET)
        }
      })
    },
  },
  {
    ids: ['ISO-03', 'PXY-29', 'CRD-16'],
    title:
      'a route that goes closes its streams of HTTP/2 at once, and one that narrows those it no longer allows',
    control: 'generations',
    run: () =>
      inH2Lab({ serving: () => {} }, async (lab) => {
        const session = await lab.dialled()
        const streams = ['/kept', '/gone'].map((path) => answered(session.request({ ':path': path })))
        await expect.poll(() => lab.asked.length, { timeout: 3000 }).toBe(2)
        lab.lab.configure([h2Route({ matches: [{ paths: [{ exact: '/kept' }] }] })])
        const [kept, gone] = lab.asked.map(({ headers: seen }) => seen[':path'] === '/kept')
        await expect.poll(() => lab.asked[gone === false ? 1 : 0]?.closed, { timeout: 400 }).toBe(true)
        expect(kept).toBe(true)
        expect(lab.asked.filter(({ closed }) => !closed).map(({ headers: seen }) => seen[':path'])).toEqual([
          '/kept',
        ])
        lab.lab.configure([h2Route({ protocols: [] })])
        await Promise.all(streams)
        await expect.poll(() => session.closed).toBe(true)
        expect(lab.lab.lines.filter(({ rule }) => rule === 'policy-narrowed')).toHaveLength(2)
      }),
  },
]
