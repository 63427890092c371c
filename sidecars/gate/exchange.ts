/**
 * One HTTP connection of a git client. Heads and framing are read by the strict readers that the egress door has; each
 * request is answered by what `serve` makes of it, in pieces and no faster than they are taken.
 */
import type { Duplex } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { bodyReader, framePiece } from '../http/body.ts'
import type { BodyReader } from '../http/body.ts'
import { framingOf, Malformed, membersOf, readHead, valueOf } from '../http/head.ts'
import type { Framing, Head } from '../http/head.ts'
import { Wire, WireClosed } from '../http/wire.ts'
import { controls } from './controls.ts'
import type { GateLimits } from './limits.ts'

export interface GateRequest {
  readonly method: string
  /** As it was sent. */
  readonly target: string
  /** `Git-Protocol`, only where it says one of the three versions. */
  readonly protocol: string | undefined
  readonly type: string | undefined
  /** Pieces of the body, unpacked; throws where it is not what it says, or says nothing for too long. */
  next(): Promise<Buffer | undefined>
  /** Aborted when the client has gone, or its time is over. */
  readonly signal: AbortSignal
}

/** An answer as it is written. */
export interface GateAnswer {
  head(status: number, type: string): Promise<void>
  write(bytes: Buffer): Promise<void>
}

export type Serve = (request: GateRequest, answer: GateAnswer) => Promise<void>

const LINE = /^(GET|HEAD|POST) ([\x21-\x7e]{1,4096}) HTTP\/1\.([01])$/
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Content Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

export class Exchange {
  readonly #wire: Wire
  readonly #limits: GateLimits
  readonly #serve: Serve
  readonly #gone = new AbortController()
  readonly #reading: Patience
  readonly #writing: Patience

  constructor(socket: Duplex, limits: GateLimits, serve: Serve) {
    this.#wire = new Wire(socket)
    this.#limits = limits
    this.#serve = serve
    this.#reading = new Patience(this.#wire)
    this.#writing = new Patience(this.#wire)
    socket.once('close', () => {
      this.#reading.due(undefined)
      this.#writing.due(undefined)
      this.#gone.abort()
    })
  }

  /** Until the client goes or has to; never rejects. */
  async run(): Promise<void> {
    try {
      while (await this.#one()) {
        // One request after the other.
      }
      this.#wire.end()
    } catch (error) {
      await this.#fail(error)
    }
    this.#reading.due(this.#limits.head.lingerMs)
    this.#wire.discard(this.#limits.head.lingerBytes)
  }

  destroy(): void {
    this.#wire.destroy()
  }

  /** Whether another request may follow. */
  async #one(): Promise<boolean> {
    this.#reading.due(this.#limits.idleMs)
    const first = await this.#wire.read()
    if (first === null) return false
    this.#wire.unread(first)
    this.#reading.due(this.#limits.head.headMs)
    const head = await readHead(this.#wire, this.#limits.head)
    if (head === undefined) return false
    this.#reading.due(undefined)
    const match = LINE.exec(head.startLine)
    if (match === null) throw new Malformed('request line')
    const [, method = '', target = '', minor] = match
    const version = minor === '0' ? '1.0' : '1.1'
    if (head.fields.filter(({ key }) => key === 'host').length > 1) throw new Malformed('two hosts')
    const framing = framingOf(head, version, 'none')
    const body = bodyReader(this.#wire, framing, 'refuse')
    if (framing.kind !== 'none' && version === '1.1') await this.#continue(head)
    const answer = new Answer(this.#wire, version, (waits) =>
      this.#writing.due(waits ? this.#limits.stalledMs : undefined),
    )
    const total = setTimeout(() => this.#wire.destroy(), this.#limits.totalMs)
    const request: GateRequest = {
      method,
      target,
      protocol: protocolOf(head),
      type: valueOf(head.fields, 'content-type'),
      next: this.#reader(head, framing, body),
      signal: this.#gone.signal,
    }
    try {
      await this.#serve(request, answer)
      await answer.end()
    } finally {
      clearTimeout(total)
      this.#reading.due(undefined)
    }
    return (
      body.done &&
      answer.delimited &&
      version === '1.1' &&
      !membersOf(head.fields, 'connection').includes('close')
    )
  }

  async #continue(head: Head): Promise<void> {
    if (valueOf(head.fields, 'expect')?.toLowerCase() === '100-continue')
      await this.#wire.write('HTTP/1.1 100 Continue\r\n\r\n')
  }

  #reader(head: Head, framing: Framing, body: BodyReader): () => Promise<Buffer | undefined> {
    const plain = async (): Promise<Buffer | undefined> => {
      this.#reading.due(this.#limits.stalledMs)
      const piece = await body.next()
      this.#reading.due(undefined)
      return piece
    }
    const codings = membersOf(head.fields, 'content-encoding')
    if (framing.kind === 'none' || codings.length === 0) return plain
    if (codings.length > 1 || (codings[0] !== 'gzip' && codings[0] !== 'x-gzip'))
      throw new Malformed('content coding')
    return unpacked(plain)
  }

