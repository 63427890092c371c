/** The program on the screen of a real terminal, as a person has it: tmux draws what comes, answers what is asked of a terminal, and types. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

/** Why a screen cannot be had here; undefined when it can. */
export const noTmux = attempt(['-V']) === undefined ? 'no tmux on this machine: npm run labs' : undefined

export interface Screen {
  /** What stands on it now: lines without the spaces at their ends. */
  text(): string
  /** Keys as tmux names them (`Enter`, `C-c`), or words. */
  press(...keys: readonly string[]): void
  resize(columns: number, rows: number): void
  /** Exit code of the program; undefined while it runs. */
  code(): number | undefined
  close(): void
}

export interface ScreenOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** 80 columns and 24 rows. `argv` needs no quoting for a shell. */
export function openScreen(argv: readonly string[], { folder, env }: ScreenOptions): Screen {
  // A server of its own: nothing of the terminals of this machine is in it.
  const server = ['-L', `bb-${randomBytes(6).toString('hex')}`, '-f', '/dev/null']
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', [...server, ...args], { cwd: folder, env, encoding: 'utf8' })
  // A shell says the exit code on the screen: tmux loses it at times.
  const line = `${argv.join(' ')}; echo "code $?"; exec cat`
  tmux('new-session', '-d', '-x', '80', '-y', '24', line)
  return {
    text: () => tmux('capture-pane', '-p').trimEnd(),
    press: (...keys) => void tmux('send-keys', ...keys),
    resize: (columns, rows) => void tmux('resize-window', '-x', String(columns), '-y', String(rows)),
    code() {
      const code = /^code (\d+)$/m.exec(tmux('capture-pane', '-p'))?.[1]
      return code === undefined ? undefined : Number(code)
    },
    close: () => void tmux('kill-server'),
  }
}

function attempt(args: readonly string[]): string | undefined {
  try {
    return execFileSync('tmux', args, { encoding: 'utf8' })
  } catch {
    return undefined
  }
}
