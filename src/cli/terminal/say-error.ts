/** The last word on an error: text or JSON on stderr, and its exit code. */
import { EXIT, ManifestError, ensureError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'
import { diagnosticLines } from '../../render/diagnostics.ts'
import { debugLines, errorDocument, errorLines } from '../../render/error.ts'
import type { Output } from '../../render/output.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { Io } from '../io.ts'

const NO_SOURCES: ReadonlyMap<string, string> = new Map()

export function sayError(thrown: unknown, argv: readonly string[], io: Io, output: Output): number {
  const error = ensureError(thrown)
  if (asJson(argv)) {
    output.note([
      error instanceof ManifestError
        ? safeJson({ diagnostics: error.diagnostics, ...(error.hint !== undefined && { hint: error.hint }) })
        : errorDocument(error),
    ])
  } else if (error instanceof ManifestError) {
    output.note(diagnosticLines(error.diagnostics, error.sources ?? NO_SOURCES, output.noteStyle))
    if (error.hint !== undefined) output.note([`  hint: ${safeText(error.hint, 1000)}`])
  } else if (error.exit === EXIT.internal) {
    output.note(errorLines(error, output.noteStyle))
    output.note(['  This is a mistake of bot-bottle itself; BOT_BOTTLE_DEBUG=1 shows where.'])
  } else {
    output.note(errorLines(error, output.noteStyle))
  }
  if ((io.env['BOT_BOTTLE_DEBUG'] ?? '') !== '') output.note(debugLines(error))
  return error.exit
}

function asJson(argv: readonly string[]): boolean {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  return own.some(
    (word, at) =>
      /^--output=(json|events)$/.test(word) ||
      (word === '--output' && /^(json|events)$/.test(own[at + 1] ?? '')),
  )
}
