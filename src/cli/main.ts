/**
 * The program: arguments in, exit code out. Loads only what the command needs. Never ends the process; `bin` does.
 * Every error that reaches this point is said in words, without secrets, with its own exit code.
 */
import { EXIT, ensureError } from '../model/errors.ts'
import type { Io } from './io.ts'
import { VERSION } from './version.ts'

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first, second] = argv
  if ((first === '--version' || first === '-V') && second === undefined) {
    const { openStreams } = await import('./streams.ts')
    openStreams(io, argv).result([VERSION])
    return EXIT.done
  }
  const { openStreams } = await import('./streams.ts')
  const output = openStreams(io, argv)
  try {
    if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
      const { help } = await import('./help.ts')
      return await help(first === undefined ? [] : argv.slice(1), output, first === undefined)
    }
    if (first === '__complete') {
      const { complete } = await import('./complete.ts')
      output.result(await complete(argv.slice(1), io))
      return EXIT.done
    }
    const { parse } = await import('./parse.ts')
    const parsed = await parse(argv)
    if ('help' in parsed) {
      const { help } = await import('./help.ts')
      return await help([parsed.help], output, false)
    }
    const command = await parsed.command.load()
    return await command.run({
      command: parsed.command.name,
      args: parsed.args,
      options: parsed.options,
      io,
      output,
    })
  } catch (thrown) {
    const { sayError } = await import('./say-error.ts')
    return sayError(thrown, argv, io, output)
  } finally {
    await output.flush()
  }
}

/** For what escapes even `run` (a stray rejection, a throwing listener): said, then exit 70. */
export async function crash(thrown: unknown, argv: readonly string[], io: Io): Promise<number> {
  const { openStreams } = await import('./streams.ts')
  const { sayError } = await import('./say-error.ts')
  return sayError(ensureError(thrown), argv, io, openStreams(io, argv))
}
