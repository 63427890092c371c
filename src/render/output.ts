/**
 * The one module that writes to the program's streams. Results go to stdout, progress and questions to stderr.
 * Lines come from the pure renderers; streams of a program in a bottle pass through as they are (documented as raw).
 */
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Style } from './style.ts'

/** A stream to write to, as a terminal has it; `process.stdout` is one. */
export type OutStream = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface Terminal {
  write(text: string): void
  columns(): number
  rows(): number
}

export interface Output {
  /** For stdout. */
  readonly style: Style
  /** For stderr. */
  readonly noteStyle: Style
  /** stderr is a terminal that can redraw. */
  readonly live: Terminal | undefined
  /** stdout is one. */
  readonly screen: Terminal | undefined
  /** Aborted when whoever read stdout went away; a pipe says so with the next line that is written to it. */
  readonly gone: AbortSignal
  result(lines: readonly string[]): void
  /** One line of a document of events on stdout; `head` stands in front of the first. */
  event(head: string, line: string): void
  note(lines: readonly string[]): void
  /** For stderr, without an end of line: the answer stands behind it. */
  ask(question: string): void
  /** Resolves when both streams have taken everything. */
  flush(): Promise<void>
}

export function openOutput(
  stdout: OutStream,
  stderr: OutStream,
  style: Style,
  noteStyle: Style,
  motion: { readonly stdout: boolean; readonly stderr: boolean },
): Output {
  // A reader that went away (`| head`) is no error of ours: what is left to say is dropped. The process's own streams
  // stay writable after an error, and what failed never drains.
  const gone = new Set<OutStream>()
  for (const stream of [stdout, stderr]) stream.on('error', () => void gone.add(stream))
  const unread = new AbortController()
  stdout.once('error', () => unread.abort()).once('close', () => unread.abort())
  const isOpen = (stream: OutStream): boolean => stream.writable && !gone.has(stream)
  const print = (stream: OutStream, lines: readonly string[]): void => {
    if (lines.length > 0 && isOpen(stream)) stream.write(`${lines.join('\n')}\n`)
  }
  let headed = false
  return {
    style,
    noteStyle,
    live: motion.stderr ? terminalOf(stderr) : undefined,
    screen: motion.stdout ? terminalOf(stdout) : undefined,
    gone: unread.signal,
    result: (lines) => print(stdout, lines),
    event(head, line) {
      print(stdout, headed ? [line] : [head, line])
      headed = true
    },
    note: (lines) => print(stderr, lines),
    ask: (question) => void (isOpen(stderr) && stderr.write(`${question} `)),
    async flush() {
      for (const stream of [stdout, stderr]) if (isOpen(stream)) await taken(stream)
    },
  }
}

/**
 * Resolves when the stream has handed on everything written to it, or failed. A pipe takes what its reader leaves room
 * for and the rest later, and `drain` speaks only of what was above the stream's own mark.
 */
async function taken(stream: OutStream): Promise<void> {
  if (stream.writableLength === 0) return
  const last = Promise.withResolvers<void>()
  stream.write('', () => last.resolve())
  await Promise.race([last.promise, once(stream, 'close')]).catch(() => {})
}

function terminalOf(stream: OutStream): Terminal {
  return {
    write: (text) => void stream.write(text),
    columns: () => stream.columns ?? 80,
    rows: () => stream.rows ?? 24,
  }
}

/**
 * Bytes of a program in a bottle to the caller's stream, unchanged; ends when the source does, the target stays open.
 * `gone`: whoever read the target went away first, and what is left is dropped.
 */
export async function passThrough(source: Readable, target: OutStream): Promise<'done' | 'gone'> {
  // The process's own streams stay writable after an error, and what failed never drains.
  const failed = new AbortController()
  const fail = (): void => failed.abort()
  target.once('error', fail).once('close', fail)
  const { signal } = failed
  const isGone = (): boolean => signal.aborted || !target.writable
  try {
    for await (const chunk of source) {
      if (isGone()) return 'gone'
      if (!target.write(chunk)) await once(target, 'drain', { signal }).catch(() => {})
    }
    return isGone() ? 'gone' : 'done'
  } finally {
    target.off('error', fail).off('close', fail)
  }
}
