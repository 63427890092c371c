/** WebSocket: an upgrade only where it is declared and proven, frames with one reading, secrets kept on both ways (PXY-27, PXY-29, CRD-07, DLP-01). */
import { expect } from 'vitest'
import {
  accept,
  agreeing,
  closeCodeOf,
  closing,
  frame,
  framesOf,
  handshake,
  KEY,
  opened,
  sent,
  webSocketRoute,
} from '../websocket-lab.ts'
import type { Written } from '../websocket-lab.ts'
import { inLab } from './case.ts'
import type { Case } from './case.ts'

const SECRET = 'wss-secret-value-4711'
const credentialed = {
  routes: [webSocketRoute({ auth: { scheme: 'bearer', secret: 'env:KEY' } })],
  secrets: { 'env:KEY': SECRET },
} as const
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\n'
const AGREED = `${SWITCHING}Upgrade: websocket\r\nConnection: Upgrade\r\n`
/** An answer to a handshake, made from the key that arrived. */
const answering =
  (answer: (key: string) => string) =>
  (socket: { write(text: string, encoding: 'latin1'): unknown }, soFar: string): void => {
    const key = /^sec-websocket-key: (.*)\r$/gim.exec(soFar.slice(soFar.lastIndexOf('GET ')))?.[1]
    if (key !== undefined) socket.write(answer(key), 'latin1')
  }
const toUpstream = (received: string): ReturnType<typeof framesOf> =>
  framesOf(received.slice(received.indexOf('\r\n\r\n') + 4))

const BAD_FRAMES: readonly (readonly [string, readonly Written[]])[] = [
  ['a reserved bit', [{ reserved: 4, payload: 'tunnelled' }]],
  ['an unknown opcode', [{ opcode: 5, payload: 'tunnelled' }]],
  ['a continuation of nothing', [{ opcode: 0, payload: 'tunnelled' }]],
  ['a length in a field too long for it', [{ payload: 'tunnelled', lengthBytes: 8 }]],
  ['a text that is none', [{ payload: Buffer.from('tunnelled\xff', 'latin1') }]],
  ['a close that no wire has', [{ opcode: 8, payload: closing(1006, 'tunnelled') }]],
]

