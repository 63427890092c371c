/** Requests, responses and chunked bodies: read whole and in pieces, and what is made of them is read again. */
import { Duplex } from 'node:stream'
import { bodyReader, frameEnd, framePiece } from '../../sidecars/http/body.ts'
import { Malformed } from '../../sidecars/http/head.ts'
import type { Framing } from '../../sidecars/http/head.ts'
import { LIMITS } from '../../sidecars/http/limits.ts'
import { renderResponse } from '../../sidecars/egress/exchange/outgoing.ts'
import { readResponse } from '../../sidecars/egress/exchange/response.ts'
import type { ResponseHead } from '../../sidecars/egress/exchange/response.ts'
import { Wire, WireClosed } from '../../sidecars/http/wire.ts'
import type { Random } from '../../sidecars/detect/samples.ts'
import { corpus } from '../unit/egress/parsers-corpus.ts'
import { ours } from '../unit/egress/parsers-ours.ts'
import { chanceOf, latin1, must, oneOf, pieces } from './target.ts'
import type { Target } from './target.ts'

const HEAD_WORDS = ['\r\n', '\r', '\n', '\0', ':', ' ', '\t', ',', ';', '\r\n ', 'chunked', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: allowed.test\r\n', 'Connection: close\r\n', 'HTTP/1.1', 'HTTP/1.0', '\xff', '0\r\n\r\n', '3\r\nabc\r\n', 'ffffffff'] // prettier-ignore
const DOORS = ['tunnel', 'proxy', 'http'] as const

function wireOf(said: readonly Buffer[]): Wire {
  let next = 0
  return new Wire(new Duplex({ read() { this.push(said[next++] ?? null) }, write: (_piece, _encoding, done) => done() })) // prettier-ignore
}

const request: Target = {
  name: 'request',
  grammar: (random) => latin1(corpus(`${random(1 << 30)}`, 1)[0]?.text ?? ''),
  words: HEAD_WORDS,
  ends: ['refused', 'one', 'several'],
  async run(bytes) {
    const random = chanceOf(bytes)
    const door = oneOf(random, DOORS)
    const whole = await ours([bytes], door)
    const cut = await ours(pieces(random, bytes), door)
    const meaning = (reads: typeof whole): string =>
      JSON.stringify(reads.map(({ rendered: _, ...one }) => one))
    must(meaning(cut) === meaning(whole), 'reads something else in pieces')
    for (const one of whole) {
      // What goes on has the authority in Host alone, so it is read as the transparent listeners read.
      const again = await ours([latin1(one.rendered)], door === 'proxy' ? 'http' : door)
      const same = again.length === 1 && again[0]?.rendered === one.rendered && again[0].body === one.body
      must(same, 'what goes on is another request')
    }
    return whole.length === 0 ? 'refused' : whole.length === 1 ? 'one' : 'several'
  },
  costly: [
    (repeat) => latin1(`GET / HTTP/1.1\r\nHost: allowed.test\r\nX: ${' '.repeat(repeat)}\u0001\r\n\r\n`),
    (repeat) => latin1(`GET /${'%2e%2e/'.repeat(repeat)} HTTP/1.1\r\nHost: allowed.test\r\n\r\n`),
    (repeat) => latin1(`GET / HTTP/1.1\r\nHost: ${'a.'.repeat(repeat)}test\r\n\r\n`),
    (repeat) => latin1(`GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: ${'x, '.repeat(repeat)}\r\n\r\n`),
    (repeat) => latin1('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n'.repeat(repeat >> 4)),
    (repeat) => latin1(`GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(repeat)}`),
    (repeat, random) => latin1(oneOf(random, HEAD_WORDS).repeat(repeat)),
  ],
}

// ── responses ────────────────────────────────────────────────────────────────────────────────────

const STATUSES = ['200 OK', '204 No Content', '304 Not Modified', '100 Continue', '101 Switching Protocols', '103 Early Hints', '404', '500 ', '99 x', '600 x', '2000 x', '200\tOK'] // prettier-ignore
const METHODS = ['GET', 'HEAD', 'POST'] as const

function response(random: Random): Buffer {
  let text = ''
  for (let count = random(3); count > 0; count--) text += `HTTP/1.1 ${oneOf(random, ['100 Continue', '103 Early Hints'])}\r\n\r\n` // prettier-ignore
  text += `HTTP/1.${random(2)} ${oneOf(random, STATUSES)}\r\nServer: x\r\n`
  if (random(6) === 0) text += 'Connection: close\r\n'
  const body = 'y'.repeat(random(40))
  switch (random(4)) {
    case 0:
      return latin1(`${text}Content-Length: ${body.length}\r\n\r\n${body}`)
    case 1:
      return Buffer.concat([latin1(`${text}Transfer-Encoding: chunked\r\n\r\n`), chunks(random)])
    case 2:
      return latin1(`${text}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${body}`)
    default:
      return latin1(`${text}\r\n${body}`)
  }
}

interface Answer {
  readonly head: ResponseHead
  readonly body: string
}

async function readAnswer(method: string, said: readonly Buffer[]): Promise<Answer | 'refused' | 'nothing'> {
  const wire = wireOf(said)
  try {
    const head = await readResponse(wire, method, LIMITS, () => {})
    if (head === undefined) return 'nothing'
    const reader = bodyReader(wire, head.framing, 'drop')
    let body = ''
    for (let piece = await reader.next(); piece; piece = await reader.next()) body += piece.toString('latin1')
    return { head, body }
  } catch (error) {
    if (error instanceof Malformed || error instanceof WireClosed) return 'refused'
    throw error
  }
}

const answer: Target = {
  name: 'response',
  grammar: response,
  words: [...HEAD_WORDS, 'HTTP/1.1 100 Continue\r\n\r\n', ' 101 ', ' 304 ', ' 204 '],
  ends: ['refused', 'nothing', 'none', 'length', 'chunked', 'close'],
  async run(bytes) {
    const random = chanceOf(bytes)
    const method = oneOf(random, METHODS)
    const whole = await readAnswer(method, [bytes])
    const cut = await readAnswer(method, pieces(random, bytes))
    must(JSON.stringify(cut) === JSON.stringify(whole), 'reads something else in pieces')
    if (typeof whole === 'string') return whole
    const { head, body } = whole
    const framing: Framing = head.framing.kind === 'close' ? { kind: 'chunked' } : head.framing
    const said = `${renderResponse(head, framing, false, undefined)}${framePiece(latin1(body), framing).toString('latin1')}${frameEnd(framing)?.toString('latin1') ?? ''}` // prettier-ignore
    const again = await readAnswer(method, [latin1(said)])
    const same = typeof again === 'object' && again.body === body && again.head.status === head.status
    must(same, 'what the agent gets is another answer')
    return head.framing.kind
  },
  costly: [
    (repeat) => latin1('HTTP/1.1 100 Continue\r\n\r\n'.repeat(repeat)),
    (repeat) => latin1(`HTTP/1.1 200 ${'x'.repeat(repeat)}`),
    (repeat) => latin1(`HTTP/1.1 200 OK\r\n${'X:\r\n'.repeat(repeat)}`),
    (repeat) => latin1(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(repeat)}`),
    (repeat) => latin1(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(repeat)}`),
  ],
}

