/** What stands behind the door during a soak: it answers well and badly, and tells of what it should never have got. */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { reset } from '../door/door.ts'
import type { Upstream } from '../door/door.ts'

/** In what no upstream may ever see: paths that no route allows, bodies that hold a secret. */
export const FORBIDDEN = 'forbidden-marker'

/** The same bytes for the same size. */
export const content = (size: number): Buffer =>
  Buffer.alloc(size, 'The quick brown fox jumps over the dog. ')
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** `violation`: hears of what should not have come. */
export function soakUpstream(violation: (what: string) => void): Upstream {
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://soak.test')
    if (request.url?.includes(FORBIDDEN) === true) violation(`served ${request.method} ${request.url}`)
    const size = Number(searchParams.get('size') ?? 0)
    switch (pathname) {
      case '/echo':
        // With its credential, which must not come back.
        return void response.end(JSON.stringify(request.headers))
      case '/digest': {
        const hash = createHash('sha256')
        let tail = ''
        for await (const piece of request) {
          const bytes = piece as Buffer
          hash.update(bytes)
          tail = (tail + bytes.toString('latin1')).slice(-bytes.length - FORBIDDEN.length)
          if (tail.includes(FORBIDDEN)) violation('a body with a secret in it')
        }
        return void response.end(hash.digest('hex'))
      }
      case '/content':
        response.setHeader('Content-Length', size)
        return void response.end(content(size))
      case '/drip':
        for (let index = 0; index < 10; index++) {
          response.write(content(size / 10))
          await wait(20)
        }
        return void response.end()
      case '/reset':
        response.setHeader('Content-Length', size)
        response.write(content(size / 2), () => reset(request.socket))
        return
      case '/gone':
        return void reset(request.socket)
      default:
        response.statusCode = 404
        return void response.end()
    }
  }
  return {
    request: (request, response) => {
      request.on('error', () => {})
      response.on('error', () => {})
      answer(request, response).catch(() => response.destroy())
    },
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request)),
  }
}
