/** An uplink as a process of its own, receivers that keep what they got, and clients of both sockets. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { DialAnswer, DialRequest, UplinkRequest, UplinkStatus } from '../../../src/model/control.ts'

export const TOKEN = { a: 'a'.repeat(40), b: 'b'.repeat(40), unknown: 'x'.repeat(40) }

export interface WorldOptions {
  readonly off?: readonly string[]
  readonly wires?: Readonly<Record<string, number>>
  readonly own?: readonly string[]
  readonly gateways?: readonly string[]
  /** An existing volume, to come back to. */
  readonly volume?: string
}

export interface Answer {
  readonly ok: boolean
  readonly value?: unknown
  readonly code?: string
  readonly message?: string
}

export interface World {
  readonly volume: string
  readonly pid: number
  /** Everything the uplink tried to reach. */
  readonly dialled: string[]
  readonly output: string[]
  ask(request: UplinkRequest | Readonly<Record<string, unknown>>): Promise<Answer>
  status(nonce?: string): Promise<UplinkStatus>
  dial(request: DialRequest): Promise<{ readonly answer: DialAnswer; readonly socket: Socket }>
  /** A bare connection to the dial socket. */
  knock(): Socket
  kill(signal: NodeJS.Signals): Promise<void>
  close(): Promise<void>
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'uplink-'))
  const volume = options.volume ?? folder
  const run = join(folder, 'run')
  const many = (name: string, values: readonly string[] = []): string[] =>
    values.flatMap((value) => [`--${name}`, value])
  const program = join(import.meta.dirname, 'fixtures/uplink-process.ts')
  const wires = JSON.stringify(options.wires ?? {})
  const argv = ['--volume', volume, '--run', run, '--wires', wires]
  const lists = [
    ...many('off', options.off),
    ...many('own', options.own),
    ...many('gateway', options.gateways),
  ]
  const child = spawn(process.execPath, [program, ...argv, ...lists], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const dialled: string[] = []
  const output: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the uplink did not start')))
    createInterface({ input: child.stdout }).on('line', (line) => {
      output.push(line)
      const said = JSON.parse(line) as { dialled?: string; up?: boolean }
      if (said.dialled !== undefined) dialled.push(said.dialled)
      if (said.up === true) resolve()
    })
  })
  const control = connect(join(run, 'control.sock'))
  const waiting = new Map<number, (answer: Answer) => void>()
  createInterface({ input: control }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer & { id: number }
    waiting.get(answer.id)?.(answer)
  })
  control.on('error', () => undefined)
  let id = 0
  const ask: World['ask'] = (request) =>
    new Promise((resolve) => {
      id += 1
      waiting.set(id, resolve)
      control.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  const knock = (): Socket => {
    const socket = connect({ path: join(volume, 'dial.sock'), allowHalfOpen: true })
    socket.on('error', () => undefined)
    return socket
  }
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await gone
  }
  return {
    volume,
    pid: child.pid!,
    dialled,
    output,
    ask,
    status: async (nonce = 'n') => (await ask({ op: 'status', nonce })).value as UplinkStatus,
    async dial(request) {
      const socket = knock()
      socket.write(`${JSON.stringify(request)}\n`)
      return { answer: JSON.parse(await readLine(socket)) as DialAnswer, socket }
    },
    knock,
    kill,
    async close() {
      control.destroy()
      await kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One line; the bytes after it stay in the socket. */
export function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0)
    const closed = (): void => reject(new Error('closed before a line'))
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      const end = held.indexOf(10)
      if (end === -1) return
      socket.off('data', take).off('close', closed).pause()
      if (held.length > end + 1) socket.unshift(held.subarray(end + 1))
      resolve(held.toString('utf8', 0, end))
    }
    socket.on('data', take).on('close', closed)
  })
}

export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

export interface Receiver {
  readonly port: number
  /** What arrived, one entry per connection that ended its side. */
  readonly received: string[]
  connections(): number
  close(): void
}

/** Answers what it got, in upper case, after the sender has ended; `greeting` is sent at once. */
export async function receiver(greeting = ''): Promise<Receiver> {
  const received: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    if (greeting !== '') socket.write(greeting)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => {
      const all = Buffer.concat(chunks).toString('utf8')
      received.push(all)
      socket.end(all.toUpperCase())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => sockets.size,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
