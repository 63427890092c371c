/** Requests as other programs read them: Node, h11 and Go's net/http, which servers behind the door may be. */
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { clientsMissing, clientsPython } from '../../../scripts/labs/clients.ts'

export interface ReadRequest {
  readonly method: string
  readonly target: string
  readonly hosts: readonly string[]
  /** The first host as this program's own parser of URLs takes it, `host:port`, port 0 where none is written. */
  readonly authority: string | null
  readonly body: string
}

export interface Reading {
  /** The complete ones, until it refused. */
  readonly requests: readonly ReadRequest[]
  /** It refused nothing, and nothing was left over. */
  readonly whole: boolean
}

export interface Reader {
  readonly name: string
  /** Why it cannot run here. */
  readonly missing: string | undefined
  read(texts: readonly string[]): Promise<readonly Reading[]>
}

const PROGRAMS = join(import.meta.dirname, 'parsers-readers')

export const READERS: readonly Reader[] = [
  { name: 'node:http', missing: undefined, read: readAllByNode },
  {
    name: 'h11',
    missing: clientsMissing(),
    read: (texts) => piped([clientsPython(), join(PROGRAMS, 'read_h11.py')], texts),
  },
  {
    name: 'net/http',
    missing: spawnSync('go', ['version']).status === 0 ? undefined : 'no Go toolchain here',
    read: (texts) => piped(['go', 'run', join(PROGRAMS, 'read_nethttp.go')], texts),
  },
]

/** Texts that one process reads. */
const BATCH = 12_000

async function piped(argv: readonly string[], texts: readonly string[]): Promise<readonly Reading[]> {
  const readings: Reading[] = []
  for (let at = 0; at < texts.length; at += BATCH)
    for (const reading of pipedAtOnce(argv, texts.slice(at, at + BATCH))) readings.push(reading)
  return readings
}

function pipedAtOnce(
  [program = '', ...argv]: readonly string[],
  texts: readonly string[],
): readonly Reading[] {
  const input = Buffer.concat(
    texts.flatMap((text) => {
      const [size, bytes] = [Buffer.alloc(4), Buffer.from(text, 'latin1')]
      size.writeUInt32BE(bytes.length)
      return [size, bytes]
    }),
  )
  const { status, stdout, stderr } = spawnSync(program, argv, { input, maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${program}: ${stderr.toString()}`)
  const lines = stdout.toString('utf8').trimEnd().split('\n')
  return lines.map((line): Reading => JSON.parse(line) as Reading)
}

async function readAllByNode(texts: readonly string[]): Promise<readonly Reading[]> {
  const readings: Reading[] = []
  for (const text of texts) readings.push(await readByNode(text))
  return readings
}

function readByNode(text: string): Promise<Reading> {
  const begun: { readonly head: IncomingMessage; body: string; complete: boolean }[] = []
  let refused = false
  const take = (head: IncomingMessage, response: ServerResponse): void => {
    const request = { head, body: '', complete: false }
    begun.push(request)
    head.setEncoding('latin1').on('data', (piece: string) => (request.body += piece))
    head.on('end', () => {
      request.complete = true
      response.end()
    })
  }
  const server = createServer({ maxHeaderSize: 1 << 20, requireHostHeader: false }, take)
  server.on('checkContinue', take).on('checkExpectation', take)
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('connect', (request, socket) => {
    begun.push({ head: request, body: '', complete: true })
    socket.destroy()
  })
  server.on('clientError', (_error, socket) => {
    refused = true
    socket.destroy()
  })
  const [near, far] = duplexPair()
  return new Promise((resolve) => {
    let answered = ''
    near.on('data', (piece: Buffer) => (answered += piece.toString('latin1'))).on('error', () => {})
    near.on('close', () => {
      const requests = begun.filter(({ complete }) => complete).map(({ head, body }) => ({ ...meaning(head), body })) // prettier-ignore
      const answers = answered.split('HTTP/1.1 200').length - 1
      resolve({
        requests,
        whole: !refused && answers === requests.length && !answered.includes('HTTP/1.1 4'),
      })
    })
    server.emit('connection', far)
    far.on('close', () => near.destroy())
    near.end(text, 'latin1')
  })
}

function meaning(request: IncomingMessage): Omit<ReadRequest, 'body'> {
  const hosts = request.rawHeaders.filter((_text, at) => {
    return at % 2 === 1 && request.rawHeaders[at - 1]?.toLowerCase() === 'host'
  })
  const { method = '', url: target = '' } = request
  return { method, target, hosts, authority: canonical(hosts[0]) }
}

/** By the WHATWG's parser; a scheme without a port of its own, so that none is left out. */
function canonical(host: string | undefined): string | null {
  if (host === undefined || !URL.canParse(`http://${host}`)) return null
  const { hostname } = new URL(`http://${host}`)
  const port = /:([0-9]+)$/.exec(host)?.[1]
  return `${hostname.replace(/\.$/, '')}:${port ?? 0}`
}
