/** The program in this process: in-memory streams, a memory engine, a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import type { Io, SignalName } from '../../../src/cli/io.ts'
import { run } from '../../../src/cli/main.ts'
import { faults as newFaults } from '../../../src/drivers/memory/faults.ts'
import { memoryDriver } from '../../../src/drivers/memory/driver.ts'
import { memoryWorld } from '../../../src/drivers/memory/world.ts'
import type { Driver } from '../../../src/ports/driver.ts'
import type { OutStream } from '../../../src/render/output.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** What is typed; with `terminal`, on a terminal. */
  readonly stdin?: string
  readonly terminal?: boolean
  /** Whoever reads stdout leaves after the first line, as `head -1` does. */
  readonly leaves?: boolean
  /** Raised as soon as the program listens for it. */
  readonly signal?: SignalName
}

export function openProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'bb-cli-'))
  const world = memoryWorld()
  const faults = newFaults()
  let logs: Driver['logs'] | undefined
  const drivers: NonNullable<Io['drivers']> = {
    memory: async ({ installation }) => ({
      ...memoryDriver({ world, installation, faults }),
      ...(logs && { logs }),
    }),
  }
  const ioOf = (env: Readonly<Record<string, string>>, signal?: SignalName): Io => ({
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: { HOME: folder, BOT_BOTTLE_DRIVER: 'memory', PATH: process.env['PATH'] ?? '', ...env },
    cwd: folder,
    now: () => Date.now(),
    onSignal(name, heard) {
      if (name === signal) queueMicrotask(heard)
      return () => {}
    },
    drivers,
  })
  return {
    folder,
    io: (env: Readonly<Record<string, string>>) => ioOf(env),
    world,
    faults,
    write: (name: string, text: string) => writeFileSync(join(folder, name), text),
    /** The memory engine keeps no logs. */
    answerLogs: (answer: Driver['logs']): void => void (logs = answer),
    close: () => rmSync(folder, { recursive: true, force: true }),
    async run(line: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
      const argv = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line
      const [out, err] = [
        captured(options.terminal === true, options.leaves === true),
        captured(options.terminal === true),
      ]
      const input = Object.assign(new PassThrough(), {
        isTTY: options.terminal === true,
        setRawMode: () => undefined,
      })
      input.end(options.stdin ?? '')
      const io: Io = {
        ...ioOf(options.env ?? {}, options.signal),
        stdin: input,
        stdout: out.stream,
        stderr: err.stream,
      }
      const code = await run(argv, io)
      return { code, stdout: out.text(), stderr: err.text() }
    },
  }
}

function captured(terminal: boolean, leaves = false): { readonly stream: OutStream; text(): string } {
  let text = ''
  const stream = new Writable({
    // As the process's own streams are: still writable after an error.
    autoDestroy: false,
    write(chunk: Buffer, _encoding, done) {
      const isRead = !leaves || text === ''
      if (isRead) text += chunk.toString('utf8')
      else stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY: terminal, columns: 120, rows: 40 }), text: () => text }
}

export const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    env:
      CI: "1"
    egress:
      routes:
        - host: api.github.com
          matches: [{ methods: [GET], paths: [{ prefix: /repos/acme/ }] }]
          auth: { scheme: bearer, token_ref: GITHUB_TOKEN }
agents:
  implementer: { bottle: dev }
  reviewer: { bottle: dev }
`
export const TOKEN = { GITHUB_TOKEN: 'canary-token-0123456789' }
