/** What is said about a manifest, with the lines it is about. */
import type { Diagnostic, Place } from '../model/diagnostic.ts'
import { safeText } from '../model/text.ts'
import { wrapped } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'
import { count } from './words.ts'

/** Text of the manifest files by the name that places use; a file that is not here gets no frame. */
export type Sources = ReadonlyMap<string, string>

/** Every diagnostic, errors with their code frame, and the counts last. */
export function diagnosticLines(
  diagnostics: readonly Diagnostic[],
  sources: Sources,
  style: Style,
): string[] {
  const hidden = hiddenPlaces(diagnostics)
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error')
  const warnings = diagnostics.filter((diagnostic) => diagnostic.severity === 'warning')
  const said = [
    ...(errors.length > 0 ? [count(errors.length, 'error')] : []),
    ...(warnings.length > 0 ? [count(warnings.length, 'warning')] : []),
    ...(errors.length > 0 ? ['nothing planned'] : []),
  ]
  return [
    ...[...errors, ...warnings].flatMap((diagnostic) => [
      ...diagnosticBlock(diagnostic, sources, hidden, style),
      '',
    ]),
    said.join(', '),
  ]
}

/** Warnings beside a plan: one line each, the hint below. */
export function warningLines(warnings: readonly Diagnostic[], style: Style): string[] {
  return warnings.flatMap((warning) => [...head(warning, style), ...hint(warning, style)])
}

/** What looks like a secret is not said again: frames end in the logs of pipelines. */
function hiddenPlaces(diagnostics: readonly Diagnostic[]): readonly Place[] {
  return diagnostics.filter(({ code }) => code === 'secret-in-manifest').map(({ place }) => place)
}

function diagnosticBlock(
  diagnostic: Diagnostic,
  sources: Sources,
  hidden: readonly Place[],
  style: Style,
): string[] {
  const { place } = diagnostic
  const here = hidden.filter(({ file }) => file === place.file)
  const frame = diagnostic.severity === 'error' ? codeFrame(place, sources.get(place.file), here, style) : []
  return [...head(diagnostic, style), ...hint(diagnostic, style), ...(frame.length > 0 ? ['', ...frame] : [])]
}

function head(diagnostic: Diagnostic, style: Style): string[] {
  const { file, line, column } = diagnostic.place
  const where = safeText(line > 0 ? `${file}:${line}:${column}` : file)
  const warning = diagnostic.severity === 'warning'
  const code = `${warning ? 'warning ' : ''}${safeText(diagnostic.code)}`
  return wrapped(
    `${tint(style, 'bold', where)}  ${tint(style, warning ? 'yellow' : 'red', code)}  ${safeText(diagnostic.message, 2000)}`,
    style.width,
    '  ',
  )
}

function hint(diagnostic: Diagnostic, style: Style): string[] {
  if (diagnostic.hint === undefined) return []
  return wrapped(`  hint: ${safeText(diagnostic.hint, 2000)}`, style.width, '        ')
}

const BEFORE = 1
const AFTER = 1
const FRAME_COLUMNS = 100

function codeFrame(
  place: Place,
  source: string | undefined,
  hidden: readonly Place[],
  style: Style,
): string[] {
  const lines = source?.split(/\r?\n/).map((line, at) => masked(line, at + 1, hidden)) ?? []
  if (place.line < 1 || place.line > lines.length) return []
  const first = Math.max(1, place.line - BEFORE)
  // A secret can go on below its first line.
  const secret = hidden.some(({ line }) => line === place.line)
  const last = Math.min(lines.length, place.line + (secret ? 0 : AFTER))
  const gutter = String(last).length
  const columns =
    style.width === 0 ? FRAME_COLUMNS : Math.max(20, Math.min(FRAME_COLUMNS, style.width - gutter - 5))
  const from = Math.max(0, place.column - 1 - Math.floor(columns / 2))
  const frame: string[] = []
  for (let number = first; number <= last; number++) {
    const text = frameText(lines[number - 1] ?? '', from, columns)
    if (number === last && number !== place.line && text.trim() === '') continue
    frame.push(`${tint(style, 'dim', `  ${String(number).padStart(gutter)} |`)} ${text}`.trimEnd())
    if (number !== place.line) continue
    const marks = '^'.repeat(Math.max(1, Math.min(place.length ?? 1, columns - (place.column - 1 - from))))
    frame.push(
      `${tint(style, 'dim', `  ${' '.repeat(gutter)} |`)} ${' '.repeat(place.column - 1 - from)}${tint(style, 'red', marks)}`,
    )
  }
  return frame
}

/** Covered sign by sign, so that every mark stays below its text; without a known end, to the end of the line. */
function masked(line: string, number: number, hidden: readonly Place[]): string {
  let text = line
  for (const { line: at, column, length } of hidden) {
    if (at !== number) continue
    const [from, to] = [column - 1, length === undefined ? text.length : column - 1 + length]
    text = text.slice(0, from) + '*'.repeat(Math.max(0, Math.min(to, text.length) - from)) + text.slice(to)
  }
  return text
}

/** One column per character: tabs and hidden characters become one sign each, so that the mark stays below its text. */
function frameText(line: string, from: number, columns: number): string {
  const single = line.replaceAll('\t', ' ').slice(from, from + columns)
  return [...single].map((character) => (safeText(character).length > 2 ? '?' : character)).join('')
}
