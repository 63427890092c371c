/** One command as it was typed, parsed: what every command's `run` gets. */
import type { CommandHelp, OptionHelp } from '../../render/help.ts'
import type { Output } from '../../render/output.ts'
import type { Io } from '../io.ts'
import type { Options } from './options.ts'

export interface Invocation {
  readonly command: string
  readonly args: readonly string[]
  readonly options: Options
  readonly io: Io
  readonly output: Output
}

/**
 * `flag`: given or not. `list`: may be repeated. `seconds`: a number, or with `ms`, `s`, `m`, `h`. `keys`: as docker
 * writes them, `ctrl-p,ctrl-q`.
 */
export type OptionType = 'flag' | 'text' | 'list' | 'seconds' | 'number' | 'keys'

export interface OptionSpec extends OptionHelp {
  readonly type: OptionType
  readonly choices?: readonly string[]
  /** Left out of help and completion. */
  readonly hidden?: boolean
}

export interface CommandSpec extends CommandHelp {
  readonly group: 'Everyday' | 'Bottles' | 'Manifest' | 'Machine'
  readonly options: readonly OptionSpec[]
  /** Fewest and most positional arguments. */
  readonly arity: readonly [number, number]
  /** Everything after the first argument belongs to the program in the bottle. */
  readonly passThrough?: boolean
}
