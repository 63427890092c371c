/**
 * Runs the command of a `{ command }` reference: an argument array, no shell, found on PATH but never in the current
 * folder, at most 30 s, in a process group that ends with it when it is late. What it prints beside the value is not
 * repeated anywhere: it may hold the value.
 */
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { UsageError } from '../model/errors.ts'

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Default 30 s. */
  readonly limitMs?: number
  readonly signal?: AbortSignal
}

/** Characters of standard output; more is no credential. */
const LONGEST = 64 * 1024

export async function secretFromCommand(argv: readonly string[], options: CommandOptions): Promise<string> {
  const [name = '', ...args] = argv
  const file = await programOnPath(name, options.env)
  const limitMs = options.limitMs ?? 30_000
  const { execa } = await import('execa')
  const program = execa(file, args, {
    env: definedOnly(options.env),
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    stripFinalNewline: false,
    maxBuffer: LONGEST,
    timeout: limitMs,
    forceKillAfterDelay: 500,
    // What it started would live on otherwise, with the environment of this program.
    killDescendants: true,
    reject: false,
    ...(options.signal && { cancelSignal: options.signal }),
  })
  // Whoever left the group and keeps the pipe open would keep us waiting after the program itself was ended.
  const late = setTimeout(() => program.stdout.destroy(), limitMs + 1_000)
  const result = await program.finally(() => clearTimeout(late))
  if (result.timedOut) throw failed(name, `did not end within ${limitMs / 1_000} s`)
  if (result.isMaxBuffer) throw failed(name, 'printed more than 64 KiB')
  if (result.failed)
    throw failed(
      name,
      result.exitCode === undefined ? 'was ended by a signal' : `ended with ${result.exitCode}`,
    )
  return result.stdout
}

/** The absolute path of a program. Entries of PATH that are not absolute mean the current folder and are passed over. */
async function programOnPath(name: string, env: CommandOptions['env']): Promise<string> {
  if (isAbsolute(name)) {
    if (await isProgram(name)) return name
    throw failed(name, 'is not a program')
  }
  if (name === '' || name.includes('/')) throw failed(name, 'is neither a name on PATH nor an absolute path')
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (isAbsolute(folder) && (await isProgram(join(folder, name)))) return join(folder, name)
  }
  throw failed(name, 'is not on PATH')
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

function definedOnly(env: CommandOptions['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function failed(name: string, what: string): UsageError {
  return new UsageError(`secret command \`${name}\` ${what}`, {
    code: 'secret-command-failed',
    hint: 'run it by hand: it has to print the value alone and end with 0',
  })
}