export const webSocketCases: readonly Case[] = [
  {
    ids: ['PXY-27'],
    title: 'frames with more than one reading end both sides of a WebSocket, whichever side sends them',
    control: 'websocket-frames',
    run: () =>
      inLab(
        {
          routes: [webSocketRoute()],
          upstreams: {
            'allowed.test:443': agreeing((peer, piece) => {
              const asked = framesOf(peer.text).find(({ opcode }) => opcode === 2)
              if (piece.length === 0 || asked === undefined) return
              const [, frames = []] = BAD_FRAMES[Number(asked.payload)] ?? []
              peer.socket.write(Buffer.concat(frames.map(frame)))
            }),
          },
        },
        async (lab) => {
          for (const [index, [name, frames]] of BAD_FRAMES.entries()) {
            const agent = await opened(lab)
            agent.send(Buffer.concat(frames.map(sent)))
            await agent.ended()
            expect([1002, 1007], name).toContain(closeCodeOf(agent))
            expect(lab.lines.at(-1), name).toMatchObject({ decision: 'deny', rule: 'websocket-frame' })
            const upstream = await opened(lab)
            upstream.send(sent({ opcode: 2, payload: `${index}` }))
            expect(await upstream.ended(), name).not.toContain('tunnelled')
            expect([1002, 1007], name).toContain(closeCodeOf(upstream))
            expect(lab.lines.at(-1), name).toMatchObject({ decision: 'deny', rule: 'upstream-frame' })
          }
          const unmasked = await opened(lab)
          await unmasked.send(frame({ payload: 'tunnelled' })).ended()
          expect(closeCodeOf(unmasked)).toBe(1002)
          const masked = lab
            .received()
            .split('\r\n\r\n')
            .flatMap((text) => framesOf(text))
          expect(masked.map(({ payload }) => payload).join()).not.toContain('tunnelled')
        },
      ),
  },
  {
    ids: ['PXY-27', 'PXY-19'],
    title: 'a 101 that does not prove our own key is no WebSocket',
    control: 'websocket-accept',
    run: () => {
      const answers = [`${accept(KEY)}`, `${accept('AAAAAAAAAAAAAAAAAAAAAA==')}`, '']
      let next = 0
      return inLab(
        {
          routes: [webSocketRoute()],
          upstreams: {
            'allowed.test:443': answering(
              () => `${AGREED}Sec-WebSocket-Accept: ${answers[next++]}\r\n\r\ntunnelled`,
            ),
          },
        },
        async (lab) => {
          for (const answer of answers) {
            const said = await (await lab.tunnel()).send(handshake()).ended()
            expect(said, answer).toContain('HTTP/1.1 502')
            expect(said, answer).toContain('rule upstream-handshake')
            expect(said, answer).not.toContain('tunnelled')
          }
          for (const socket of lab.upstream().open)
            await new Promise((resolve) => socket.once('close', resolve))
        },
      )
    },
  },
  {
    ids: ['PXY-27', 'PXY-19'],
    title: 'a 101 with anything that was not asked for is no WebSocket either',
    run: () => {
      const proven = (key: string): string => `${AGREED}Sec-WebSocket-Accept: ${accept(key)}\r\n`
      const answers: readonly ((key: string) => string)[] = [
        (key) => `${proven(key)}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
        (key) => `${proven(key)}Sec-WebSocket-Protocol: other\r\n\r\n`,
        (key) => `${proven(key)}Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: talk\r\n\r\n`,
        (key) => `${proven(key)}Content-Length: 9\r\n\r\ntunnelled`,
        (key) => `${proven(key)}Transfer-Encoding: chunked\r\n\r\n`,
        (key) => `${proven(key)}Sec-WebSocket-Accept: ${accept(key)}\r\n\r\n`,
        (key) => `${proven(key).replace('Upgrade: websocket', 'Upgrade: foo')}\r\n`,
        (key) => `${proven(key).replace('Upgrade: websocket', 'Upgrade: websocket, foo')}\r\n`,
        (key) => `${proven(key).replace('Connection: Upgrade', 'Connection: close')}\r\n`,
        (key) => `${proven(key).replace('HTTP/1.1', 'HTTP/1.0')}\r\n`,
      ]
      let next = 0
      return inLab(
        {
          routes: [webSocketRoute()],
          upstreams: { 'allowed.test:443': answering((key) => answers[next++]?.(key) ?? '') },
        },
        async (lab) => {
          for (const answer of answers) {
            const client = (await lab.tunnel()).send(handshake('Sec-WebSocket-Protocol: chat, talk\r\n'))
            expect(await client.ended(), answer('K')).toMatch(
              /^HTTP\/1\.1 502 [^]*rule upstream-(?:handshake|malformed)/,
            )
          }
          expect(next).toBe(answers.length)
        },
      )
    },
  },
  {
    ids: ['PXY-27'],
    title:
      'an agent that asks for a WebSocket in another way than the one is refused, and nothing is dialled',
    run: () => {
      const good = handshake()
      const asked: readonly (readonly [string, string])[] = [
        [good.replace('Upgrade: websocket', 'Upgrade: foo'), 'upgrade-refused'],
        [good.replace('Upgrade: websocket', 'Upgrade: websocket, h2c'), 'upgrade-refused'],
        [good.replace('Version: 13', 'Version: 8'), 'websocket-handshake'],
        [good.replace(KEY, 'c2hvcnQ='), 'websocket-handshake'],
        [good.replace(KEY, KEY.replace('Q==', 'R==')), 'websocket-handshake'],
        [handshake(`Sec-WebSocket-Key: ${KEY}\r\n`), 'websocket-handshake'],
        [good.replace('Connection: Upgrade', 'Connection: keep-alive'), 'websocket-handshake'],
        [good.replace('GET', 'POST'), 'websocket-handshake'],
        [good.replace('HTTP/1.1', 'HTTP/1.0'), 'websocket-handshake'],
        [handshake('Content-Length: 0\r\n'), 'websocket-handshake'],
        [handshake('Expect: 100-continue\r\n'), 'websocket-handshake'],
        [handshake('Sec-WebSocket-Protocol: a, a\r\n'), 'websocket-handshake'],
        [handshake('Sec-WebSocket-Protocol: a b\r\n'), 'websocket-handshake'],
      ]
      return inLab(
        { routes: [webSocketRoute()], upstreams: { 'allowed.test:443': agreeing() } },
        async (lab) => {
          for (const [text, rule] of asked)
            expect(await (await lab.tunnel()).send(text).ended(), text).toContain(`rule ${rule}`)
          expect(lab.dialled).toEqual([])
          expect(await (await lab.tunnel()).send(handshake() + 'early').ended()).toContain('HTTP/1.1 400')
          await opened(lab)
        },
      )
    },
  },
  {
    ids: ['PXY-27'],
    title: 'what follows a handshake that was not agreed to is no request and no tunnel',
    run: () =>
      inLab(
        {
          routes: [webSocketRoute()],
          upstreams: {
            'allowed.test:443': answering(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\noktunnelled'),
          },
        },
        async (lab) => {
          const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: allowed.test\r\n\r\n'
          const client = (await lab.tunnel()).send(handshake() + smuggled)
          const said = await client.ended()
          expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n\r\nok$/)
          expect(lab.received()).not.toContain('smuggled')
        },
      ),
  },
  {
    ids: ['PXY-29'],
    title:
      'a WebSocket is closed when its route goes, or no longer says WebSocket, and lives on while it does',
    control: 'generations',
    run: () =>
      inLab({ routes: [webSocketRoute()], upstreams: { 'allowed.test:443': agreeing() } }, async (lab) => {
        for (const routes of [[], [webSocketRoute({ protocols: [] })]]) {
          lab.configure([webSocketRoute()])
          const client = await opened(lab)
          lab.configure([webSocketRoute({ matches: [{ paths: [{ prefix: '/ws' }] }] })])
          for (const socket of lab.upstream().open) socket.write(frame({ payload: 'still here' }))
          await client.until('still here')
          lab.configure(routes)
          await client.ended()
          expect(lab.lines.filter(({ decision }) => decision === 'deny').at(-1)).toMatchObject({
            rule: 'policy-narrowed',
          })
        }
      }),
  },
  {
    ids: ['CRD-07'],
    title: 'a credential that comes back in frames is masked, cut anywhere, and a text stays one',
    control: 'response-scrub',
    run: () => {
      const cuts = Array.from({ length: SECRET.length }, (_, at) => at)
      const echoes: readonly (readonly Written[])[] = [
        ...cuts.map((cut) => [
          { payload: `é${SECRET.slice(0, cut)}`, final: false },
          { opcode: 9, payload: 'p' },
          { opcode: 0, payload: `${SECRET.slice(cut)}é` },
        ]),
        [{ payload: Buffer.from(SECRET).toString('base64') }],
        [{ opcode: 2, payload: Buffer.from(SECRET).toString('hex') }],
        [{ opcode: 9, payload: SECRET }],
        [{ opcode: 10, payload: SECRET }],
        [{ opcode: 8, payload: closing(1000, SECRET) }],
      ]
      return inLab(
        {
          ...credentialed,
          upstreams: {
            'allowed.test:443': agreeing(
              (peer, piece) =>
                piece.length === 0 && peer.socket.write(Buffer.concat(echoes.flat().map(frame))),
              () => `X-Echo: ${SECRET}\r\n`,
            ),
          },
        },
        async (lab) => {
          const client = (await lab.tunnel()).send(handshake())
          await client.until('\x88')
          const frames = framesOf(client.text.slice(client.text.indexOf('\r\n\r\n') + 4))
          const all = frames.map(({ payload }) => payload).join('')
          for (const form of ['utf8', 'base64', 'hex'] as const)
            expect(client.text + all).not.toContain(Buffer.from(SECRET).toString(form))
          const texts = all.match(/\xc3\xa9[^\xc3]*\xc3\xa9/g) ?? []
          expect(new Set(texts.map((text) => text.replaceAll('p', '')))).toEqual(
            new Set([Buffer.from(`é${'*'.repeat(SECRET.length)}é`).toString('latin1')]),
          )
          expect(frames.filter(({ opcode }) => opcode === 9)).toHaveLength(cuts.length + 1)
        },
      )
    },
  },
  {
    ids: ['DLP-01'],
    title: 'a secret in a frame stops the WebSocket, whatever frame it is in',
    control: 'outbound-scan',
    run: () => {
      const half = SECRET.length >> 1
      const leaks: readonly (readonly Written[])[] = [
        [{ payload: `{"note":"${SECRET}"}` }],
        [{ opcode: 2, payload: `\0\xff${SECRET}` }],
        [{ payload: Buffer.from(SECRET).toString('base64') }],
        [
          { payload: SECRET.slice(0, half), final: false },
          { opcode: 0, payload: SECRET.slice(half) },
        ],
        [{ opcode: 9, payload: SECRET }],
        [{ opcode: 10, payload: SECRET }],
        [{ opcode: 8, payload: closing(1000, SECRET) }],
      ]
      return inLab({ ...credentialed, upstreams: { 'allowed.test:443': agreeing() } }, async (lab) => {
        for (const leak of leaks) {
          const client = await opened(lab)
          client.send(Buffer.concat([sent({ payload: 'before' }), ...leak.map(sent)]))
          await client.ended()
          expect(closeCodeOf(client)).toBe(1008)
          expect(client.text).toContain('bot-bottle: rule secret-found (')
          expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule: 'secret-found', status: 403 })
        }
        const received = lab.received().split('Bearer ').map(toUpstream)
        const payloads = received.flatMap((frames) => frames.map(({ payload }) => payload))
        expect(payloads.filter((payload) => payload === 'before')).toHaveLength(leaks.length)
        expect(payloads.join('\n')).not.toContain(SECRET.slice(0, half))
      })
    },
  },
]
