import { createServer, type Server } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it } from 'vitest'
import { dockerTransport, modemTransport } from '../../../src/drivers/docker/transport.ts'

let close: () => Promise<void>
afterEach(() => close())

/** Answers from one version on, in the words of moby; `seen` are the paths that it was asked. */
async function engineFrom(oldest: number): Promise<{ readonly path: string; readonly seen: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'bb-api-'))
  const path = join(folder, 'docker.sock')
  const seen: string[] = []
  const server: Server = createServer((request, response) => {
    seen.push(request.url ?? '')
    const asked = Number(/^\/v1\.(\d+)\//.exec(request.url ?? '')?.[1])
    const message = `client version 1.${asked} is too old. Minimum supported API version is 1.${oldest}, please upgrade your client to a newer version`
    if (asked < oldest)
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ message }))
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true })
  }
  return { path, seen }
}

const socket = (path: string) => ({ kind: 'socket', path, from: 'test' }) as const

it('an engine that no longer knows our version is asked in its oldest, and from then on at once', async () => {
  const { path, seen } = await engineFrom(44)
  const transport = dockerTransport(socket(path))
  expect(await transport.json({ method: 'GET', path: '/info' })).toEqual({ ok: true })
  expect(await text(await transport.stream({ method: 'GET', path: '/events' }))).toBe('{"ok":true}')
  expect(seen).toEqual(['/v1.41/info', '/v1.44/info', '/v1.44/events'])
})

it('an engine that knows it is asked once', async () => {
  const { path, seen } = await engineFrom(40)
  await dockerTransport(socket(path)).json({ method: 'GET', path: '/info' })
  expect(seen).toEqual(['/v1.41/info'])
})

it('uploads and TLS go in the version of their call, too', async () => {
  const { path, seen } = await engineFrom(44)
  const transport = modemTransport(socket(path))
  await expect(transport.json({ method: 'GET', path: '/info' })).rejects.toMatchObject({ status: 400 })
  expect(await transport.json({ method: 'GET', path: '/info', version: '1.44' })).toEqual({ ok: true })
  expect(seen).toEqual(['/v1.41/info', '/v1.44/info'])
})
