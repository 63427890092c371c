import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { digestOf } from '../../../src/model/json.ts'
import type { FromDaemon, ToDaemon } from '../../../sidecars/supervisor/ipc.ts'
import { Client, route } from './lab.ts'

let child: ChildProcess | undefined
afterEach(() => child?.kill('SIGKILL'))

/** The daemon as the supervisor starts it, with what it says. */
function start(): {
  readonly child: ChildProcess
  said: (test: (message: FromDaemon) => boolean) => Promise<FromDaemon>
  tell: (message: ToDaemon, handle?: unknown) => Promise<void>
} {
  const started = fork(new URL('../../../sidecars/egress/main.ts', import.meta.url), {
    env: {},
    execArgv: ['--no-warnings', '--disable-sigusr1'],
  })
  child = started
  const messages: FromDaemon[] = []
  const waiting = new Set<() => void>()
  started.on('message', (message: FromDaemon) => {
    messages.push(message)
    for (const look of waiting) look()
  })
  return {
    child: started,
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

test('the daemon takes doors and configuration over IPC, refuses in words, logs, resolves, and ends with its supervisor', async () => {
  const daemon = start()
  expect(await daemon.said((message) => 'ready' in message)).toMatchObject({
    ready: true,
    version: expect.stringMatching(/^\d+\.\d+/),
  })

  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await daemon.tell({ listen: 'proxy' }, server)
  server.close()
  const resolver = createSocket('udp4')
  await new Promise<void>((resolve) => resolver.bind(0, '127.0.0.1', resolve))
  const resolverPort = resolver.address().port
  await daemon.tell({ listen: 'dns-udp' }, resolver)
  resolver.close()

  const open = (): Client => new Client(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  const CONNECT = 'CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n'
  expect(await open().send(CONNECT).ended()).toContain('no-policy')

  await daemon.tell({
    id: 1,
    op: 'configure',
    config: {
      generation: 7,
      policy: { log: 'blocks', routes: [route({ matches: [{ paths: [{ regex: '(?=x)' }] }] })] },
      secrets: {},
      trust: [],
      uplinkToken: 't',
      bottle: 'implementer',
    },
  })
  expect(await daemon.said((message) => 'id' in message && message.id === 1)).toMatchObject({
    ok: false,
    code: 'config-invalid',
  })
  await daemon.tell({
    id: 2,
    op: 'configure',
    config: {
      generation: 8,
      policy: { log: 'blocks', routes: [route()] },
      secrets: { a: 'b' },
      trust: [],
      uplinkToken: 't',
      bottle: 'implementer',
    },
  })
  expect(await daemon.said((message) => 'id' in message && message.id === 2)).toEqual({
    id: 2,
    ok: true,
    value: { generation: 8 },
  })

  for (const [id, generation] of [
    [21, 8],
    [22, 7],
  ] as const) {
    await daemon.tell({
      id,
      op: 'configure',
      config: {
        generation,
        policy: { log: 'blocks', routes: [] },
        secrets: {},
        trust: [],
        uplinkToken: 't',
        bottle: 'implementer',
      },
    })
    expect(await daemon.said((message) => 'id' in message && message.id === id)).toMatchObject({
      ok: false,
      code: 'generation-old',
    })
  }

  expect(await open().send(CONNECT).ended()).toContain('host-undeclared')
  expect(
    await daemon.said((message) => 'log' in message && message.log.rule === 'host-undeclared'),
  ).toMatchObject({
    log: { decision: 'deny', bottle: 'implementer', host: 'denied.test', port: 443, generation: 8 },
  })

  const asker = createSocket('udp4')
  const answered = new Promise<Buffer>((resolve) => asker.once('message', resolve))
  asker.send(
    Buffer.concat([
      Buffer.from('abcd01000001000000000000', 'hex'),
      Buffer.from('\x07allowed\x04test\0\0\x01\0\x01', 'latin1'),
    ]),
    resolverPort,
    '127.0.0.1',
  )
  expect([...(await answered).subarray(-4)]).toEqual([127, 0, 0, 2])
  asker.close()

  await daemon.tell({ id: 3, op: 'status', nonce: 'n' })
  expect(await daemon.said((message) => 'id' in message && message.id === 3)).toMatchObject({
    ok: true,
    value: {
      generation: 8,
      refusedLastHour: 2,
      routes: [{ host: 'allowed.test' }],
      trust: digestOf([]),
      secrets: { a: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  })

  const gone = new Promise((resolve) => daemon.child.once('exit', resolve))
  daemon.child.disconnect()
  await gone
}, 15_000)
