import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dialThroughUplink } from '../../../sidecars/egress/dial.ts'

test.each(['made-up', 'constructor', '__proto__', ''])(
  'a refusal of the uplink with the code `%s` is one that there is a rule for',
  async (code) => {
    const folder = mkdtempSync(join(tmpdir(), 'dial-'))
    const path = join(folder, 'dial.sock')
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(`${JSON.stringify({ ok: false, code, message: 'no' })}\n`)
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    try {
      const dialled = dialThroughUplink(path)({ host: 'allowed.test', port: 443, token: 't' })
      await expect(dialled).rejects.toMatchObject({ name: 'DialFailed', code: 'connect-failed' })
    } finally {
      server.close()
      rmSync(folder, { recursive: true })
    }
  },
)
