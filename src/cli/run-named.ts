/** Parses the words and runs the command that they name. */
import type { Output } from '../render/output.ts'
import { help } from './grammar/help.ts'
import type { Io } from './io.ts'
import type { CommandModule } from './grammar/load-command.ts'
import { parse } from './grammar/parse.ts'
import { sayError } from './terminal/say-error.ts'

/**
 * Says its own errors: in the bundle each file has its copy of the error classes, and an error of one is a stranger to
 * the others.
 */
export async function runNamed(
  argv: readonly string[],
  io: Io,
  output: Output,
  load: (name: string) => Promise<CommandModule>,
): Promise<number> {
  try {
    const parsed = await parse(argv)
    if ('help' in parsed) return help([parsed.help], output, false)
    const command = await load(parsed.command.name)
    return await command.run({
      command: parsed.command.name,
      args: parsed.args,
      options: parsed.options,
      io,
      output,
    })
  } catch (thrown) {
    return sayError(thrown, argv, io, output)
  }
}
