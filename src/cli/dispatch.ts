/** From words to the command that they name, and into it. The bundle keeps everything from here on in files of its own. */
import { EXIT } from '../model/errors.ts'
import type { Output } from '../render/output.ts'
import type { Io } from './io.ts'
import { loadCommand } from './grammar/load-command.ts'
import { runNamed } from './run-named.ts'
import { sayError } from './terminal/say-error.ts'

export async function dispatch(argv: readonly string[], io: Io, output: Output): Promise<number> {
  if (argv[0] !== '__complete') return runNamed(argv, io, output, loadCommand)
  try {
    const { complete } = await import('./grammar/complete.ts')
    output.result(await complete(argv.slice(1), io))
    return EXIT.done
  } catch (thrown) {
    return sayError(thrown, argv, io, output)
  }
}
