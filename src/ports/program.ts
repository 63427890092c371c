/** Programs in a bottle: one beside its agent (`exec`), and the agent program itself, which init holds. */
import type { Readable, Writable } from 'node:stream'

export interface ExecRequest {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** `uid:gid`, numeric; default the agent's. */
  readonly user?: string
  readonly tty?: { readonly rows: number; readonly columns: number }
}

/** A program in a bottle, bound to streams of the caller. */
export interface Execution {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Absent with a terminal. */
  readonly stderr?: Readable
  resize(rows: number, columns: number): Promise<void>
  /** Exit code of the program. */
  readonly exit: Promise<number>
  /** Ends the connection and, where the engine can, the program. */
  close(): void
}

/** The agent program, held by the bottle's init: it goes on when the caller goes. */
export interface ProgramRequest {
  readonly argv: readonly string[]
  /** Beside the bottle's own environment, over which it wins. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Absent: no terminal. */
  readonly tty?: { readonly rows: number; readonly columns: number }
}

/** What an image starts by itself, as `docker run` would: `entrypoint` and behind it `command`. */
export interface ImageProgram {
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** Absent: the image names none. */
  readonly cwd?: string
}

export interface AttachRequest {
  readonly tty?: ExecRequest['tty']
  /** What was printed before is printed again. */
  readonly replay: boolean
  /** Keys that leave the program running; default `ctrl-p,ctrl-q`. */
  readonly detachKeys?: string
  /** Default true; false only watches. */
  readonly stdin?: boolean
}
