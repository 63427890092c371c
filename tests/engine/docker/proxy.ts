/** An engine that ignores what it is asked: forwards every call to the real one and edits create bodies on the way. */
import { createServer, request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { rmSync } from 'node:fs'

export interface Proxy {
  readonly socket: string
  /** Create bodies as they came from the driver, by container name. */
  readonly created: { readonly name: string; readonly body: Record<string, unknown> }[]
  /** Told of every call from now on. */
  heard(listener: (method: string, url: string) => void): void
  close(): Promise<void>
}

type Body = Record<string, unknown> & { HostConfig: Record<string, unknown> }

export async function openProxy(
  socket: string,
  edit: (body: Body, name: string) => void,
  engine = (process.env['DOCKER_HOST'] ?? '/var/run/docker.sock').replace(/^unix:\/\//, ''),
): Promise<Proxy> {
  const created: { name: string; body: Record<string, unknown> }[] = []
  let listener: (method: string, url: string) => void = () => {}
  const server = createServer((incoming, outgoing) => {
    listener(incoming.method ?? '', incoming.url ?? '')
    void forward(incoming).then(
      (answer) => answer.pipe(outgoing.writeHead(answer.statusCode ?? 500, answer.headers)),
      () => outgoing.destroy(),
    )
  })
  async function forward(incoming: IncomingMessage): Promise<IncomingMessage> {
    const creation = /\/containers\/create\?.*name=([^&]+)/.exec(incoming.url ?? '')
    const headers = { ...incoming.headers }
    let replacement: Buffer | undefined
    if (creation) {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Body
      created.push({ name: creation[1] ?? '', body: structuredClone(body) })
      edit(body, creation[1] ?? '')
      replacement = Buffer.from(JSON.stringify(body))
      delete headers['transfer-encoding']
      headers['content-length'] = String(replacement.length)
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath: engine, path: incoming.url, method: incoming.method, headers },
        resolve,
      ).once('error', reject)
      if (replacement) outgoing.end(replacement)
      else incoming.pipe(outgoing)
    })
  }
  server.on('upgrade', (incoming, client: Socket, head) => {
    listener(incoming.method ?? '', incoming.url ?? '')
    const outgoing = request({
      socketPath: engine,
      path: incoming.url,
      method: incoming.method,
      headers: incoming.headers,
    })
    outgoing.on('upgrade', (answer, upstream, rest) => {
      client.write(
        `HTTP/1.1 101 UPGRADED\r\n${Object.entries(answer.headers)
          .map(([name, value]) => `${name}: ${String(value)}\r\n`)
          .join('')}\r\n`,
      )
      client.write(rest)
      client.pipe(upstream).pipe(client)
      client.on('error', () => upstream.destroy())
      upstream.on('error', () => client.destroy())
    })
    outgoing.once('error', () => client.destroy())
    // The body of an upgraded request arrives on the connection itself.
    const length = Number(incoming.headers['content-length'] ?? 0)
    let body = head
    const more = () => {
      for (
        let chunk: Buffer | null;
        body.length < length && (chunk = client.read() as Buffer | null) !== null;
      )
        body = Buffer.concat([body, chunk])
      if (body.length < length) return
      client.off('readable', more)
      outgoing.end(body.subarray(0, length))
    }
    client.on('readable', more)
    more()
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    socket,
    created,
    heard(told) {
      listener = told
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(socket, { force: true })
    },
  }
}
