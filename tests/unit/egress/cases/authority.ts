/** Which upstream a request is for: groups B, C and D of containment.md as far as one process decides them. */
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { answerOk, route } from '../lab.ts'
import { connectTo, inLab, refused } from './case.ts'
import type { Case } from './case.ts'

const http = route({ scheme: 'http', port: 80 })
const other = route({ host: 'other.test', auth: { scheme: 'bearer', secret: 'env:OTHER' } })
const secrets = { 'env:OTHER': 'other-secret-value' }

export const authorityCases: readonly Case[] = [
  {
    ids: ['PXY-01'],
    title: 'an undeclared host is refused by CONNECT and by absolute form, and nothing is dialled',
    control: 'default-deny',
    run: () =>
      inLab(
        { routes: [route(), http], upstreams: { 'denied.test:443': answerOk, 'denied.test:80': answerOk } },
        async (lab) => {
          await refused(lab, connectTo('denied.test:443'), 403)
          await refused(lab, 'GET http://denied.test/ HTTP/1.1\r\nHost: denied.test\r\n\r\n', 403)
          expect(lab.dialled).toEqual([])
          expect(await (await lab.tunnel()).get()).toContain('200 OK')
        },
      ),
  },
  {
    ids: ['PXY-01', 'CRD-15'],
    title: 'an empty list of routes, and no configuration at all, allow nothing',
    control: 'default-deny',
    run: () =>
      inLab({ routes: [] }, async (lab) => void (await refused(lab, connectTo('allowed.test:443'), 403))),
  },
  {
    ids: ['PXY-02', 'PXY-05', 'PXY-30', 'NET-19'],
    title: 'addresses are refused, also one that a route names',
    control: 'ip-literals',
    run: () =>
      inLab(
        {
          routes: [route({ host: '127.0.0.1' }), route({ host: '169.254.169.254' })],
          upstreams: { '127.0.0.1:443': answerOk },
        },
        async (lab) => {
          for (const authority of [
            '127.0.0.1:443',
            '169.254.169.254:443',
            '[::1]:443',
            '[fd00:ec2::254]:443',
            '127.0.0.1:909',
          ]) {
            await refused(lab, connectTo(authority), 403)
          }
          expect(lab.dialled).toEqual([])
        },
      ),
  },
  {
    ids: ['PXY-03', 'PXY-13', 'PXY-15', 'PXY-06'],
    title: 'no other spelling of an authority is taken',
    control: 'ip-literals',
    run: () =>
      inLab({ routes: [route(), route({ host: '127.1' })] }, async (lab) => {
        for (const authority of [
          '127.1:443', '0x7f000001:443', '2130706433:443', '017700000001:443', '[::ffff:127.0.0.1]:443', '[fe80::1%25eth0]:443', 'a@allowed.test:443', 'allowed.test%2eevil.test:443',
          'allowed..test:443', 'allowed_x.test:443', 'allowed.test', 'allowed.test:0', 'allowed.test:65536', 'allowed.test:-1', 'allowed.test:0443', 'allowed.test\\@evil.test:443',
        ]) await refused(lab, connectTo(authority), 400) // prettier-ignore
        for (const target of [
          'http://allowed.test@evil.test/',
          'http://allowed.test\\@evil.test/',
          'http:/allowed.test/',
          'ftp://allowed.test/',
          '/',
          '*',
        ])
          await refused(lab, `GET ${target} HTTP/1.1\r\nHost: allowed.test\r\n\r\n`, 400)
        expect(lab.dialled).toEqual([])
      }),
  },
  {
    ids: ['PXY-06', 'PXY-14'],
    title: 'only the declared port and the declared name, not its neighbours',
    control: 'default-deny',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        for (const authority of [
          'allowed.test:22',
          'allowed.test:8443',
          'evilallowed.test:443',
          'allowed.test.evil.test:443',
          'x.allowed.test:443',
          'test.test:443',
        ])
          await refused(lab, connectTo(authority), 403)
        expect(lab.dialled).toEqual([])
      }),
  },
  {
    ids: ['DNS-07', 'PXY-05', 'PXY-30', 'NET-19'],
    title: 'local and metadata names are refused before anything, also declared ones',
    control: 'local-names',
    run: () => {
      const names = [
        'localhost',
        'x.localhost',
        'egress',
        'git-gate',
        'metadata.google.internal',
        'host.docker.internal',
      ]
      return inLab({ routes: names.map((host) => route({ host })) }, async (lab) => {
        for (const name of names)
          expect(await refused(lab, connectTo(`${name}:443`), 403)).toContain('local-name')
        expect(lab.dialled).toEqual([])
      })
    },
  },
  {
    ids: ['PXY-09'],
    title: 'a Host other than the absolute target is refused, both ways round',
    control: 'authority-equality',
    run: () =>
      inLab(
        {
          routes: [http, route({ host: 'second.test', scheme: 'http', port: 80 })],
          upstreams: { 'allowed.test:80': answerOk, 'second.test:80': answerOk },
        },
        async (lab) => {
          await refused(lab, 'GET http://allowed.test/ HTTP/1.1\r\nHost: second.test\r\n\r\n', 400)
          await refused(lab, 'GET http://second.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n', 400)
          expect(lab.received()).toBe('')
        },
      ),
  },
  {
    ids: ['PXY-10'],
    title: 'a request has exactly one Host of exactly one form',
    control: 'strict-framing',
    run: () =>
      inLab({ routes: [http], upstreams: { 'allowed.test:80': answerOk } }, async (lab) => {
        for (const hosts of [
          '',
          'Host: allowed.test\r\nHost: allowed.test\r\n',
          'Host: allowed.test, allowed.test\r\n',
          'Host: allowed.test:81\r\n',
          'Host: allowed .test\r\n',
          'Host: allowed\t.test\r\n',
          'Host: \r\n',
          'Host : allowed.test\r\n',
        ])
          await refused(lab, `GET http://allowed.test/ HTTP/1.1\r\n${hosts}\r\n`, 400)
        await refused(lab, 'GET http://allowed.test/ HTTP/1.0\r\n\r\n', 400)
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['PXY-11', 'CRD-02'],
    title: 'inside a tunnel another Host is refused: nothing is sent, no credential attached',
    control: 'authority-equality',
    run: () =>
      inLab({ routes: [route(), other], secrets, upstreams: { 'other.test:443': answerOk } }, async (lab) => {
        for (const host of ['denied.test', 'other.test', 'allowed.test:8443']) {
          const answer = await (await lab.tunnel()).send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).ended()
          expect(answer).toContain('HTTP/1.1 421')
        }
        expect(lab.received()).toBe('')
      }),
  },
  {
    ids: ['PXY-11'],
    title: 'a server name other than the CONNECT authority ends the connection before anything is dialled',
    control: 'authority-equality',
    run: () =>
      inLab({ routes: [route(), other], secrets, upstreams: { 'other.test:443': answerOk } }, async (lab) => {
        const tunnel = await lab.tunnel('allowed.test', { servername: 'other.test' }).then(
          () => 'open',
          (error: Error) => error.message,
        )
        expect(lab.lines.map(({ rule }) => rule)).toEqual(['authority-mismatch'])
        expect(tunnel).toContain('unrecognized name')
        expect(lab.dialled).toEqual([])
      }),
  },
  {
    ids: ['PXY-07'],
    title: 'a tunnel carries nothing but TLS, and upstream is dialled only after a ClientHello',
    control: 'hello-before-dial',
    run: () =>
      inLab(
        {
          routes: [route(), route({ host: 'ssh.test', tlsPassthrough: true })],
          upstreams: { 'ssh.test:443': answerOk },
          limits: { headMs: 300 },
        },
        async (lab) => {
          const hello = Buffer.from('16030100050100000100', 'hex')
          for (const host of ['allowed.test', 'ssh.test']) {
            for (const bytes of [
              'SSH-2.0-OpenSSH_9.2\r\n',
              'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
              Buffer.alloc(64, 7),
              hello,
              '',
            ]) {
              const client = lab.raw().send(connectTo(`${host}:443`))
              await client.until('\r\n\r\n')
              await client.send(bytes).ended()
            }
          }
          expect(lab.dialled).toEqual([])
          expect(lab.lines.filter(({ rule }) => rule === 'hello-invalid')).toHaveLength(10)
        },
      ),
  },
  {
    ids: ['TLS-07'],
    title: 'a passthrough route takes its own server name only, and never an encrypted hello',
    control: 'authority-equality',
    run: () =>
      inLab({ routes: [route({ tlsPassthrough: true })] }, async (lab) => {
        const denied = await lab.tunnel('allowed.test', { servername: 'denied.test' }).then(
          () => 'open',
          (error: Error) => error.message,
        )
        expect(denied).not.toBe('open')
        expect(lab.dialled).toEqual([])
        await refused(lab, 'GET http://allowed.test:443/ HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n', 403)
      }),
  },
  {
    ids: ['PXY-25', 'PXY-26', 'TLS-10'],
    title: 'only http/1.1 is negotiated: h2, ssh and others get an alert',
    run: () =>
      inLab({ routes: [route()] }, async (lab) => {
        for (const alpn of [
          ['h2'],
          ['ssh'],
          ['acme-tls/1'],
          Array.from({ length: 100 }, (_, at) => `p${at}`),
        ]) {
          expect(
            await lab.tunnel('allowed.test', { alpn }).then(
              () => 'open',
              () => 'refused',
            ),
          ).toBe('refused')
        }
        expect(await (await lab.tunnel('allowed.test', { alpn: ['h2', 'http/1.1'] })).get()).toContain(
          '200 OK',
        )
      }),
  },
  {
    ids: ['PXY-27'],
    title: 'an upgrade is refused in words, and a 101 nobody asked for is never a tunnel',
    control: 'upgrade-refused',
    run: () =>
      inLab(
        {
          routes: [route()],
          upstreams: {
            'allowed.test:443': (socket) =>
              socket.write(
                'HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\ntunnelled',
              ),
          },
        },
        async (lab) => {
          const asked = await (
            await lab.tunnel()
          )
            .send('GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
            .ended()
          expect(asked).toContain('403')
          expect(asked).toContain('rule websocket-undeclared')
          expect(asked).toContain('egress.routes: [{ host: allowed.test, protocols: [websocket] }]')
          const unasked = await (
            await lab.tunnel()
          )
            .send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
            .ended()
          expect(unasked).toContain('HTTP/1.1 502')
          expect(unasked).not.toContain('tunnelled')
        },
      ),
  },
  {
    ids: ['PXY-21'],
    title: 'a path that climbs is refused whatever spells it, and what passes is sent as it was matched',
    control: 'path-canonical',
    run: () =>
      inLab({ routes: [route({ matches: [{ paths: [{ prefix: '/ok/' }] }] })] }, async (lab) => {
        for (const path of [
          '/ok/../no',
          '/ok/%2e%2e/no',
          '/ok/..%2fno',
          '/ok/%252e%252e/no',
          '/ok/%00',
          '/ok/..;x/no',
          '/ok/%5c..%5cno',
        ]) {
          expect(
            await (await lab.tunnel()).send(`GET ${path} HTTP/1.1\r\nHost: allowed.test\r\n\r\n`).ended(),
          ).toContain('HTTP/1.1 400')
        }
        expect(lab.received()).toBe('')
        expect(await (await lab.tunnel()).get('/ok/@scope%2fname')).toContain('200 OK')
        expect(lab.received()).toContain('GET /ok/@scope%2fname HTTP/1.1')
      }),
  },
  {
    ids: ['PXY-22'],
    title: 'only declared methods, no override of them',
    run: () =>
      inLab({ routes: [route({ matches: [{ methods: ['GET'] }] })] }, async (lab) => {
        for (const [method, status] of [
          ['get', 400],
          ['DELETE', 403],
          ['HEAD', 403],
          ['TRACE', 400],
          ['FOO', 400],
          ['CONNECT', 400],
        ] as const) {
          expect(
            await (await lab.tunnel()).send(`${method} / HTTP/1.1\r\nHost: allowed.test\r\n\r\n`).ended(),
          ).toContain(`HTTP/1.1 ${status}`)
        }
        expect(
          await (
            await lab.tunnel()
          )
            .send('GET /?_method=DELETE HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
            .ended(),
        ).toContain('HTTP/1.1 400')
        await (await lab.tunnel()).get('/', 'X-HTTP-Method-Override: DELETE\r\nX_Method_Override: DELETE\r\n')
        expect(lab.received().toLowerCase()).not.toContain('delete')
      }),
  },
  {
    ids: ['PXY-22'],
    title: 'a form does not name another method where methods are restricted',
    run: () =>
      inLab({ routes: [route({ matches: [{ methods: ['POST'] }] })] }, async (lab) => {
        const post = async (type: string, body: string | Buffer): Promise<string> =>
          await (
            await lab.tunnel()
          )
            .send(
              `POST / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n${type}Content-Length: ${body.length}\r\n\r\n`,
            )
            .send(body)
            .ended()
        const form = 'Content-Type: application/x-www-form-urlencoded\r\n'
        const packed = `${form}Content-Encoding: gzip\r\n`
        expect(await post(packed, gzipSync('a=1&_method=DELETE'))).toContain('method-override')
        expect(await post(packed, gzipSync('a=1&b=2'))).toContain('200 OK')
        expect(await post(form, 'a=1&_method=DELETE')).toContain('method-override')
        expect(await post('', '%5Fmethod=DELETE')).toContain('method-override')
        expect(
          await post(
            'Content-Type: multipart/form-data; boundary=b\r\n',
            '--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n',
          ),
        ).toContain('method-override')
        expect(lab.received()).not.toContain('DELETE')
        expect(await post(form, 'a=_method&b=1')).toContain('200 OK')
        expect(await post('Content-Type: application/json\r\n', '{"_method":"DELETE"}')).toContain(
          'method-override',
        )
        expect(await post('Content-Type: application/json\r\n', '{"a":"_method"}')).toContain('200 OK')
      }),
  },
  {
    ids: ['CRD-18'],
    title: 'pushes by HTTPS are refused also where fetching is declared',
    control: 'git-by-https',
    run: () =>
      inLab({ routes: [route({ gitFetch: true })] }, async (lab) => {
        for (const target of [
          '/a.git/info/refs?service=git-receive-pack',
          '/a.git/git-receive-pack',
          '/a.git/git%2dreceive-pack',
          '/a.git/info/lfs/objects/batch',
        ])
          expect(
            await (
              await lab.tunnel()
            )
              .send(`POST ${target} HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 0\r\n\r\n`)
              .ended(),
          ).toContain('git-push')
        expect(lab.received()).toBe('')
        expect(await (await lab.tunnel()).get('/a.git/info/refs?service=git-upload-pack')).toContain('200 OK')
      }),
  },
  {
    ids: ['CRD-18'],
    title: 'commits by the API of a forge are refused for a repository behind the gate',
    control: 'forge-commits',
    run: () =>
      inLab({ routes: [route({ gated: ['acme/app'] })] }, async (lab) => {
        for (const target of [
          '/repos/acme/app/contents/a.txt',
          '/api/v1/repos/acme/app/git/refs',
          '/api/v4/projects/acme%2Fapp/repository/commits',
          '/graphql',
        ])
          expect(
            await (
              await lab.tunnel()
            )
              .send(`POST ${target} HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 0\r\n\r\n`)
              .ended(),
          ).toContain('forge-commit')
        expect(lab.received()).toBe('')
        expect(await (await lab.tunnel()).get('/repos/acme/app/contents/a.txt')).toContain('200 OK')
      }),
  },
]
