import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { Lab } from './lab.ts'
import type { Answering, LabOptions } from './lab.ts'
import {
  agreeing,
  closeCodeOf,
  closing,
  dialled,
  echo,
  frame,
  framesOf,
  handshake,
  KEY,
  nextMessage,
  opened,
  sent,
  sequence,
  serving,
  webSocketRoute,
  whenClosed,
} from './websocket-lab.ts'

let lab: Lab
afterEach(() => lab.close())

const open = async (upstream: Answering, more: Partial<LabOptions> = {}): Promise<void> => {
  lab = await Lab.open({ routes: [webSocketRoute()], upstreams: { 'allowed.test:443': upstream }, ...more })
}

describe('a WebSocket through the door', () => {
  it('carries messages of every length of both types, each as it was', async () => {
    await open(serving(echo))
    const agent = await dialled(lab)
    for (const length of [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000, 1_000_000])
      for (const type of ['text', 'binary'] as const) {
        const message = type === 'text' ? 'ä'.repeat(length >> 1) : Buffer.alloc(length, length & 0xff)
        const back = nextMessage(agent)
        agent.send(message)
        expect((await back).equals(Buffer.from(message)), `${type} of ${length}`).toBe(true)
      }
  })

  it('delivers any sequence of frames message by message, scanned, masked and through real sockets', async () => {
    const seen: string[] = []
    let enough = (): void => {}
    let wanted = 0
    const word = (kind: string, data: Buffer): void => {
      if (seen.push(`${kind}:${data.toString('latin1')}`) === wanted) enough()
    }
    const upstream = serving((socket) => {
      socket.on('message', (data: Buffer, isBinary) => word(isBinary ? 'binary' : 'text', data))
      socket.on('ping', (data) => word('ping', data)).on('pong', (data) => word('pong', data))
    })
    await open(upstream, {
      routes: [webSocketRoute({ auth: { scheme: 'bearer', secret: 'env:KEY' } })],
      secrets: { 'env:KEY': 'the-value-of-the-key' },
    })
    const client = await opened(lab)
    const given = fc.sample(sequence, { numRuns: 60, seed: 6455 })
    const meaning = given.flatMap((one) => one.meaning)
    const delivered = new Promise<void>((resolve) => (enough = resolve))
    wanted = meaning.length
    for (const { frames } of given) for (const one of frames) client.send(sent(one))
    await delivered
    // Control frames overtake what a search holds back; messages and control frames each keep their order.
    const isMessage = (one: string): boolean => /^(?:text|binary):/.test(one)
    expect(seen.filter(isMessage)).toEqual(meaning.filter(isMessage))
    expect(seen.filter((one) => !isMessage(one))).toEqual(meaning.filter((one) => !isMessage(one)))
  })

  it('asks with a key and a mask of its own, and offers no extension', async () => {
    await open(
      agreeing((peer) => {
        if (framesOf(peer.text).length === 2) peer.socket.write(frame({ payload: 'both seen' }))
      }),
    )
    const client = await opened(lab, 'Sec-WebSocket-Extensions: permessage-deflate\r\nX-Mine: 1\r\n')
    await client
      .send(sent({ payload: 'one' }))
      .send(sent({ payload: 'two' }))
      .until('both seen')
    const [head = '', frames = ''] = lab.received().split('\r\n\r\n')
    expect(head).not.toContain(KEY)
    expect(head).not.toMatch(/extensions/i)
    expect(head).toMatch(
      /^GET \/ws HTTP\/1\.1\r\nHost: allowed\.test\r\nX-Mine: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==$/,
    )
    const masks = [frames.slice(2, 6), frames.slice(11, 15)]
    expect(masks).not.toContain('\x37\xfa\x21\x3d')
    expect(masks[0]).not.toBe(masks[1])
    expect(framesOf(frames)).toMatchObject([
      { masked: true, payload: 'one' },
      { masked: true, payload: 'two' },
    ])
  })

  it('takes a subprotocol that was offered, and puts the credential of the route on the handshake', async () => {
    const seen: unknown[] = []
    await open(
      serving((socket, headers) => {
        seen.push(headers.authorization, headers['sec-websocket-protocol'])
        echo(socket)
      }),
      {
        routes: [webSocketRoute({ auth: { scheme: 'bearer', secret: 'env:KEY' } })],
        secrets: { 'env:KEY': 'the-value-of-the-key' },
      },
    )
    const agent = await dialled(lab, { protocols: ['chat.v2', 'chat.v1'] })
    expect(agent.protocol).toBe('chat.v2')
    expect(seen).toEqual(['Bearer the-value-of-the-key', 'chat.v2,chat.v1'])
  })

  it('opens on a route without TLS for a client that names its target whole', async () => {
    lab = await Lab.open({
      routes: [webSocketRoute({ scheme: 'http', port: 80 })],
      upstreams: {
        'allowed.test:80': agreeing((peer) => void peer.socket.write(frame({ payload: 'in clear' }))),
      },
    })
    const client = lab.raw().send(handshake('', 'http://allowed.test/ws'))
    expect(await client.until('in clear')).toMatch(/^HTTP\/1\.1 101 /)
  })

  it('overwrites a finding in a message where the route says so, and a text stays one', async () => {
    await open(serving(echo), {
      routes: [
        webSocketRoute({ dlp: { outboundOnMatch: 'redact', inbound: 'off', uninspectable: 'block' } }),
      ],
      secrets: { 'env:OTHER': 'another-secret-0815' },
    })
    const agent = await dialled(lab)
    const back = nextMessage(agent)
    agent.send('é another-secret-0815 é')
    expect((await back).toString()).toBe('é ******************* é')
  })

  it('relays an answer that is no upgrade as it would any other, and ends the connection', async () => {
    await open((socket) => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno'))
    const client = (await lab.tunnel()).send(handshake())
    const answer = await client.ended()
    expect(answer).toContain('HTTP/1.1 401 Unauthorized\r\n')
    expect(answer).toContain('Connection: close\r\n\r\nno')
    expect(lab.lines).toMatchObject([{ decision: 'allow', status: 401 }])
  })

  it('writes one line when it opens and one when it has ended', async () => {
    await open(serving(echo))
    const agent = await dialled(lab)
    expect(lab.lines).toMatchObject([
      { decision: 'allow', rule: 'route', method: 'GET', path: '/ws', status: 101, bytesOut: 0 },
    ])
    expect(lab.lines[0]).not.toHaveProperty('closeCode')
    const back = nextMessage(agent)
    agent.send('x'.repeat(1000))
    await back
    const closed = whenClosed(agent)
    agent.close(4001, 'done')
    expect(await closed).toEqual({ code: 4001, reason: 'done' })
    expect(lab.lines.slice(1)).toMatchObject([
      { decision: 'allow', rule: 'route', status: 101, bytesOut: 1004, bytesIn: 1004, closeCode: 4001 },
    ])
  })

  it('passes on pings in the middle of a message, and the pongs that answer them', async () => {
    const pings: string[] = []
    await open(
      serving((socket) => {
        socket.on('ping', (payload) => pings.push(payload.toString()))
        echo(socket)
      }),
    )
    const client = await opened(lab)
    client.send(sent({ payload: 'hal', final: false }))
    client.send(sent({ opcode: 9, payload: 'are you there' }))
    await client.until('are you there')
    client.send(sent({ opcode: 0, payload: 'ves' }))
    await client.until('halves')
    expect(pings).toEqual(['are you there'])
    expect(framesOf(client.text)).toMatchObject([
      { opcode: 10, masked: false },
      { opcode: 1, payload: 'halves' },
    ])
  })

  it('lets the upstream close first, with and without a code', async () => {
    for (const code of [undefined, 1000, 1011, 3000]) {
      await open(serving((socket) => socket.close(code)))
      const agent = await dialled(lab)
      expect((await whenClosed(agent)).code).toBe(code ?? 1005)
      expect(lab.lines.at(-1)).toMatchObject({ closeCode: code ?? 1005 })
      if (code !== 3000) await lab.close()
    }
  })

  it('tells an agent of an upstream that was cut off as nothing but the end', async () => {
    await open(agreeing((peer) => peer.socket.end(frame({ payload: 'half', final: false }))))
    const client = await opened(lab)
    expect(framesOf(await client.ended()).map(({ opcode }) => opcode)).toEqual([1])
    expect(lab.lines.at(-1)).toMatchObject({ decision: 'allow', closeCode: 1006, bytesIn: 4 })
  })

  it('still reads to an agent that sends no more', async () => {
    await open(
      agreeing((peer) => {
        peer.socket.once('end', () => peer.socket.end(frame({ payload: 'the last word' })))
      }),
    )
    const client = await opened(lab)
    client.socket.end()
    await client.until('the last word')
  })

  it('ends what is silent for too long, and nothing on which pings flow', async () => {
    await open(agreeing(), { limits: { silenceMs: 300, headMs: 200 } })
    const [silent, alive] = [await opened(lab), await opened(lab)]
    const pinging = setInterval(() => alive.send(sent({ opcode: 9 })), 50)
    const began = Date.now()
    await silent.ended()
    clearInterval(pinging)
    expect(closeCodeOf(silent)).toBe(1001)
    expect(Date.now() - began).toBeGreaterThanOrEqual(250)
    expect(alive.closed).toBe(false)
  })

  it('does not wait for ever for an upstream that answers no close', async () => {
    await open(agreeing(), { limits: { headMs: 300 } })
    const client = await opened(lab)
    client.send(sent({ opcode: 8, payload: closing(1000) }))
    await client.ended()
    expect(lab.lines.at(-1)).toMatchObject({ closeCode: 1001 })
  })
})

describe('limits of the route', () => {
  it('close a message that is larger than a body may be before any of it goes on', async () => {
    await open(agreeing(), { routes: [webSocketRoute({ limits: { bodyBytes: 10 } })] })
    const client = await opened(lab)
    client.send(Buffer.concat([sent({ payload: '0123456789' }), sent({ payload: '0123456789a' })]))
    await client.ended()
    expect(closeCodeOf(client)).toBe(1009)
    expect(
      framesOf(lab.received().split('\r\n\r\n')[1] ?? '').map(({ opcode, payload }) => [
        opcode,
        payload.length,
      ]),
    ).toEqual([
      [1, 10],
      [8, 2],
    ])
    expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule: 'limit-body' })
  })

  it('count what goes out on the day, and end the session when its time is over', async () => {
    await open(agreeing(), { routes: [webSocketRoute({ limits: { bytesOutPerDay: 15 } })] })
    const client = await opened(lab)
    client.send(Buffer.concat([sent({ payload: '0123456789' }), sent({ payload: '0123456789' })]))
    await client.ended()
    expect(closeCodeOf(client)).toBe(1008)
    expect(lab.lines.at(-1)).toMatchObject({ rule: 'limit-bytes-out' })
    await lab.close()
    await open(agreeing(), { routes: [webSocketRoute({ limits: { timeMs: 300 } })], limits: { headMs: 200 } })
    const late = await opened(lab)
    await late.ended()
    expect(closeCodeOf(late)).toBe(1008)
    expect(lab.lines.at(-1)).toMatchObject({ rule: 'limit-time' })
  })
})

describe('back-pressure', () => {
  it('stops the sender when the reader is slow, in both directions', async () => {
    const large = 64 * 1024 * 1024
    const chunk = frame({ opcode: 2, payload: Buffer.alloc(60_000) })
    let written = 0
    const flood = (
      socket: {
        write(bytes: Buffer): boolean
        once(event: 'drain', then: () => void): unknown
        destroyed: boolean
      },
      bytes: Buffer,
    ): void => {
      while (!socket.destroyed && written < large) {
        written += bytes.length
        if (!socket.write(bytes)) return void socket.once('drain', () => flood(socket, bytes))
      }
    }
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== written;) {
        before = written
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      return written
    }
    await open(agreeing((peer, piece) => piece.length === 0 && flood(peer.socket, chunk)))
    const reading = await opened(lab)
    reading.socket.pause()
    expect(await settled()).toBeLessThan(large / 2)
    await lab.close()
    written = 0
    await open(agreeing((peer) => void peer.socket.pause()))
    const writing = await opened(lab)
    flood(writing.socket, sent({ opcode: 2, payload: Buffer.alloc(60_000) }))
    expect(await settled()).toBeLessThan(large / 2)
  })
})
