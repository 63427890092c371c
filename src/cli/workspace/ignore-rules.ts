/**
 * Which paths the `.gitignore` files of a tree leave out, as git reads them: the last rule that fits decides, deeper
 * files over upper ones, and nothing below a folder that is left out comes back. Pure. Every pattern is matched in time
 * that grows with its length times the name's, whatever it is.
 */
export interface Rule {
  readonly negated: boolean
  readonly foldersOnly: boolean
  /** Fits the path from the rule's folder on; else any name below it. */
  readonly anchored: boolean
  /** What an anchored rule says before its first wild letter; git compares it first, and `parts` with what is left. */
  readonly beginning: string
  readonly parts: readonly Part[]
}

/** `any`: `**`, as many folders as there are. */
type Part = 'any' | readonly Token[]
type Token =
  | { readonly is: 'letter'; readonly letter: string }
  | { readonly is: 'one' | 'many' }
  | { readonly is: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }

/** Of one file; what is no rule is left out. */
export function rulesOf(text: string): readonly Rule[] {
  return text.split('\n').flatMap((line) => ruleOf(line) ?? [])
}

function ruleOf(line: string): Rule | undefined {
  let pattern = withoutEnd(line)
  if (pattern === '' || pattern.startsWith('#')) return undefined
  const negated = pattern.startsWith('!')
  if (negated) pattern = pattern.slice(1)
  const foldersOnly = pattern.endsWith('/')
  if (foldersOnly) pattern = pattern.slice(0, -1)
  const anchored = pattern.includes('/')
  const written = pattern.replace(/^\//, '')
  if (written.split('/').includes('')) return undefined
  const beginning = anchored ? (/^[^*?[\\]*/.exec(written)?.[0] ?? '') : ''
  const parts = written
    .slice(beginning.length)
    .split('/')
    .map((part): Part => (anchored && part === '**' ? 'any' : tokensOf(part)))
  // What lies in a folder, not the folder itself.
  if (parts.at(-1) === 'any') parts.push([{ is: 'many' }])
  return { negated, foldersOnly, anchored, beginning, parts }
}

/** Blanks at the end count only behind a backslash. */
function withoutEnd(line: string): string {
  let end = line.endsWith('\r') ? line.length - 1 : line.length
  while (end > 0 && ' \t'.includes(line[end - 1] ?? '') && line[end - 2] !== '\\') end -= 1
  return line.slice(0, end)
}

function tokensOf(part: string): readonly Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < part.length; at++) {
    const letter = part[at] ?? ''
    if (letter === '*') {
      if (tokens.at(-1)?.is !== 'many') tokens.push({ is: 'many' })
    } else if (letter === '?') tokens.push({ is: 'one' })
    else if (letter === '\\') tokens.push({ is: 'letter', letter: part[++at] ?? '\\' })
    else if (letter === '[') {
      const end = endOfSet(part, at)
      if (end < 0) tokens.push({ is: 'letter', letter })
      else {
        tokens.push(setOf(part.slice(at + 1, end)))
        at = end
      }
    } else tokens.push({ is: 'letter', letter })
  }
  return tokens
}

/** A bracket right at the beginning of a set is a letter of it. */
function endOfSet(part: string, from: number): number {
  const first = /^\[[!^]?/.exec(part.slice(from))?.[0].length ?? 1
  return part.indexOf(']', from + first + 1)
}

function setOf(body: string): Token {
  const negated = /^[!^]/.test(body)
  const letters = [...(negated ? body.slice(1) : body)]
  const ranges: (readonly [string, string])[] = []
  for (let at = 0; at < letters.length; at++) {
    const low = letters[at] ?? ''
    const high = letters[at + 1] === '-' && at + 2 < letters.length ? letters[at + 2] : undefined
    ranges.push([low, high ?? low])
    if (high !== undefined) at += 2
  }
  return { is: 'set', negated, ranges }
}

export interface RulesOfFolder {
  /** The folder of the file, `''` the first. */
  readonly folder: string
  readonly rules: readonly Rule[]
}

/** `stack`: rules from the first folder down to the one of `path`. */
export function isIgnored(path: string, isFolder: boolean, stack: readonly RulesOfFolder[]): boolean {
  for (const { folder, rules } of stack.toReversed()) {
    const below = folder === '' ? path : path.slice(folder.length + 1)
    const last = rules.findLast((rule) => (isFolder || !rule.foldersOnly) && fits(rule, below))
    if (last) return !last.negated
  }
  return false
}

function fits({ anchored, beginning, parts }: Rule, path: string): boolean {
  const [part] = parts
  if (!anchored)
    return part !== undefined && part !== 'any' && isName(part, path.slice(path.lastIndexOf('/') + 1))
  if (!path.startsWith(beginning)) return false
  const names = path.slice(beginning.length).split('/')
  return matches(parts, names, isAny, (own, name) => own !== 'any' && isName(own, name))
}

const isAny = (part: Part): boolean => part === 'any'
const isMany = ({ is }: Token): boolean => is === 'many'

function isName(tokens: readonly Token[], name: string): boolean {
  return matches(tokens, [...name], isMany, isLetter)
}

function isLetter(token: Token, letter: string): boolean {
  switch (token.is) {
    case 'letter':
      return token.letter === letter
    case 'set':
      return token.negated !== token.ranges.some(([low, high]) => low <= letter && letter <= high)
    default:
      return true
  }
}

/** A pattern with wild parts against a row: of several wild parts only the last is ever tried anew. */
function matches<P>(
  pattern: readonly P[],
  row: readonly string[],
  isWild: (part: P) => boolean,
  fitsOne: (part: P, one: string) => boolean,
): boolean {
  let [at, here] = [0, 0]
  let retry: { readonly at: number; here: number } | undefined
  while (here < row.length) {
    const part = pattern[at]
    if (part !== undefined && isWild(part)) retry = { at: ++at, here }
    else if (part !== undefined && fitsOne(part, row[here] ?? '')) {
      at += 1
      here += 1
    } else if (retry) {
      at = retry.at
      here = ++retry.here
    } else return false
  }
  return pattern.slice(at).every(isWild)
}
