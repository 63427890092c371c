/**
 * The program: arguments in, exit code out. Loads only what the command needs. Never ends the process; `bin` does.
 * Every error that reaches this point is said in words, without secrets, with its own exit code.
 */
import { EXIT, ensureError } from '../model/errors.ts'
import type { Io } from './io.ts'
import { requireNode } from './node-version.ts'
import { openStreams } from './terminal/streams.ts'
import { VERSION } from './version.ts'

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first, second] = argv
  const output = openStreams(io, argv)
  try {
    if ((first === '--version' || first === '-V') && second === undefined) {
      output.result([VERSION])
      return EXIT.done
    }
    if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
      const { help } = await import('./grammar/help.ts')
      return await help(first === undefined ? [] : argv.slice(1), output, first === undefined)
    }
    requireNode(process.versions.node)
    const { dispatch } =
      first === 'validate' ? await import('./dispatch-validate.ts') : await import('./dispatch.ts')
    return await dispatch(argv, io, output)
  } catch (thrown) {
    const { sayError } = await import('./terminal/say-error.ts')
    return sayError(thrown, argv, io, output)
  } finally {
    await output.flush()
  }
}

/** For what escapes even `run` (a stray rejection, a throwing listener): said, then exit 70. */
export async function crash(thrown: unknown, argv: readonly string[], io: Io): Promise<number> {
  const { sayError } = await import('./terminal/say-error.ts')
  const output = openStreams(io, argv)
  const code = sayError(ensureError(thrown), argv, io, output)
  await output.flush()
  return code
}
