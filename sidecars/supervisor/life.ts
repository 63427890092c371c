/** One life of a daemon: its process, what is said with it, and its end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { controls } from './controls.ts'
import { converse, type Conversation } from './conversation.ts'
import type { DaemonSpec } from './daemon.ts'
import type { LogLine, Spent } from './ipc.ts'
import { judgePrivileges, parsePrivileges } from './privileges.ts'
import { printableStderr } from './stderr.ts'

export interface Life {
  readonly child: ChildProcess
  readonly conversation: Conversation
  readonly bornAt: number
  readonly gone: Promise<void>
  version: string
  running: boolean
  /** It has had a configuration, and with it what lives before it had spent. */
  configured: boolean
}

export interface LifeEvents {
  readonly onLog: (line: LogLine) => void
  readonly onSpent: (spent: Spent) => void
  readonly onNonsense: () => void
  /** Once, also for a process that could not be started: then with `error`. */
  readonly onEnd: (how: {
    readonly code?: number | null
    readonly signal?: NodeJS.Signals | null
    readonly error?: string
    readonly stderr: readonly string[]
  }) => void
}

/**
 * No debugger by signal. A bundle is one of many on its machine: the young generation is small, and the old one grows by a
 * quarter between collections, where V8 would let it grow several times.
 */
const NODE_FLAGS = [
  '--disable-sigusr1',
  '--max-semi-space-size=1',
  '--heap-growing-percent=25',
  '--no-warnings',
]
/**
 * All a daemon's environment. What its threads take from the C library would else lie in an arena of each: 10 MiB of egress at 64
 * connections; of the gate, where threads end, 20 MiB that stay.
 */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '1' }
/** Where Node puts the channel: behind the standard streams. */
const IPC = 3
const STDERR_MAX = 65_536
const TERM_GRACE_MS = 600

export function beginLife(spec: DaemonSpec, { onLog, onSpent, onNonsense, onEnd }: LifeEvents): Life {
  const snapshot = spec.snapshot === undefined ? [] : ['--snapshot-blob', spec.snapshot]
  const daemon = [...NODE_FLAGS, ...snapshot, spec.program]
  const [command, argv] =
    spec.adopter === undefined
      ? [spec.binary, daemon]
      : [spec.adopter, ['adopt', '--keep', String(IPC), '--', spec.binary, ...daemon]]
  const child = spawn(command, argv, {
    uid: spec.uid,
    gid: spec.uid,
    cwd: '/',
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const conversation = converse(child, onLog, onSpent, onNonsense)
  let ended = false
  let output = ''
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (chunk: string) => (output = (output + chunk).slice(-STDERR_MAX)))
  const gone = new Promise<void>((resolve) => {
    const end = (how: Omit<Parameters<typeof onEnd>[0], 'stderr'>): void => {
      if (ended) return
      ended = true
      conversation.end()
      resolve()
      onEnd({
        ...how,
        stderr: controls.on('stderr-reduction') ? printableStderr(output) : output.split('\n'),
      })
    }
    child.once('exit', (code, signal) => setImmediate(end, { code, signal }))
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) end({ error: error.code ?? error.name })
    })
  })
  return { child, conversation, gone, bornAt: Date.now(), version: '', running: false, configured: false }
}

/** Resolves when it is gone. */
export async function endLife({ child, gone }: Life): Promise<void> {
  child.kill('SIGTERM')
  const grace = setTimeout(() => child.kill('SIGKILL'), TERM_GRACE_MS)
  await gone
  clearTimeout(grace)
}

/** What of its privileges is not as intended, in words. */
export function misprivileged({ child }: Life, { uid }: DaemonSpec): readonly string[] {
  if (!controls.on('privileges-read-back')) return []
  return judgePrivileges(parsePrivileges(readFileSync(`/proc/${child.pid}/status`, 'utf8')), uid)
}
