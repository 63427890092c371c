/** From words to the command that they name, and into it. The bundle keeps everything from here on in a file of its own. */
import { EXIT } from '../model/errors.ts'
import type { Output } from '../render/output.ts'
import { help } from './help.ts'
import type { Io } from './io.ts'
import { loadCommand } from './load-command.ts'
import { parse } from './parse.ts'
import { sayError } from './say-error.ts'

/**
 * Says its own errors: in the bundle this file and the entry each have their copy of the error classes, and an error
 * of one is a stranger to the other.
 */
export async function dispatch(argv: readonly string[], io: Io, output: Output): Promise<number> {
  try {
    return await carryOut(argv, io, output)
  } catch (thrown) {
    return sayError(thrown, argv, io, output)
  }
}

async function carryOut(argv: readonly string[], io: Io, output: Output): Promise<number> {
  if (argv[0] === '__complete') {
    const { complete } = await import('./complete.ts')
    output.result(await complete(argv.slice(1), io))
    return EXIT.done
  }
  const parsed = await parse(argv)
  if ('help' in parsed) return help([parsed.help], output, false)
  const command = await loadCommand(parsed.command.name)
  return command.run({
    command: parsed.command.name,
    args: parsed.args,
    options: parsed.options,
    io,
    output,
  })
}
