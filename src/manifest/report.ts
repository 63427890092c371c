/** Collects what is said about a manifest. Each thing is said once, however many bottles inherit it. */
import type { Diagnostic, Place } from '../model/diagnostic.ts'
import { safeText } from '../model/text.ts'

/** Diagnostics kept; a hostile file has thousands. */
export const REPORTED_MAX = 200

export class Report {
  readonly #found = new Map<string, Diagnostic>()
  #errors = 0

  error(code: string, place: Place, message: string, hint?: string): void {
    this.#add('error', code, place, message, hint)
  }

  warning(code: string, place: Place, message: string, hint?: string): void {
    this.#add('warning', code, place, message, hint)
  }

  /** Nothing more is kept: whoever collects can stop. */
  get full(): boolean {
    return this.#found.size > REPORTED_MAX
  }

  get errors(): number {
    return this.#errors
  }

  /** By file, line and column. */
  get diagnostics(): readonly Diagnostic[] {
    return [...this.#found.values()].sort(byPlace)
  }

  #add(
    severity: Diagnostic['severity'],
    specific: string,
    place: Place,
    message: string,
    hint: string | undefined,
  ): void {
    // Whatever is wrong with a value of the command line has one code: no file needs an edit.
    const code = place.file === '--set' && severity === 'error' ? 'bad-set' : specific
    const key = `${place.file}\0${place.line}:${place.column}\0${code}\0${message}`
    if (this.#found.has(key)) return
    if (severity === 'error') this.#errors += 1
    if (this.#found.size > REPORTED_MAX) return
    if (this.#found.size === REPORTED_MAX) {
      this.#found.set('', {
        severity: 'error',
        code: 'more-errors',
        message: `more than ${REPORTED_MAX} findings; the rest is left out`,
        place,
      })
      return
    }
    this.#found.set(key, { severity, code, message, ...(hint === undefined ? {} : { hint }), place })
  }
}

/** Text of the manifest inside a message: one line, nothing hidden, in backquotes. */
export function quoted(text: string): string {
  return `\`${safeText(text, 80).replaceAll('`', "'")}\``
}

/** `a`, `a or b`, `a, b or c` */
export function anyOf(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  const files = a.place.file < b.place.file ? -1 : a.place.file > b.place.file ? 1 : 0
  return (
    files ||
    a.place.line - b.place.line ||
    a.place.column - b.place.column ||
    (a.code < b.code ? -1 : a.code > b.code ? 1 : 0)
  )
}