  async #fail(error: unknown): Promise<void> {
    if (error instanceof WireClosed || this.#wire.closed) return
    const isMalformed = error instanceof Malformed
    const status = isMalformed ? (error.tooLarge ? 413 : 400) : 503
    const text = isMalformed ? 'this is no request of a git client' : 'the git gate could not go on'
    try {
      await new Answer(this.#wire, '1.0').text(status, `bot-bottle: ${text}.\n`)
      this.#wire.end()
    } catch {
      this.#wire.destroy()
    }
  }
}

function protocolOf(head: Head): string | undefined {
  const said = valueOf(head.fields, 'git-protocol')
  return said !== undefined && /^version=[012]$/.test(said) ? said : undefined
}

/** Unpacked as it is asked for: what is packed small is not kept large. */
function unpacked(next: () => Promise<Buffer | undefined>): () => Promise<Buffer | undefined> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let piece = await next(); piece !== undefined; piece = await next()) yield piece
  }
  const gunzip = createGunzip()
  const fed = (async () => {
    for await (const piece of pieces())
      if (!gunzip.write(piece)) await new Promise((resolve) => gunzip.once('drain', resolve))
    gunzip.end()
  })()
  fed.catch((error: unknown) => gunzip.destroy(error instanceof Error ? error : new Error('gone')))
  const reading = gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return async () => {
    try {
      const { value, done } = await reading.next()
      return done === true ? undefined : value
    } catch {
      throw new Malformed('packed body')
    }
  }
}

/** Ends a connection whose peer takes too long over one thing. */
class Patience {
  readonly #wire: Wire
  #timer: NodeJS.Timeout | undefined

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** From now on the peer has so long; `undefined`: as long as it takes. */
  due(ms: number | undefined): void {
    clearTimeout(this.#timer)
    if (ms === undefined || !controls.on('stalls')) return
    this.#timer = setTimeout(() => this.#wire.destroy(), ms)
  }
}

class Answer implements GateAnswer {
  readonly #wire: Wire
  readonly #version: '1.0' | '1.1'
  readonly #onWait: (waits: boolean) => void
  #framing: Framing | undefined

  constructor(wire: Wire, version: '1.0' | '1.1', onWait: (waits: boolean) => void = () => {}) {
    this.#wire = wire
    this.#version = version
    this.#onWait = onWait
  }

  /** Its end is in the bytes. */
  get delimited(): boolean {
    return this.#framing?.kind === 'chunked'
  }

  async head(status: number, type: string): Promise<void> {
    const isChunked = this.#version === '1.1'
    this.#framing = isChunked ? { kind: 'chunked' } : { kind: 'close' }
    const fields = [
      `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}`,
      `Content-Type: ${type}`,
      'Cache-Control: no-cache, max-age=0, must-revalidate',
      isChunked ? 'Transfer-Encoding: chunked' : 'Connection: close',
    ]
    await this.#wire.write(`${fields.join('\r\n')}\r\n\r\n`)
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#framing === undefined || bytes.length === 0) return
    const taken = this.#wire.write(framePiece(bytes, this.#framing))
    if (taken === undefined) return
    this.#onWait(true)
    await taken
    this.#onWait(false)
  }

  async text(status: number, text: string): Promise<void> {
    await this.head(status, 'text/plain; charset=utf-8')
    await this.write(Buffer.from(text))
    await this.end()
  }

  async end(): Promise<void> {
    if (this.#framing?.kind === 'chunked') await this.#wire.write('0\r\n\r\n')
  }
}
