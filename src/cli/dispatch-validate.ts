/**
 * `validate` alone, as editors and hooks call it at each save: in the bundle a file of its own, without what talks to an
 * engine.
 */
import type { Output } from '../render/output.ts'
import type { Io } from './io.ts'
import { runNamed } from './run-named.ts'

export function dispatch(argv: readonly string[], io: Io, output: Output): Promise<number> {
  return runNamed(argv, io, output, () => import('./commands/validate.ts'))
}
