/** Programs in containers: streams bound to the caller, the exit code when they end. */
import { PassThrough, type Duplex, type Readable, type Writable } from 'node:stream'
import { DriverError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'
import type { Execution } from '../../ports/program.ts'
import type { Engine, ExecSpec } from './calls.ts'

export async function execute(engine: Engine, containerId: string, spec: ExecSpec): Promise<Execution> {
  const execId = await engine.createExec(containerId, spec)
  const socket = await engine.startExec(execId, spec.tty)
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  let first = ''
  socket.once('data', (chunk: Buffer) => (first = chunk.toString('utf8', 0, 1000)))
  const ended = spec.tty ? pipeRaw(socket, stdout) : demultiplex(socket, stdout, stderr)
  const exit = ended.then(async () => startedCode(await exitCode(engine, execId), first))
  // A caller that only reads the streams must not die of a lost connection.
  exit.catch(() => {})
  return {
    stdin: socket as Writable,
    stdout,
    ...(!spec.tty && { stderr }),
    resize: (rows, columns) => engine.resizeExec(execId, rows, columns),
    exit,
    close: () => void socket.destroy(),
  }
}

/**
 * An engine of 20.10 answers 126 for every program that could not be started and says why in the program's output;
 * newer ones answer 127 where the program is not there, as a shell does. One answer for both.
 */
function startedCode(code: number, first: string): number {
  const said = /^.{0,8}OCI runtime exec failed: (.*)/s.exec(first)?.[1]
  if (code !== 126 || said === undefined) return code
  return /executable file not found|no such file or directory/.test(said) ? 127 : 126
}

export interface Ran {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Most bytes kept of what a short program prints. */
const OUTPUT_MAX = 64 * 1024 * 1024

/** How long a short program may take, milliseconds: an agent can stop every process of its own user. */
const RUN_MS = 60_000

export interface ShortProgram extends Omit<ExecSpec, 'tty'> {
  /** Default 60,000. */
  readonly limitMs?: number
}

/** Runs a short program to its end, or to the end of its time. */
export async function run(
  engine: Engine,
  containerId: string,
  { limitMs = RUN_MS, ...spec }: ShortProgram,
  input: Buffer | string = '',
  signal?: AbortSignal,
): Promise<Ran> {
  const execution = await execute(engine, containerId, { ...spec, tty: false })
  const abort = () => execution.close()
  const limit = AbortSignal.timeout(limitMs)
  limit.addEventListener('abort', abort, { once: true })
  signal?.addEventListener('abort', abort, { once: true })
  try {
    execution.stdin.on('error', () => {})
    execution.stdin.end(input)
    const [stdout, stderr, code] = await Promise.all([
      collect(execution.stdout),
      execution.stderr ? collect(execution.stderr) : Buffer.alloc(0),
      execution.exit,
    ])
    return { code, stdout, stderr: stderr.toString('utf8').trim() }
  } catch (cause) {
    if (!limit.aborted) throw cause
    throw new DriverError(`${spec.argv.slice(0, 2).join(' ')} did not end in ${limitMs / 1000} s`, {
      code: 'exec-silent',
      hint: 'a program in the bottle may hold it up: `bot-bottle stop` and `bot-bottle start` end them all',
      cause,
    })
  } finally {
    limit.removeEventListener('abort', abort)
    signal?.removeEventListener('abort', abort)
    execution.close()
  }
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Buffer).length
    if (size > OUTPUT_MAX)
      throw new DriverError('a program in a container printed more than 64 MiB', { code: 'output-too-large' })
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** The engine tells the code only after the streams have ended, sometimes a moment later. */
async function exitCode(engine: Engine, execId: string): Promise<number> {
  for (let wait = 1; wait < 2000; wait *= 2) {
    const state = await engine.execState(execId)
    if (!state.running) return state.exitCode
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
  throw new DriverError(`the engine closed the streams of exec ${safeText(execId)} while it still ran`, {
    code: 'exec-lost',
    transient: true,
  })
}

function pipeRaw(socket: Duplex, stdout: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stdout.end()
      resolve()
    }
    socket.on('data', (chunk: Buffer) => {
      if (!stdout.write(chunk)) {
        socket.pause()
        stdout.once('drain', () => socket.resume())
      }
    })
    socket.once('end', end).once('close', end).once('error', end)
  })
}

/** Frames of the engine: stream (1 byte), three zeros, length (4 bytes, big endian), payload. */
export function demultiplex(socket: Readable, stdout: PassThrough, stderr: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    let rest: Buffer = Buffer.alloc(0)
    const isFull = () => stdout.writableNeedDrain || stderr.writableNeedDrain
    const end = () => {
      stdout.end()
      stderr.end()
      resolve()
    }
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (rest.length >= 8) {
        const length = rest.readUInt32BE(4)
        if (rest.length < 8 + length) break
        const target = rest[0] === 2 ? stderr : stdout
        target.write(rest.subarray(8, 8 + length))
        rest = rest.subarray(8 + length)
      }
      if (isFull()) socket.pause()
    })
    for (const target of [stdout, stderr]) target.on('drain', () => void (isFull() || socket.resume()))
    socket.once('end', end).once('close', end).once('error', end)
  })
}
