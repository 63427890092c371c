import { execFile, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { FromGate, ToGate } from '../../../sidecars/gate/ipc.ts'
import type { GateConfig } from '../../../src/model/gate.ts'
import { PUSH } from './lab.ts'
import { makeKey } from './sshd.ts'

let child: ChildProcess | undefined
const folder = mkdtempSync('/tmp/bb-gate-main-')
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** The daemon as the supervisor starts it, with what it says. */
function start(): {
  readonly said: (test: (message: FromGate) => boolean) => Promise<FromGate>
  readonly tell: (message: ToGate, handle?: unknown) => Promise<void>
} {
  const started = fork(new URL('../../../sidecars/gate/main.ts', import.meta.url), [join(folder, 'w')], {
    env: {},
    execArgv: ['--no-warnings', '--disable-sigusr1'],
  })
  child = started
  const messages: FromGate[] = []
  const waiting = new Set<() => void>()
  started.on('message', (message: FromGate) => {
    messages.push(message)
    for (const look of waiting) look()
  })
  return {
    said: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = messages.find(wanted)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    tell: (message, handle) =>
      new Promise((resolve, reject) =>
        started.send(message, handle as never, {}, (error) => (error ? reject(error) : resolve())),
      ),
  }
}

const ask = (port: number, name: string): Promise<string> =>
  new Promise((resolve) => {
    const url = `http://127.0.0.1:${port}/${name}.git`
    const env = { PATH: '/usr/bin:/bin', GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C' }
    execFile('git', ['ls-remote', url], { env }, (_error, _out, err) => resolve(err))
  })

test('the daemon takes door and configuration over IPC, refuses in words, and ends with its supervisor', async () => {
  const daemon = start()
  expect(await daemon.said((message) => 'ready' in message)).toMatchObject({ ready: true })
  expect(statSync(join(folder, 'w')).mode & 0o777).toBe(0o700)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await daemon.tell({ listen: 'git' }, server)
  server.close()
  expect(await ask(port, 'origin')).toContain('no such repository behind this gate. Declared: none.')

  const key = makeKey(join(folder, 'key'))
  const config: GateConfig = {
    generation: 7,
    bottle: 'implementer',
    uplinkToken: 't',
    remotes: [
      {
        name: 'origin',
        url: { user: 'git', host: 'git.acme.test', port: 22, path: '/acme/app.git' },
        hostKeys: [key.line],
        push: PUSH,
      },
    ],
    identities: { origin: key.secret },
  }
  await daemon.tell({ id: 1, op: 'configure', config: { ...config, identities: { origin: 'none' } } })
  expect(await daemon.said((message) => 'id' in message && message.id === 1)).toEqual({
    id: 1,
    ok: false,
    code: 'config-invalid',
    message: 'remote origin: its key cannot be used: it is no private key',
  })
  await daemon.tell({ id: 2, op: 'configure', config })
  expect(await daemon.said((message) => 'id' in message && message.id === 2)).toEqual({
    id: 2,
    ok: true,
    value: { generation: 7 },
  })
  await daemon.tell({ id: 3, op: 'configure', config })
  expect(await daemon.said((message) => 'id' in message && message.id === 3)).toMatchObject({
    ok: false,
    code: 'generation-old',
  })
  await daemon.tell({ id: 4, op: 'status', nonce: 'n' })
  const status = await daemon.said((message) => 'id' in message && message.id === 4)
  expect(status).toMatchObject({ value: { generation: 7, remotes: config.remotes } })
  expect(JSON.stringify(status)).not.toContain('PRIVATE')

  // There is no uplink here.
  expect(await ask(port, 'origin')).toContain('git.acme.test:22 cannot be reached')
  expect(await daemon.said((message) => 'log' in message)).toMatchObject({
    log: { decision: 'deny', rule: 'upstream-unreachable', host: 'git.acme.test', port: 22 },
  })

  await daemon.tell({ id: 5, op: 'verify', remote: 'origin' })
  expect(await daemon.said((message) => 'id' in message && message.id === 5)).toMatchObject({
    ok: true,
    value: { generation: 7, trouble: { rule: 'upstream-unreachable' } },
  })

  const ended = new Promise((resolve) => child?.once('exit', (_code, signal) => resolve(signal)))
  child?.disconnect()
  expect(await ended).toBe('SIGKILL')
})
