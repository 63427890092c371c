/** What is said about the manifest: always with a place, a stable code and, where there is one, the way out. */

/** Where something was written. Lines and columns count from 1; `source` is `-` for standard input and `--set` for the command line. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Length of the marked text on its line, for the code frame; default 1. */
  readonly length?: number
  /** What stands in this line asks for it through the preset of this name. */
  readonly preset?: string
  /** What stands in this line asks for it through the provider of this name. */
  readonly provider?: string
}

/** `bottles.yaml:12`, `bottles.yaml:12 (preset github-read)`; the file alone where there is no line. */
export function placeText({ file, line, preset, provider }: Place): string {
  const lined = line > 0 ? `${file}:${line}` : file
  if (preset !== undefined) return `${lined} (preset ${preset})`
  return provider === undefined ? lined : `${lined} (provider ${provider})`
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** Stable, kebab-case; every code has an entry in docs/diagnostics.md. */
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly place: Place
}
