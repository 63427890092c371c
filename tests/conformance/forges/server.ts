/** An HTTP server on loopback for what a forge could be: every request it saw, and answers as data. */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** JSON, unless it is text. */
  readonly body?: unknown
}

export interface ApiServer {
  readonly port: number
  readonly seen: readonly Asked[]
  close(): Promise<void>
}

export async function openServer(
  reply: (asked: Asked) => Reply | undefined,
  tls?: { readonly cert: string; readonly key: string },
): Promise<ApiServer> {
  const seen: Asked[] = []
  const listener: RequestListener = (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.once('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://forge')
      const asked = {
        method: request.method ?? '',
        path: pathname,
        query: searchParams,
        headers: request.headers,
        body,
      }
      seen.push(asked)
      const answer = reply(asked)
      if (answer === undefined) return
      const isText = typeof answer.body === 'string'
      const type = isText ? 'text/html' : 'application/json; charset=utf-8'
      response.writeHead(answer.status, {
        ...(answer.body !== undefined && { 'content-type': type }),
        ...answer.headers,
      })
      response.end(answer.body === undefined || isText ? answer.body : JSON.stringify(answer.body))
    })
  }
  const server = tls ? createSecureServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
