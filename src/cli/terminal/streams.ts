/** Opens the output with the style that environment, streams and `--no-unicode` ask for. */
import { openOutput } from '../../render/output.ts'
import type { Output } from '../../render/output.ts'
import { styleFor } from '../../render/style.ts'
import type { Io } from '../io.ts'

export function openStreams(io: Io, argv: readonly string[]): Output {
  const { env, stdout, stderr } = io
  // Before parsing, so that parse errors have the right form too; what follows `--` is not ours.
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  const ascii = own.includes('--no-unicode')
  const style = styleFor({ env, terminal: stdout.isTTY === true, columns: stdout.columns, ascii })
  const noteStyle = styleFor({ env, terminal: stderr.isTTY === true, columns: stderr.columns, ascii })
  const canDraw = env['TERM'] !== 'dumb' && (env['CI'] ?? '') === ''
  const motion = { stdout: canDraw && stdout.isTTY === true, stderr: canDraw && stderr.isTTY === true }
  return openOutput(stdout, stderr, style, noteStyle, motion)
}
