import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { dockerTransport } from '../../../src/drivers/docker/transport.ts'

const folder = mkdtempSync(join(tmpdir(), 'bb-socket-'))
const path = join(folder, 'engine.sock')
let server: Server | undefined

/** An engine that answers as told, on a socket of its own. */
async function engine(answer: RequestListener): Promise<Server> {
  const made = createServer(answer)
  server = made
  await new Promise<void>((resolve) => made.listen(path, resolve))
  return made
}

const transport = () => dockerTransport({ kind: 'socket', path, from: 'a test' })

afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
  rmSync(path, { force: true })
})

describe('a question over the socket', () => {
  it('names the version of the API, sends query and body as JSON, and answers what came back', async () => {
    await engine((request, response) => {
      void text(request).then((body) =>
        response.end(
          JSON.stringify({ url: request.url, type: request.headers['content-type'], body: JSON.parse(body) }),
        ),
      )
    })
    expect(
      await transport().json({
        method: 'POST',
        path: '/containers/create',
        query: { name: 'a b&c', all: true },
        body: { Image: 'é' },
      }),
    ).toEqual({
      url: '/v1.41/containers/create?name=a%20b%26c&all=true',
      type: 'application/json',
      body: { Image: 'é' },
    })
  })

  it('sends no body where there is none to send: engines refuse a start that has one', async () => {
    await engine((request, response) => {
      response.statusCode = request.headers['content-length'] === '0' ? 204 : 400
      response.end()
    })
    expect(await transport().json({ method: 'POST', path: '/containers/x/start' })).toBeUndefined()
  })

  it('becomes a refusal with status and words of the engine', async () => {
    await engine((request, response) => {
      response.statusCode = 409
      response.end(request.url?.endsWith('/plain') ? 'in plain words\n' : '{"message":"name is taken"}')
    })
    const ask = (where: string) => transport().json({ method: 'POST', path: where })
    await expect(ask('/x')).rejects.toMatchObject({
      name: 'EngineRefusal',
      status: 409,
      message: 'name is taken',
    })
    await expect(ask('/plain')).rejects.toMatchObject({ status: 409, message: 'in plain words' })
  })

  it('is asked once more when a kept connection was closed meanwhile, if it only reads', async () => {
    const seen: string[] = []
    await engine((request, response) => {
      seen.push(request.method ?? '')
      if (seen.length === 1) request.socket.destroy()
      else response.end('{}')
    })
    expect(await transport().json({ method: 'GET', path: '/info' })).toEqual({})
    seen.length = 0
    await expect(transport().json({ method: 'POST', path: '/x' })).rejects.toMatchObject({
      code: 'ECONNRESET',
    })
    expect(seen).toEqual(['POST'])
  })

  it('says which socket nobody answers at', async () => {
    await expect(transport().json({ method: 'GET', path: '/info' })).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a stream over the socket', () => {
  it('is given up when the caller does', async () => {
    const gone = Promise.withResolvers<void>()
    await engine((request, response) => {
      response.write('{}\n')
      request.socket.once('close', () => gone.resolve())
    })
    const giveUp = new AbortController()
    const stream = await transport().stream({ method: 'GET', path: '/events', signal: giveUp.signal })
    stream.on('error', () => {})
    giveUp.abort()
    await gone.promise
  })
})

describe('a raw connection', () => {
  it('keeps what the engine sent together with its answer, and hears the end of our side', async () => {
    const made = await engine((_, response) => response.end())
    made.on('upgrade', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ')
      void text(socket).then((heard) => socket.end(`heard ${heard}`))
    })
    const raw = await transport().hijack({ method: 'POST', path: '/exec/x/start', body: {} })
    raw.end('question')
    expect(await text(raw)).toBe('early heard question')
  })

  it('is refused in words', async () => {
    await engine((_, response) => {
      response.statusCode = 409
      response.end('{"message":"container is paused"}')
    })
    await expect(
      transport().hijack({ method: 'POST', path: '/exec/x/start', body: {} }),
    ).rejects.toMatchObject({ status: 409, message: 'container is paused' })
  })
})
