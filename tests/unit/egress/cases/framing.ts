/* oxlint-disable vitest/no-standalone-expect -- cases are run by cases.test.ts */
/** One request, one response: what may not be read in two ways (PXY-17 to PXY-20, PXY-33, PXY-34). */
import { expect } from 'vitest'
import { answerOk, answerWith, endOfRequest, route } from '../lab.ts'
import type { Client } from '../lab.ts'
import { inLab } from './case.ts'
import type { Case } from './case.ts'

const POST = 'POST / HTTP/1.1\r\nHost: allowed.test\r\n'
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`
const HIDDEN = 'GET /smuggled HTTP/1.1\r\nHost: allowed.test\r\n\r\n'

/** Requests that two servers could read in two ways. */
export const VECTORS: Readonly<Record<string, string>> = {
  'length then chunked': `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
  'chunked then length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX`,
  'chunked with a comma': `${POST}Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n`,
  'chunked in a list': `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'chunked and identity': `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'an unknown coding': `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'a vertical tab before chunked': `${POST}Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n`,
  'space before the colon': `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  'a look-alike of the field': `${POST}Transfer_Encoding: chunked\r\nContent_Length: 5\r\n\r\n`,
  'chunked for HTTP/1.0':
    'POST / HTTP/1.0\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'length twice, different': `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  'length twice, the same': `${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
  'length as a list': `${POST}Content-Length: 1, 1\r\n\r\na`,
  'length with a sign': `${POST}Content-Length: +1\r\n\r\na`,
  'length in hexadecimal': `${POST}Content-Length: 0x1\r\n\r\na`,
  'negative length': `${POST}Content-Length: -1\r\n\r\n`,
  'enormous length': `${POST}Content-Length: 99999999999999999999\r\n\r\n`,
  'empty length': `${POST}Content-Length: \r\n\r\n`,
  'a bare LF in the head': 'POST / HTTP/1.1\nHost: allowed.test\n\n',
  'a bare LF between fields': `POST / HTTP/1.1\r\nHost: allowed.test\nX: y\r\n\r\n`,
  'a bare CR in a value': `${POST}X: a\rTransfer-Encoding: chunked\r\n\r\n`,
  'a folded field': `${POST}X: a\r\n Transfer-Encoding: chunked\r\n\r\n`,
  'a folded first field': `POST / HTTP/1.1\r\n Host: allowed.test\r\nHost: allowed.test\r\n\r\n`,
  'NUL in a value': `${POST}X: a\u0000b\r\n\r\n`,
  'NUL in a name': `${POST}X\u0000: a\r\n\r\n`,
  'a line without a colon': `${POST}nonsense\r\n\r\n`,
  'an empty name': `${POST}: a\r\n\r\n`,
  'an empty line in front': `\r\n${POST}\r\n`,
  'two spaces in the request line': 'POST  / HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
  'a tab in the request line': 'POST\t/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
  'HTTP/1.2': 'POST / HTTP/1.2\r\nHost: allowed.test\r\n\r\n',
  'HTTP/2.0': 'POST / HTTP/2.0\r\nHost: allowed.test\r\n\r\n',
  'no version': 'POST /\r\nHost: allowed.test\r\n\r\n',
  'a fragment in the target': 'POST /#x HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
  'a chunk extension': `${CHUNKED}1;a=b\r\na\r\n0\r\n\r\n`,
  'a chunk size with 0x': `${CHUNKED}0x1\r\na\r\n0\r\n\r\n`,
  'a chunk size with a space': `${CHUNKED}1 \r\na\r\n0\r\n\r\n`,
  'an overflowing chunk size': `${CHUNKED}fffffffff1\r\na\r\n0\r\n\r\n`,
  'an empty chunk size': `${CHUNKED}\r\na\r\n0\r\n\r\n`,
  'a chunk without its CRLF': `${CHUNKED}1\r\nab\r\n0\r\n\r\n`,
  'a chunk line with a bare LF': `${CHUNKED}1\na\r\n0\r\n\r\n`,
  'a trailer that is no field': `${CHUNKED}1\r\na\r\n0\r\nnonsense\r\n\r\n`,
  'an unknown expectation': `${POST}Expect: 200-ok\r\nContent-Length: 0\r\n\r\n`,
}

