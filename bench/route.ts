/** From the start of `apply` after an edit of the manifest to the first answer through the new route, with a client that must not notice. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startUpstream, type Upstream } from '../scripts/demo/upstream.ts'
import type { Laboratory } from './laboratory.ts'
import { emptyProgram, line, time, type Line } from './measure.ts'

const STACK = 'bench-route'

export async function routeLines(laboratory: Laboratory, rounds: number): Promise<readonly Line[]> {
  const { folder, env, installed } = laboratory
  const manifest = laboratory.manifest(STACK, 1)
  const write = (...hosts: readonly string[]) => writeFileSync(manifest, stackWith(upstream, hosts))
  const upstream = await startUpstream(manifest, join(folder, 'route-ca.pem'), 0)
  write('api')
  await laboratory.apply(STACK)
  const client = spawn(
    installed,
    ['exec', '-f', manifest, 'b0', '--', 'node', '-e', `(${clientProgram.toString()})(${upstream.port})`],
    { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const told = tellings(client.stdout)
  try {
    await told('answered')
    const node: number[] = []
    const times: number[] = []
    for (let round = -1; round < rounds; round++) {
      const empty = await emptyProgram()
      write('api', 'docs')
      const from = Date.now()
      const live = told('open')
      const applied = time({ argv: [installed, 'apply', '-f', manifest], cwd: folder, env })
      const took = Number(await live) - from
      await applied
      if (round >= 0) {
        node.push(empty)
        times.push(took)
      }
      write('api')
      const closed = told('closed')
      await time({ argv: [installed, 'apply', '-f', manifest], cwd: folder, env })
      await closed
    }
    client.stdout.unpipe()
    const dropped = Number(await told('dropped'))
    const opened = line('route edit to live, agent untouched', times, { node, scaledMax: 450 })
    return [
      { ...opened, met: opened.met === true && dropped === 0, note: `${dropped} dropped allowed requests` },
    ]
  } finally {
    client.kill('SIGTERM')
    upstream.close()
    await laboratory.destroy(STACK)
  }
}

function stackWith({ address, port }: Upstream, hosts: readonly string[]): string {
  const routes = hosts.map(
    (host) => `        - { host: ${host}.demo.example, port: ${port}, allow_private: true }`,
  )
  return `version: 1
stack: ${STACK}
uplink:
  trust: [route-ca.pem]
  hosts: { api.demo.example: ${address}, docs.demo.example: ${address} }
bottles:
  b0:
    resources: { memory: 256MiB, pids: 64 }
    egress:
      routes:
${routes.join('\n')}
`
}

/** Lines of the client: a word and a value. Resolves with the value of the next one with that word. */
function tellings(stream: NodeJS.ReadableStream): (word: string) => Promise<string> {
  const waiting = new Map<string, (value: string) => void>()
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const [word = '', value = ''] of lines.map((each) => each.split(' '))) {
      waiting.get(word)?.(value)
      waiting.delete(word)
    }
  })
  return (word) =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`the client in the bottle never said ${word}`)), 60_000)
      waiting.set(word, (value) => {
        clearTimeout(limit)
        resolve(value)
      })
    })
}

/** Runs in the bottle: asks the open route on one connection all the time, and tries the other on new ones. */
function clientProgram(port: number): void {
  const { connect } = process.getBuiltinModule('node:net')
  const { connect: secure } = process.getBuiltinModule('node:tls')
  const say = (word: string, value: number) => process.stdout.write(`${word} ${value}\n`)
  let dropped = 0

  function open(
    host: string,
    ready: (socket: import('node:tls').TLSSocket) => void,
    failed: () => void,
  ): void {
    const plain = connect(909, '127.0.0.1')
    plain.once('error', failed)
    plain.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
    plain.once('data', (head) => {
      if (!head.toString().startsWith('HTTP/1.1 200')) {
        plain.destroy()
        return failed()
      }
      const socket = secure({ socket: plain, servername: host }, () => ready(socket))
      socket.once('error', failed)
    })
  }

  const request = (host: string) => `GET /v1/hello HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`

  function keepAsking(): void {
    open(
      'api.demo.example',
      (socket) => {
        const ask = () => socket.write(request('api.demo.example'))
        socket.on('data', (answer) => {
          if (answer.toString().startsWith('HTTP/1.1 200')) {
            say('answered', 1)
            setTimeout(ask, 20)
          }
        })
        socket.once('close', () => {
          dropped += 1
          keepAsking()
        })
        ask()
      },
      () => {
        dropped += 1
        setTimeout(keepAsking, 20)
      },
    )
  }

  let wasOpen = false
  function tryOther(): void {
    let settled = false
    const is = (now: boolean) => {
      if (settled) return
      settled = true
      if (now !== wasOpen) say(now ? 'open' : 'closed', Date.now())
      wasOpen = now
      setTimeout(tryOther, 10)
    }
    open(
      'docs.demo.example',
      (socket) => {
        socket.once('data', (answer) => {
          is(answer.toString().startsWith('HTTP/1.1 200'))
          socket.destroy()
        })
        socket.once('close', () => is(false))
        socket.write(request('docs.demo.example'))
      },
      () => is(false),
    )
  }
  keepAsking()
  tryOther()
  setInterval(() => say('dropped', dropped), 50)
}
