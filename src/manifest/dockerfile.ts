/**
 * What of a user's Dockerfile is not built, whichever builder an engine has: whatever asks the build for more than a
 * network and its context (Dockerfile reference: parser directives, `RUN --mount`, `--network`, `--security`). Pure.
 */
export interface RefusedLine {
  /** Of the Dockerfile, from 1. */
  readonly line: number
  readonly what: string
}

/** Frontends are programs that are fetched and run by the engine: only Docker's own. */
const OWN_FRONTEND = /^(?:docker\.io\/)?docker\/dockerfile(?::[\w.-]+)?$/i

export function refusedLines(dockerfile: string): readonly RefusedLine[] {
  const lines = dockerfile.split(/\r?\n/)
  const { frontend, escape } = directives(lines)
  const refused =
    frontend && !OWN_FRONTEND.test(frontend.what) ? [{ ...frontend, what: `# syntax=${frontend.what}` }] : []
  return [
    ...refused,
    ...instructions(lines, escape).flatMap(({ line, text }) =>
      flagsOfRun(text)
        .filter(asksForMore)
        .map((flag) => ({ line, what: `RUN ${flag}` })),
    ),
  ]
}

interface Directives {
  readonly frontend?: RefusedLine
  readonly escape: string
}

/** Comments `# name=value` at the very beginning, until anything else comes. */
function directives(lines: readonly string[]): Directives {
  let escape = '\\'
  let frontend: RefusedLine | undefined
  for (const [index, text] of lines.entries()) {
    const [, name = '', value = ''] = /^\s*(?:#|\/\/)\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(text) ?? []
    if (name === '') break
    if (name.toLowerCase() === 'escape') escape = value
    if (name.toLowerCase() === 'syntax') frontend = { line: index + 1, what: value }
  }
  return { ...(frontend && { frontend }), escape }
}

interface Instruction {
  readonly line: number
  readonly text: string
}

/** Lines that go on with the escape character are one; comments and empty lines between them are none. */
function instructions(lines: readonly string[], escape: string): readonly Instruction[] {
  const found: Instruction[] = []
  let open: Instruction | undefined
  for (const [index, written] of lines.entries()) {
    if (/^\s*(?:#|$)/.test(written)) continue
    const goesOn = written.trimEnd().endsWith(escape)
    const part = goesOn ? written.trimEnd().slice(0, -escape.length) : written
    const text: Instruction = { line: open?.line ?? index + 1, text: (open?.text ?? '') + part }
    open = goesOn ? text : undefined
    if (!goesOn) found.push(text)
  }
  return open ? [...found, open] : found
}

/** Flags stand between the instruction and its command. */
function flagsOfRun(text: string): readonly string[] {
  const [, rest = ''] = /^\s*(?:ONBUILD\s+)*RUN\s+(.*)$/is.exec(text) ?? []
  const words = rest.split(/\s+/).filter((word) => word !== '')
  const end = words.findIndex((word) => !word.startsWith('--'))
  return end === -1 ? words : words.slice(0, end)
}

function asksForMore(flag: string): boolean {
  const [name = '', ...value] = flag.toLowerCase().split('=')
  const given = value.join('=').replaceAll(/["']/g, '')
  if (name === '--network') return given !== 'none' && given !== 'default'
  if (name === '--security') return given !== 'sandbox'
  if (name === '--mount')
    return !/^(?:[^,]*,)*type=(?:cache|tmpfs)(?:,|$)/.test(given) || /,?from=/.test(given)
  return true
}
