/**
 * A program in a bottle on this terminal: raw mode, resize, signals, exit code. The bytes pass unchanged in both
 * directions; the terminal is put back as it was whatever happens.
 */
import { EXIT } from '../../model/errors.ts'
import type { ExecRequest, Execution } from '../../ports/program.ts'
import { passThrough } from '../../render/output.ts'
import type { Io } from '../io.ts'

export type Window = NonNullable<ExecRequest['tty']>

/** The window of this terminal; absent when input or output is none. */
export function windowOf(io: Io): Window | undefined {
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) return undefined
  return { rows: io.stdout.rows ?? 24, columns: io.stdout.columns ?? 80 }
}

export interface Binding {
  readonly io: Io
  /** The program has a terminal: raw mode here, so that Ctrl-C is a key of the program. */
  readonly tty: boolean
  /** Default true. False: nothing typed reaches the program, and Ctrl-C ends the watching alone. */
  readonly stdin?: boolean
}

/** As a shell reports a program that SIGPIPE ended. */
const OUTPUT_GONE = 141

/** Until the program ends: its exit code, or 130 when a signal ended the connection first. */
export async function bind(execution: Execution, { io, tty, stdin = true }: Binding): Promise<number> {
  const undo: (() => void)[] = []
  // Why the connection was closed here, as an exit code; what the engine says about that is no news.
  const left = Promise.withResolvers<number>()
  const leave = (code: number): void => {
    left.resolve(code)
    execution.close()
  }
  const raw = stdin && tty && io.stdin.isTTY === true && io.stdin.setRawMode !== undefined
  if (raw) {
    io.stdin.setRawMode?.(true)
    undo.push(() => io.stdin.setRawMode?.(false))
  }
  if (tty) undo.push(io.onSignal('SIGWINCH', () => void resize(execution, io)))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    undo.push(io.onSignal(signal, () => leave(EXIT.interrupted)))
  execution.stdin.on('error', () => {})
  if (stdin) io.stdin.pipe(execution.stdin)
  // An engine takes the end of a terminal's input for the end of its output as well.
  else if (!tty) execution.stdin.end()
  undo.push(() => {
    io.stdin.unpipe(execution.stdin)
    io.stdin.pause()
  })
  try {
    const outputs = [
      passThrough(execution.stdout, io.stdout),
      ...(execution.stderr ? [passThrough(execution.stderr, io.stderr)] : []),
    ].map(async (output) => {
      // `| head`: whoever read us has gone, and the program's output has nowhere to go.
      if ((await output) === 'gone') leave(OUTPUT_GONE)
    })
    const ended = Promise.all([execution.exit, Promise.allSettled(outputs)])
    return await Promise.race([ended.then(([code]) => code), left.promise])
  } finally {
    for (const step of undo.reverse()) step()
  }
}

async function resize(execution: Execution, io: Io): Promise<void> {
  // A window that changes while the program ends is nobody's error.
  await execution.resize(io.stdout.rows ?? 24, io.stdout.columns ?? 80).catch(() => {})
}
