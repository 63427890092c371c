/**
 * Git as a child that knows nothing but what is written here: no configuration of system, user or repository that
 * somebody else could have written, no hook, no replacement of objects, no transport but ssh, no prompt, no shell of
 * ours. Names that came from an agent or an upstream are never an argument by themselves.
 */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { controls } from './controls.ts'

export interface GitRun {
  /** Default: `git`. */
  readonly program?: string
  /** `--git-dir`. */
  readonly repository: string
  /** Further variables: a quarantine, the way to the upstream. */
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Milliseconds until it is ended. Default: `GIT_LIMITS.ms`. */
  readonly ms?: number
}

export interface GitResult {
  readonly code: number | null
  readonly stdout: Buffer
  /** Its last bytes. */
  readonly stderr: string
}

/** Git said no, or was ended; `stderr` may hold what an upstream or an agent wrote. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed'
  readonly result: GitResult
  constructor(what: string, result: GitResult) {
    super(what)
    this.result = result
  }
}

export const GIT_LIMITS = {
  ms: 30 * 60_000,
  /** From being asked to end to being killed: time to take back locks and temporary files. */
  graceMs: 3000,
  stderr: 64 * 1024,
  stdout: 256 * 1024 * 1024,
} as const

/** One allocation of git; larger files are streamed (`core.bigFileThreshold`). */
const ALLOCATION = '192m'

// oxfmt-ignore
const SETTINGS: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'], ['core.fsmonitor', 'false'], ['core.attributesFile', '/dev/null'],
  ['core.bigFileThreshold', '16m'], ['core.deltaBaseCacheLimit', '32m'],
  ['core.logAllRefUpdates', 'false'], ['core.quotePath', 'false'],
  ['gc.auto', '0'], ['maintenance.auto', 'false'], ['log.showSignature', 'false'], ['log.mailmap', 'false'],
  ['protocol.allow', 'never'], ['protocol.ssh.allow', 'always'], ['protocol.version', '2'],
  ['fetch.fsckObjects', 'false'], ['fetch.unpackLimit', '1'], ['fetch.recurseSubmodules', 'false'], ['fetch.writeCommitGraph', 'false'],
  ['transfer.bundleURI', 'false'], ['transfer.advertiseSID', 'false'], ['submodule.recurse', 'false'],
  ['push.gpgSign', 'false'], ['push.followTags', 'false'], ['push.recurseSubmodules', 'no'],
  ['transfer.hideRefs', 'refs'], ['transfer.hideRefs', '!refs/heads'], ['transfer.hideRefs', '!refs/tags'],
  ['uploadpack.allowFilter', 'true'], ['uploadpack.allowTipSHA1InWant', 'false'],
  ['uploadpack.allowReachableSHA1InWant', 'false'], ['uploadpack.allowAnySHA1InWant', 'false'],
  ['pack.threads', '1'], ['pack.windowMemory', '64m'], ['pack.deltaCacheSize', '16m'],
]

export function gitEnvironment(): Record<string, string> {
  const isHermetic = controls.on('hermetic-git')
  const env: Record<string, string> = {
    ...(isHermetic ? {} : (process.env as Record<string, string>)),
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    SHELL: '/bin/sh',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ALLOC_LIMIT: ALLOCATION,
    ...(controls.on('no-replace') && { GIT_NO_REPLACE_OBJECTS: '1' }),
  }
  if (!isHermetic) return env
  env['HOME'] = '/nonexistent'
  env['XDG_CONFIG_HOME'] = '/nonexistent'
  env['GIT_CONFIG_NOSYSTEM'] = '1'
  env['GIT_CONFIG_GLOBAL'] = '/dev/null'
  env['GIT_ATTR_NOSYSTEM'] = '1'
  env['GIT_NO_LAZY_FETCH'] = '1'
  env['GIT_PROTOCOL_FROM_USER'] = '0'
  env['GIT_ALLOW_PROTOCOL'] = 'ssh'
  env['GIT_CONFIG_COUNT'] = String(SETTINGS.length)
  SETTINGS.forEach(([key, value], at) => {
    env[`GIT_CONFIG_KEY_${at}`] = key
    env[`GIT_CONFIG_VALUE_${at}`] = value
  })
  return env
}

export interface GitChild {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves when it is gone and its output read; never rejects. */
  readonly gone: Promise<{ readonly code: number | null; readonly stderr: string }>
  end(): void
}

/** Starts git; the whole group ends with it, with the signal, or when its time is over. */
export function startGit(args: readonly string[], run: GitRun): GitChild {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    run.program ?? 'git',
    [`--git-dir=${run.repository}`, ...args],
    {
      cwd: '/',
      env: { ...gitEnvironment(), ...run.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    },
  )
  let stderr = ''
  child.stderr
    .setEncoding('utf8')
    .on('data', (piece: string) => (stderr = (stderr + piece).slice(-GIT_LIMITS.stderr)))
  // The reason is in the end of the process.
  child.stdin.on('error', () => {})
  let killing: NodeJS.Timeout | undefined
  const end = (): void => {
    if (killing !== undefined || child.pid === undefined) return
    signalGroup(child.pid, 'SIGTERM')
    killing = setTimeout(() => signalGroup(child.pid ?? 0, 'SIGKILL'), GIT_LIMITS.graceMs)
  }
  const late = setTimeout(end, run.ms ?? GIT_LIMITS.ms)
  run.signal?.addEventListener('abort', end, { once: true })
  if (run.signal?.aborted === true) end()
  const gone = new Promise<{ readonly code: number | null; readonly stderr: string }>((resolve) => {
    const over = (code: number | null): void => {
      clearTimeout(late)
      clearTimeout(killing)
      run.signal?.removeEventListener('abort', end)
      resolve({ code, stderr })
    }
    child.once('error', () => over(null))
    child.once('close', over)
  })
  return { stdin: child.stdin, stdout: child.stdout, gone, end }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It is gone.
  }
}

/** Runs git to its end with its output collected; `ok`: the codes that are an answer. Throws GitFailed. */
export async function git(
  args: readonly string[],
  run: GitRun,
  { input, ok = [0] }: { readonly input?: string; readonly ok?: readonly number[] } = {},
): Promise<GitResult> {
  const child = startGit(args, run)
  child.stdin.end(input ?? '')
  const pieces: Buffer[] = []
  let length = 0
  child.stdout.on('data', (piece: Buffer) => {
    length += piece.length
    if (length > GIT_LIMITS.stdout) child.end()
    else pieces.push(piece)
  })
  const { code, stderr } = await child.gone
  const result = { code, stdout: Buffer.concat(pieces), stderr }
  if (code === null || !ok.includes(code) || length > GIT_LIMITS.stdout)
    throw new GitFailed(`git ${args[0] ?? ''} ended with ${code ?? 'a signal'}`, result)
  return result
}
