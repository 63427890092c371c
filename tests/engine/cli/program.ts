/** The program itself as a user runs it: real processes on the real engine, with a state folder, a folder and a stack of their own. */
import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { docker, leftovers } from '../docker/stack.ts'
import { openScreen, type Screen } from './screen.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
/** No command of these tests may take longer where nothing else is said, milliseconds. */
const LIMIT = 90_000

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Written to standard input, which is then closed; `open`: nothing is written and it stays open. Default: closed. */
  readonly input?: string | Buffer | 'open'
  /** Modules of this folder that are loaded into the process before the program. */
  readonly preload?: readonly string[]
  /** It may take no longer, milliseconds. Default: 90 s. */
  readonly limit?: number
}

export interface Started {
  readonly child: ChildProcess
  /** Resolves when stdout and stderr together contain the words. */
  says(words: string | RegExp): Promise<void>
  readonly ended: Promise<Ended>
}

export interface Terminal extends Pick<Started, 'says' | 'ended'> {
  type(keys: string): void
  /** Everything that stood on it so far. */
  shown(): string
}

export interface Program {
  readonly stack: string
  readonly folder: string
  readonly home: string
  /** Replaces the manifest; `stack:` is put in front. */
  manifest(bottles: string): void
  run(args: string | readonly string[], options?: RunOptions): Promise<Ended>
  start(args: string | readonly string[], options?: RunOptions): Started
  /** Runs on a terminal of 24 lines, which shows `code N` at the end; words that a shell takes as they are. */
  terminal(args: string): Terminal
  /** Runs on the screen of a terminal, until it is closed; words that a shell takes as they are. */
  screen(args: string): Screen
  /** Runs and throws unless the exit code is 0. */
  must(args: string | readonly string[], options?: RunOptions): Promise<Ended>
  left(): readonly string[]
  /** Removes what is left of the stack, whoever made it. */
  dispose(): void
}

export function openProgram(prefix = 'cli', env: Readonly<Record<string, string>> = {}): Program {
  const folder = mkdtempSync(join(tmpdir(), `bb-${prefix}-`))
  const home = join(folder, 'home')
  mkdirSync(home, { mode: 0o700 })
  const stack = `${prefix}-${randomBytes(4).toString('hex').replace(/^\d/, 'x')}`

  const start = (args: string | readonly string[], options: RunOptions = {}): Started => {
    const words = typeof args === 'string' ? args.split(' ') : args
    const input = options.input ?? ''
    const { command, first } = entry(options.preload ?? [])
    const stdio: StdioOptions = [input === '' ? 'ignore' : 'pipe', 'pipe', 'pipe']
    const child = spawn(command, [...first, ...words], {
      cwd: folder,
      stdio,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        BOT_BOTTLE_HOME: home,
        ...(process.env['DOCKER_HOST'] && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
        ...env,
        ...options.env,
      },
    })
    child.stdin?.on('error', () => {})
    if (input !== 'open') child.stdin?.end(input)
    return { child, ...listening(child, words, options.limit) }
  }

  const terminal = (args: string): Terminal => {
    // Ctrl-C ends the program, not the shell that shows its code.
    const line = `trap : INT; stty rows 24 cols 80; ${join(ROOT, 'bin', 'bot-bottle')} ${args}; echo "code $?"`
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      stdio: 'pipe',
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, BOT_BOTTLE_HOME: home, TERM: 'xterm', ...env },
    })
    child.stdin.on('error', () => {})
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => void (text += chunk.toString()))
    return {
      ...listening(child, [args]),
      type: (keys) => void child.stdin.write(keys),
      shown: () => text,
    }
  }

  const screen = (args: string): Screen =>
    openScreen([join(ROOT, 'bin', 'bot-bottle'), args], {
      folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, BOT_BOTTLE_HOME: home, LANG: 'C.UTF-8', ...env },
    })

  const run: Program['run'] = (args, options) => start(args, options).ended
  return {
    stack,
    folder,
    home,
    manifest(bottles) {
      writeFileSync(join(folder, 'bottles.yaml'), `version: 1\nstack: ${stack}\n${bottles}`)
    },
    start,
    run,
    terminal,
    screen,
    async must(args, options) {
      const ended = await run(args, options)
      if (ended.code !== 0)
        throw new Error(`${String(args)} ended with ${ended.code}:\n${ended.out}${ended.err}`)
      return ended
    },
    left: () => leftovers(stack),
    dispose() {
      for (const name of leftovers(stack)) remove(name)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The launcher, as a user calls it; a process that is to be disturbed is started without it, because it drops every option of Node. */
function entry(preload: readonly string[]): { readonly command: string; readonly first: readonly string[] } {
  if (preload.length === 0) return { command: join(ROOT, 'bin', 'bot-bottle'), first: [] }
  const imports = preload.flatMap((name) => ['--import', pathToFileURL(join(import.meta.dirname, name)).href])
  return {
    command: process.execPath,
    first: ['--disable-warning=ExperimentalWarning', ...imports, join(ROOT, 'bin', 'bot-bottle.ts')],
  }
}

function listening(
  child: ChildProcess,
  words: readonly string[],
  limit = LIMIT,
): Pick<Started, 'says' | 'ended'> {
  const chunks: Buffer[] = []
  let err = ''
  let heard = ''
  const wakes = new Set<() => void>()
  const hear = (text: string): void => {
    heard += text
    for (const wake of wakes) wake()
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    hear(chunk.toString())
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString()
    hear(chunk.toString())
  })
  const ended = closed(child, limit).then(({ code, signal, late }): Ended => {
    const stdout = Buffer.concat(chunks)
    if (late) throw new Error(`${words.join(' ')} did not end within ${limit} ms:\n${heard.slice(-2000)}`)
    return { code, signal, stdout, out: stdout.toString(), err }
  })
  ended.catch(() => {})
  return {
    ended,
    says: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (typeof wanted === 'string' ? !heard.includes(wanted) : !wanted.test(heard)) return
          wakes.delete(look)
          resolve()
        }
        wakes.add(look)
        look()
        const never = (): void => reject(new Error(`it never said ${String(wanted)}:\n${heard}`))
        ended.then(never, never)
      }),
  }
}

async function closed(
  child: ChildProcess,
  limit: number,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly late: boolean }> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, limit)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  return { code, signal, late }
}

function remove(name: string): void {
  for (const words of [
    ['rm', '-f', '-v', name],
    ['volume', 'rm', '-f', name],
    ['network', 'rm', name],
  ]) {
    try {
      docker(...words)
    } catch {
      // Of the three kinds a name has one; what cannot be removed now is named by the next look.
    }
  }
}

/** One bottle that opens two hosts; nothing listens there. */
export const ONE = `bottles:
  one:
    resources: { memory: 256MiB, pids: 128, cpus: 1 }
    egress:
      routes:
        - host: a.example
          matches: [{ methods: [GET], paths: [{ prefix: /x/ }] }]
        - host: b.example
`
