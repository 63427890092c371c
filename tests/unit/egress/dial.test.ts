import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { dialThroughUplink } from '../../../sidecars/http/dial.ts'
import { Wire } from '../../../sidecars/http/wire.ts'

let folder = ''
let server: Server | undefined
afterEach(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** An uplink that agrees and then is the upstream. */
async function uplink(serve: (socket: Socket) => void): Promise<string> {
  folder = mkdtempSync(join(tmpdir(), 'bb-dial-'))
  const path = join(folder, 'dial.sock')
  server = createServer((socket) => socket.once('data', () => serve(socket)))
  await new Promise<void>((resolve) => server?.listen(path, resolve))
  return path
}

const AGREED = '{"ok":true,"address":"10.0.0.1"}\n'

test('what an upstream answers is read, without TLS as well (http routes, passthrough)', async () => {
  const path = await uplink((socket) => {
    socket.write(AGREED)
    socket.on('data', (piece) => socket.write(`answer to ${String(piece)}`))
  })
  const wire = new Wire(await dialThroughUplink(path)({ host: 'plain.test', port: 80, token: 't' }))
  await wire.write('question')
  expect(String(await wire.read())).toBe('answer to question')
  wire.destroy()
})

test('what comes with the answer line is not lost', async () => {
  const path = await uplink((socket) => socket.write(`${AGREED}banner`))
  const wire = new Wire(await dialThroughUplink(path)({ host: 'plain.test', port: 80, token: 't' }))
  expect(String(await wire.read())).toBe('banner')
  wire.destroy()
})
