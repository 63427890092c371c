/** Credentials: what the agent sends, what is put on, what comes back, and to whom (groups D and E). */
import { expect } from 'vitest'
import { formsOf } from '../../../../sidecars/egress/secrets/forms.ts'
import { answerOk, answerWith, certificateFor, newAuthority, route } from '../lab.ts'
import type { Answering } from '../lab.ts'
import { connectTo, inLab, refused } from './case.ts'
import type { Case } from './case.ts'

const SECRET = 'sk/Test+Value="42"&é'
const PLAIN = 'sk-test-0123456789abcdef'
const SHORT = 'Qx7-Zk9'
const secrets = { 'env:KEY': PLAIN }
const bearer = route({ auth: { scheme: 'bearer', secret: 'env:KEY' } })
const AGENTS =
  'Authorization: Bearer mine-1\r\nCookie: a=mine-2\r\nX-Api-Key: mine-3\r\nX_Api_Key: mine-4\r\nPrivate-Token: mine-5\r\nProxy-Authorization: mine-6\r\nX-Vendor-Token: mine-7\r\n'

/** An upstream that says back what it was given, in every form. */
const echoing = answerWith((request) => {
  const given = /^(?:authorization|x-key): (?:bearer |basic |token )?(.*)$/im.exec(request)?.[1] ?? ''
  const forms = formsOf(Buffer.from(given, 'latin1').toString(), []).map(({ bytes }) =>
    bytes.toString('latin1'),
  )
  const body = `begin ${given} ${forms.join(' | ')} end`
  return `HTTP/1.1 200 ${given}\r\nX-Echo: ${given}\r\nLocation: https://x.test/?k=${encodeURIComponent(given)}\r\n${/^[\w-]+$/.test(given) ? `X-${given}: 1\r\n` : ''}Content-Length: ${body.length}\r\n\r\n${body}`
})

function expectNone(text: string, value: string, rendered: readonly string[] = []): void {
  for (const { bytes, folded } of formsOf(value, rendered)) {
    const form = bytes.toString('latin1')
    expect(folded ? text.toLowerCase() : text).not.toContain(folded ? form.toLowerCase() : form)
  }
}