// ── chunks ───────────────────────────────────────────────────────────────────────────────────────

function chunks(random: Random): Buffer {
  const parts: Buffer[] = []
  for (let count = random(6); count > 0; count--) {
    const piece = Buffer.alloc(1 + random(oneOf(random, [3, 20, 3000])), 120 + random(3))
    const extension = random(8) === 0 ? oneOf(random, [';a=b', ' ; a', ';', '; "x"']) : ''
    parts.push(latin1(`${'0'.repeat(random(2))}${piece.length.toString(16)}${extension}\r\n`), piece, latin1('\r\n')) // prettier-ignore
  }
  parts.push(latin1(`0\r\n${random(6) === 0 ? 'X: y\r\n' : ''}\r\n`))
  return Buffer.concat(parts)
}

async function readChunks(said: readonly Buffer[], extensions: 'drop' | 'refuse') {
  const wire = wireOf(said)
  const reader = bodyReader(wire, { kind: 'chunked' }, extensions)
  let body = ''
  try {
    for (let piece = await reader.next(); piece; piece = await reader.next()) body += piece.toString('latin1')
    let rest = ''
    for (let piece = await wire.read(); piece; piece = await wire.read()) rest += piece.toString('latin1')
    return { body, rest }
  } catch (error) {
    if (error instanceof Malformed || error instanceof WireClosed) return 'refused'
    throw error
  }
}

const chunked: Target = {
  name: 'chunked',
  grammar: chunks,
  words: ['\r\n', '\r', '\n', '0\r\n\r\n', ';', ';a=b', '0x', '+', '-', 'f', '00000000', 'ffffffff', ' ', '1\r\nx\r\n', 'X: y\r\n'], // prettier-ignore
  ends: ['refused', 'empty', 'body', 'rest'],
  async run(bytes) {
    const random = chanceOf(bytes)
    for (const extensions of ['drop', 'refuse'] as const) {
      const whole = await readChunks([bytes], extensions)
      const cut = await readChunks(pieces(random, bytes), extensions)
      must(JSON.stringify(cut) === JSON.stringify(whole), 'reads something else in pieces')
      if (whole === 'refused') continue
      must(bytes.toString('latin1').endsWith(whole.rest), 'what follows was not in it')
      const again = `${framePiece(latin1(whole.body), { kind: 'chunked' }).toString('latin1')}0\r\n\r\n`
      const read = await readChunks([latin1(again)], 'refuse')
      must(JSON.stringify(read) === JSON.stringify({ body: whole.body, rest: '' }), 'another body goes on')
      return whole.rest !== '' ? 'rest' : whole.body === '' ? 'empty' : 'body'
    }
    return 'refused'
  },
  costly: [
    (repeat) => latin1('1\r\nx\r\n'.repeat(repeat)),
    (repeat) => latin1('0'.repeat(repeat)),
    (repeat) => latin1(`1${';x'.repeat(repeat)}\r\nx\r\n0\r\n\r\n`),
    (repeat) => latin1(`0\r\n${'X: y\r\n'.repeat(repeat)}`),
    (repeat) => latin1(`0\r\nX:${' '.repeat(repeat)}`),
  ],
}

export const HTTP_TARGETS: readonly Target[] = [request, answer, chunked]