const complete = (text: string): number => {
  let [rest, count] = [text, 0]
  for (;;) {
    const end = endOfRequest(rest)
    if (end === -1) return count
    rest = rest.slice(end)
    count++
  }
}

const asTunnel = (client: Client, bytes: string): Promise<string> => client.send(bytes).ended()

export const framingCases: readonly Case[] = [
  ...Object.entries(VECTORS).map(([title, bytes]): Case => ({
    ids: ['PXY-17'],
    title: `${title} is refused and ends the connection`,
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        const answer = await asTunnel(await lab.tunnel(), bytes + HIDDEN)
        expect(answer).toMatch(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 (?:400|417) /)
        expect(answer.match(/HTTP\/1\.1 [2-5]/g)).toHaveLength(1)
        expect(complete(lab.received())).toBe(0)
        expect(lab.received()).not.toContain('smuggled')
      }),
  })),
  {
    ids: ['PXY-17'],
    title: 'of requests that could be read in two ways upstream sees none',
    control: 'strict-framing',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        for (const title of ['length then chunked', 'length twice, different', 'a chunk extension']) {
          expect(await asTunnel(await lab.tunnel(), (VECTORS[title] ?? '') + HIDDEN)).toContain(
            'HTTP/1.1 400',
          )
        }
      }),
  },
  {
    ids: ['PXY-17'],
    title: 'chunks and trailers are framed anew: upstream sees one request, our framing, no trailers',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        const client = await lab.tunnel()
        await client.send(`${CHUNKED}3\r\nabc\r\n002\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n`).response()
        expect(lab.received()).toBe(
          'POST / HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n',
        )
        await client.send('GET / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 2\r\n\r\nhi').response()
        expect(complete(lab.received())).toBe(2)
      }),
  },
  {
    ids: ['PXY-18'],
    title: 'pipelined requests are judged one by one, and a refusal ends the connection',
    run: () =>
      inLab({ routes: [route({ matches: [{ paths: [{ prefix: '/ok' }] }] })] }, async (lab) => {
        const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: allowed.test\r\n\r\n`
        const answer = await asTunnel(await lab.tunnel(), get('/ok1') + get('/no') + get('/ok2'))
        expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403'])
        const unread = await asTunnel(
          await lab.tunnel(),
          `POST /no HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 500\r\n\r\n${get('/ok3')}`,
        )
        expect(unread.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403'])
        expect(lab.received()).toBe(get('/ok1'))
      }),
  },
  {
    ids: ['PXY-19'],
    title: 'bytes after the end of a response are dropped with their connection',
    control: 'response-framing',
    run: () =>
      inLab(
        {
          routes: [route()],
          upstreams: {
            'allowed.test:443': answerWith((_, count) =>
              count === 0
                ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
                : 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean',
            ),
          },
        },
        async (lab) => {
          const client = await lab.tunnel()
          expect(await client.get('/a')).toContain('\r\n\r\nok')
          expect(await client.get('/b')).not.toContain('poison')
          expect(lab.upstream().connections).toBe(2)
        },
      ),
  },
  ...Object.entries({
    'length and chunks at once':
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
    'a folded field': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok',
    'endless interim answers': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40),
    'a coding nobody asked for': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'a status line of another protocol': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  }).map(([title, response]): Case => ({
    ids: ['PXY-19'],
    title: `an upstream that answers with ${title} is a 502`,
    run: () =>
      inLab(
        { routes: [route()], upstreams: { 'allowed.test:443': answerWith(() => response) } },
        async (lab) => {
          expect(
            await asTunnel(await lab.tunnel(), 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n'),
          ).toContain('HTTP/1.1 502')
        },
      ),
  })),
  {
    ids: ['PXY-20', 'PXY-23'],
    title:
      'proxy, forwarding and hop-by-hop fields do not travel, redirects are not followed, Alt-Svc is dropped',
    run: () =>
      inLab(
        {
          routes: [route()],
          upstreams: {
            'allowed.test:443': answerWith(
              () =>
                'HTTP/1.1 302 Found\r\nLocation: https://denied.test/\r\nAlt-Svc: h3=":443"\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 0\r\n\r\n',
            ),
          },
        },
        async (lab) => {
          const answer = await (
            await lab.tunnel()
          ).get(
            '/',
            'Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nVia: 1.1 a\r\nX-Forwarded-Host: evil.test\r\nX_Forwarded_For: 1.2.3.4\r\nForwarded: for=1\r\nProxy-Authorization: Basic eA==\r\nX-Original-URL: /no\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTE: trailers\r\n',
          )
          expect(lab.received()).toBe('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
          expect(answer).toBe(
            'HTTP/1.1 302 Found\r\nLocation: https://denied.test/\r\nContent-Length: 0\r\n\r\n',
          )
          expect(lab.dialled).toEqual(['allowed.test:443'])
        },
      ),
  },
  {
    ids: ['PXY-33'],
    title:
      'a refusal is fixed words: JSON by Accept, nothing of the agent’s bytes but canonical ones, no hint to try again',
    run: () =>
      inLab({ routes: [route({ matches: [] })] }, async (lab) => {
        const answer = await asTunnel(
          await lab.tunnel(),
          "GET /a'&b?canary=CANARY HTTP/1.1\r\nHost: allowed.test\r\nAccept: application/json\r\nX: CANARY\r\n\r\n",
        )
        expect(answer).toContain('Content-Type: application/json')
        expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
          error: {
            code: 'request-undeclared',
            message:
              'allowed.test is declared for this bottle, but no entry of its matches allows this request (rule request-undeclared).',
            allow:
              'egress.routes: [{ host: allowed.test, matches: [{ methods: [GET], paths: [{ exact: "/a\'&b" }] }] }]',
          },
        })
        expect(answer).not.toContain('CANARY')
        expect(answer.toLowerCase()).not.toContain('retry')
        const hostile = await lab
          .raw()
          .send('CONNECT <b>\u001b[31m.test:443 HTTP/1.1\r\nHost: x\r\n\r\n')
          .ended()
        expect(hostile).toContain('HTTP/1.1 400')
        expect(hostile).not.toContain('\u001b')
        expect(hostile).not.toContain('<b>')
      }),
  },
  {
    ids: ['PXY-34'],
    title: 'large heads, many fields and slow heads are refused within bounds',
    run: () =>
      inLab({ routes: [route()], limits: { headMs: 300, connections: 3 } }, async (lab) => {
        const large = await asTunnel(
          await lab.tunnel(),
          `GET / HTTP/1.1\r\nHost: allowed.test\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`,
        )
        expect(large).toContain('HTTP/1.1 431')
        const many = await asTunnel(
          await lab.tunnel(),
          `GET / HTTP/1.1\r\nHost: allowed.test\r\n${'a:b\r\n'.repeat(200)}\r\n`,
        )
        expect(many).toContain('HTTP/1.1 431')
        expect(await asTunnel(await lab.tunnel(), 'GET / HTTP/1.1\r\nHo')).toContain('HTTP/1.1 408')
        const held = [lab.raw(), lab.raw(), lab.raw()]
        await Promise.all(
          held.map((client) => new Promise((resolve) => client.socket.once('connect', resolve))),
        )
        expect(await lab.raw().send('').ended()).toContain('HTTP/1.1 503')
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['PXY-17'],
    title: 'Expect: 100-continue is answered once the request is allowed, and never before',
    run: () =>
      inLab(
        {
          routes: [route({ matches: [{ paths: [{ exact: '/ok' }] }] })],
          upstreams: { 'allowed.test:443': answerOk },
        },
        async (lab) => {
          const client = await lab.tunnel()
          client.send(
            'POST /ok HTTP/1.1\r\nHost: allowed.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
          )
          expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
          client.text = ''
          expect(await client.send('hi').response()).toContain('200 OK')
          expect(lab.received()).not.toContain('Expect')
          const denied = await asTunnel(
            await lab.tunnel(),
            'POST /no HTTP/1.1\r\nHost: allowed.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
          )
          expect(denied).not.toContain('100 Continue')
        },
      ),
  },
]