export const credentialCases: readonly Case[] = [
  {
    ids: ['CRD-03'],
    title: 'every credential of the agent is dropped and exactly one is set',
    control: 'credential-strip',
    run: () =>
      inLab({ routes: [bearer], secrets }, async (lab) => {
        await (await lab.tunnel()).get('/a?key=mine-8&x=1&access%5Ftoken=mine-9', AGENTS)
        expect(lab.received()).toBe(
          `GET /a?x=1 HTTP/1.1\r\nHost: allowed.test\r\nAccept-Encoding: identity\r\nAuthorization: Bearer ${PLAIN}\r\n\r\n`,
        )
      }),
  },
  {
    ids: ['CRD-03'],
    title: 'on a route without credential the agent’s own is dropped, unless the route says from-agent',
    control: 'credential-strip',
    run: () =>
      inLab(
        {
          routes: [route(), route({ host: 'own.test', auth: { scheme: 'from-agent' } })],
          upstreams: { 'own.test:443': answerOk },
        },
        async (lab) => {
          await (await lab.tunnel()).get('/?token=mine-8', AGENTS)
          expect(lab.upstream().received()).toBe('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
          await (await lab.tunnel('own.test')).get('/', 'Authorization: Bearer mine-1\r\n', 'own.test')
          expect(lab.upstream('own.test:443').received()).toContain('Authorization: Bearer mine-1')
        },
      ),
  },
  {
    ids: ['CRD-03'],
    title: 'each scheme sets its own slot, once',
    run: async () => {
      const schemes = [
        [{ scheme: 'token', secret: 'env:KEY' }, `Authorization: token ${PLAIN}`],
        [
          { scheme: 'basic', username: 'bot', secret: 'env:KEY' },
          `Authorization: Basic ${Buffer.from(`bot:${PLAIN}`).toString('base64')}`,
        ],
        [{ scheme: 'header', name: 'X-Custom', secret: 'env:KEY' }, `X-Custom: ${PLAIN}`],
        [{ scheme: 'query', name: 'api', secret: 'env:KEY' }, `GET /?a=1&api=${PLAIN} HTTP/1.1`],
      ] as const
      for (const [auth, expected] of schemes)
        await inLab({ routes: [route({ auth })], secrets }, async (lab) => {
          await (await lab.tunnel()).get('/?a=1&api=agent', 'X-Custom: agent\r\n')
          expect(lab.received().split(expected)).toHaveLength(2)
          if (auth.scheme === 'header') expect(lab.received()).not.toContain('X-Custom: agent')
          if (auth.scheme === 'query') expect(lab.received()).not.toContain('api=agent')
        })
    },
  },
  {
    ids: ['CRD-15'],
    title: 'a missing or emptied credential blocks the route: never anonymous',
    control: 'credential-binding',
    run: () =>
      inLab({ routes: [bearer] }, async (lab) => {
        for (const held of [
          {},
          { 'env:KEY': '' },
          Object.create({ 'env:KEY': 'inherited' }) as Record<string, string>,
        ]) {
          lab.configure([bearer], held)
          const answer = await (
            await lab.tunnel()
          )
            .send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
            .ended()
          expect(answer).toContain('credential-missing')
        }
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['CRD-05'],
    title: 'a value with CR, LF, NUL or other controls is never sent',
    run: () =>
      inLab({ routes: [bearer] }, async (lab) => {
        for (const value of [
          'good\r\nX-Evil: 1',
          'good\nbad',
          'good\u0000bad',
          'with space',
          'bücher',
          '\u007f\u007f\u007f\u007f',
        ]) {
          lab.configure([bearer], { 'env:KEY': value })
          const answer = await (
            await lab.tunnel()
          )
            .send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
            .ended()
          expect(answer).toContain('credential-invalid')
          expect(answer).not.toContain('Evil')
        }
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['CRD-06'],
    title: 'a credential is never sent without TLS',
    control: 'credential-binding',
    run: () =>
      inLab(
        {
          routes: [{ ...bearer, scheme: 'http', port: 80 }],
          secrets,
          upstreams: { 'allowed.test:80': answerOk },
        },
        async (lab) => {
          expect(
            await refused(lab, 'GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n', 403),
          ).toContain('credential-cleartext')
          expect(lab.received()).toBe('')
        },
      ),
  },
  {
    ids: ['CRD-02', 'CRD-09'],
    title: 'the credential of one route goes to no other host, port or path, and connections are not shared',
    run: () => {
      const routes = [
        { ...bearer, matches: [{ paths: [{ prefix: '/in/' }] }] },
        route({ host: 'other.test' }),
        route({ port: 8443 }),
      ]
      return inLab(
        { routes, secrets, upstreams: { 'other.test:443': answerOk, 'allowed.test:8443': answerOk } },
        async (lab) => {
          expect(await (await lab.tunnel()).get('/in/a')).toContain('200 OK')
          await (await lab.tunnel('other.test')).get('/in/a', '', 'other.test')
          await (await lab.tunnel('allowed.test', { port: 8443 })).get('/in/a', '', 'allowed.test:8443')
          expect(
            await (await lab.tunnel()).send('GET /out HTTP/1.1\r\nHost: allowed.test\r\n\r\n').ended(),
          ).toContain('403')
          expect(lab.received().split(PLAIN)).toHaveLength(2)
          expect(lab.upstream().received().split(PLAIN)).toHaveLength(2)
        },
      )
    },
  },
  {
    ids: ['PXY-23', 'CRD-09'],
    title:
      'the target of a redirect is judged by itself and gets its own credential, never that of the redirector',
    run: () => {
      const away = (to: string) => () =>
        `HTTP/1.1 307 Temporary Redirect\r\nLocation: https://${to}/in\r\nRefresh: 0; url=https://${to}/\r\nLink: <https://${to}/>; rel=preload\r\nAlt-Svc: h2="${to}:443"\r\nContent-Length: 0\r\n\r\n`
      const routes = [
        bearer,
        route({ host: 'other.test', auth: { scheme: 'bearer', secret: 'env:OTHER' } }),
        route({ host: 'plain.test' }),
      ]
      const upstreams = {
        'allowed.test:443': answerWith((_, count) =>
          away(['other.test', 'plain.test', 'denied.test', '169.254.169.254'][count] ?? '')(),
        ),
        'other.test:443': answerOk,
        'plain.test:443': answerOk,
        'denied.test:443': answerOk,
      }
      const held = { ...secrets, 'env:OTHER': 'other-secret-value' }
      return inLab({ routes, secrets: held, upstreams }, async (lab) => {
        const client = await lab.tunnel()
        for (const host of ['other.test', 'plain.test', 'denied.test', '169.254.169.254']) {
          const answer = await client.send('POST / HTTP/1.1\r\nHost: allowed.test\r\n\r\n').response()
          expect(answer).toContain(`Location: https://${host}/in`)
          expect(answer.toLowerCase()).not.toContain('alt-svc')
        }
        expect(lab.dialled, 'nothing is followed').toEqual(['allowed.test:443'])
        for (const host of ['other.test', 'plain.test'])
          expect(await (await lab.tunnel(host)).get('/in', '', host)).toContain('200 OK')
        for (const host of ['denied.test:443', '169.254.169.254:443'])
          await refused(lab, connectTo(host), 403)
        expect(lab.upstream('other.test:443').received()).toContain('Bearer other-secret-value')
        expect(lab.upstream('plain.test:443').received()).toBe('GET /in HTTP/1.1\r\nHost: plain.test\r\n\r\n')
        expect(lab.received().split(PLAIN), 'control: its own host got it').toHaveLength(5)
        expect(lab.upstream().received().split(PLAIN)).toHaveLength(5)
      })
    },
  },
  {
    ids: ['CRD-07'],
    title: 'a credential that is said back is masked in head and body, in every listed form',
    control: 'response-scrub',
    run: async () => {
      for (const [auth, value] of [
        [{ scheme: 'bearer', secret: 'env:KEY' }, PLAIN],
        [{ scheme: 'basic', username: 'bot', secret: 'env:KEY' }, SECRET],
        [{ scheme: 'header', name: 'X-Key', secret: 'env:KEY' }, 'v/Test+Value="42"& x'],
      ] as const) {
        await inLab(
          {
            routes: [route({ auth })],
            secrets: { 'env:KEY': value },
            upstreams: { 'allowed.test:443': echoing },
          },
          async (lab) => {
            const client = await lab.tunnel()
            const answer = await client.get()
            expect(answer).toContain('begin ***')
            expect(answer).toContain(' end')
            expectNone(
              answer,
              value,
              auth.scheme === 'basic' ? [Buffer.from(`bot:${value}`).toString('base64')] : [],
            )
          },
        )
      }
    },
  },
  {
    ids: ['CRD-07'],
    title: 'a credential cut at any byte, over chunks and events, is masked and nothing else is held back',
    control: 'response-scrub',
    run: () => {
      const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
      /** Asked for `/5` it says the credential in two chunks, five bytes of it in the first. */
      const cutting: Answering = (socket, _soFar, piece) => {
        const cut = Number(/^GET \/(\d+)/.exec(piece.toString('latin1'))?.[1])
        const head =
          'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
        socket.setNoDelay(true)
        socket.write(head + chunk(`data: ${PLAIN.slice(0, cut)}`))
        setImmediate(() => socket.write(`${chunk(`${PLAIN.slice(cut)}\n\n`)}0\r\nX-Echo: ${PLAIN}\r\n\r\n`))
      }
      const upstreams = { 'allowed.test:443': cutting }
      return inLab({ routes: [bearer], secrets, upstreams }, async (lab) => {
        const client = await lab.tunnel()
        for (let cut = 1; cut < PLAIN.length; cut++) {
          const text = await client.get(`/${cut}`)
          const body = text.slice(text.indexOf('\r\n\r\n') + 4).replaceAll(/[0-9a-f]+\r\n([^\r]*)\r\n/g, '$1')
          expect(body).toBe(`data: ${'*'.repeat(PLAIN.length)}\n\n`)
          expect(text).not.toContain('X-Echo')
        }
        expect(lab.upstream().connections, 'control: all of them over one connection').toBe(1)
      })
    },
  },
  {
    ids: ['CRD-07'],
    title: 'an encoding that cannot be searched is refused, ranges and compression are not asked for',
    control: 'response-scrub',
    run: () =>
      inLab(
        {
          routes: [bearer],
          secrets,
          upstreams: {
            'allowed.test:443': answerWith(
              () => `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nzip`,
            ),
          },
        },
        async (lab) => {
          const answer = await (
            await lab.tunnel()
          )
            .send(
              'GET / HTTP/1.1\r\nHost: allowed.test\r\nAccept-Encoding: gzip, br\r\nRange: bytes=0-3\r\n\r\n',
            )
            .ended()
          expect(answer).toContain('HTTP/1.1 502')
          expect(lab.received()).toContain('Accept-Encoding: identity\r\n')
          expect(lab.received()).not.toMatch(/gzip|Range/)
        },
      ),
  },
  {
    ids: ['CRD-13'],
    title: 'no audit line, refusal or status holds a credential',
    run: () =>
      inLab(
        {
          routes: [
            bearer,
            route({ host: 'gone.test', auth: { scheme: 'basic', username: 'bot', secret: 'env:KEY' } }),
          ],
          // Too short for the scanner of what goes out, so that it gets this far.
          secrets: { 'env:KEY': SHORT },
        },
        async (lab) => {
          await (await lab.tunnel()).get(`/${SHORT}`)
          const answer = await (
            await lab.tunnel('gone.test')
          )
            .send(`GET /${SHORT} HTTP/1.1\r\nHost: gone.test\r\n\r\n`)
            .ended()
          expect(answer).toContain('HTTP/1.1 502')
          const status = lab.egress.status('nonce')
          expect(Object.keys(status.secrets)).toEqual(['env:KEY'])
          expectNone(JSON.stringify([lab.lines, status, answer]), SHORT)
        },
      ),
  },
  {
    ids: ['TLS-01', 'TLS-02'],
    title: 'an upstream that does not prove its name gets no byte, whatever the environment says',
    control: 'upstream-verify',
    run: async () => {
      const foreign = newAuthority(['test'])
      const trusted = newAuthority(['test'])
      const old = new Date(Date.now() - 30 * 86_400_000)
      const wrong = {
        'of an unknown authority': certificateFor(foreign.issuer, 'allowed.test'),
        'of another name': certificateFor(trusted.issuer, 'other.test'),
        expired: certificateFor(trusted.issuer, 'allowed.test', old),
      }
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
      try {
        for (const certificate of Object.values(wrong)) {
          await inLab(
            {
              routes: [bearer],
              secrets,
              trust: [trusted.root],
              certificates: { 'allowed.test': certificate },
            },
            async (lab) => {
              const answer = await (
                await lab.tunnel()
              )
                .send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
                .ended()
              expect(answer).toContain('HTTP/1.1 502')
              expect(answer).toContain('upstream-untrusted')
              expect(lab.received()).toBe('')
            },
          )
        }
      } finally {
        delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      }
    },
  },
  {
    ids: ['TLS-02'],
    title: 'the root of the bottle is not trusted upstream',
    control: 'upstream-verify',
    run: () =>
      inLab({ routes: [bearer], secrets, trust: [] }, async (lab) => {
        expect(
          await (await lab.tunnel()).send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n').ended(),
        ).toContain('upstream-untrusted')
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['TLS-10'],
    title: 'an upstream that speaks nothing newer than TLS 1.1 is refused',
    run: () =>
      inLab({ routes: [bearer], secrets, maxVersion: 'TLSv1.1' }, async (lab) => {
        expect(
          await (await lab.tunnel()).send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n').ended(),
        ).toContain('HTTP/1.1 502')
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['TLS-06'],
    title: 'nothing is minted for names that are not declared, and no tunnel without an issuer',
    control: 'default-deny',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        const client = lab.raw('tls')
        expect(
          await lab.secure(client, 'denied.test').then(
            () => 'open',
            () => 'refused',
          ),
        ).toBe('refused')
        expect(lab.lines).toMatchObject([{ rule: 'host-undeclared', host: 'denied.test' }])
        await inLab({ routes: [route()], withoutIssuer: true }, async (bare) => {
          expect(await refused(bare, connectTo('allowed.test:443'), 403)).toContain('issuer-missing')
        })
      }),
  },
]
