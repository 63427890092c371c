/** An error as people read it: what happened to which object, what to do. */
import type { BottleError } from '../model/errors.ts'
import { safeLines, safeText } from '../model/text.ts'
import { safeJson } from './safe-json.ts'
import { wrapped } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'

export function errorLines(error: BottleError, style: Style): string[] {
  const [first = '', ...rest] = safeLines(error.message)
  return [
    ...wrapped(`${tint(style, 'red', 'error')} ${first}`, style.width, '  '),
    ...rest.map((line) => `  ${line}`),
    ...(error.hint === undefined
      ? []
      : safeLines(error.hint).flatMap((line, at) =>
          wrapped(at === 0 ? `  hint: ${line}` : `        ${line}`, style.width, '        '),
        )),
  ]
}

/** With `--output json` or `events`: one line, so that a program needs no second parser for failures. */
export function errorDocument(error: BottleError): string {
  return safeJson({
    error: {
      code: error.code,
      exit: error.exit,
      message: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
    },
  })
}

/** Only with BOT_BOTTLE_DEBUG: where it came from. Causes are named by message, never inspected: a cause may hold what was sent. */
export function debugLines(error: BottleError): string[] {
  const lines: string[] = []
  for (let at: unknown = error; at instanceof Error && lines.length < 60; at = at.cause)
    lines.push(...safeLines(at.stack ?? at.message))
  return lines.map((line) => safeText(line))
}
