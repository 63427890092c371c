/** What the YAML parser says, in words for people who do not know its grammar. At most one error a line, ten a file. */
import type { ErrorCode } from 'yaml'
import type { Report } from './report.ts'
import type { SourceText } from './source.ts'

interface SyntaxError {
  readonly code: ErrorCode
  readonly message: string
  readonly pos: readonly [number, number]
}

export function reportSyntax(errors: readonly SyntaxError[], source: SourceText, report: Report): void {
  const lines = new Set<number>()
  for (const error of errors) {
    const [start, end] = error.pos
    const place = source.place(start, Math.min(end - start, 80))
    if (lines.has(place.line)) continue
    lines.add(place.line)
    if (lines.size > 10) break
    const said = explained(error, lineAt(source.text, start), source.text[start])
    report.error(said.code, place, said.message, said.hint)
  }
}

interface Said {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

function explained(error: SyntaxError, line: string, character: string | undefined): Said {
  if (/^\s*\t/.test(line)) {
    return {
      code: 'yaml-tab',
      message: 'indentation is made of spaces; here is a tab',
      hint: 'two spaces a level',
    }
  }
  if (/[:,[{-]\s+\?\s*([,}\]#]|$)/.test(line)) {
    return {
      code: 'yaml-syntax',
      message: 'a lone `?` begins a key in YAML',
      hint: 'write it in quotes: "?"',
    }
  }
  if (/(^|[:,[{-]\s+)\*([\s,}\]]|$)/.test(line)) {
    return { code: 'unquoted-star', message: 'a text that begins with `*` needs quotes', hint: 'write "*"' }
  }
  if (character === '@' || character === '`' || character === '%') {
    return {
      code: 'yaml-syntax',
      message: `a text that begins with ${JSON.stringify(character)} needs quotes`,
    }
  }
  if (error.message.startsWith('Flow ')) {
    return { code: 'yaml-syntax', message: 'a bracket was opened and is not closed' }
  }
  if (error.code === 'MISSING_CHAR' && error.message.includes('quote')) {
    return { code: 'yaml-syntax', message: 'a quote was opened and is not closed' }
  }
  const known = SAID[error.code]
  if (known) return known
  return { code: 'yaml-syntax', message: `${lowerFirst(error.message.split('\n', 1)[0] ?? '')}` }
}

const SAID: Partial<Record<ErrorCode, Said>> = {
  TAB_AS_INDENT: {
    code: 'yaml-tab',
    message: 'indentation is made of spaces; here is a tab',
    hint: 'two spaces a level',
  },
  BAD_INDENT: { code: 'yaml-syntax', message: 'this line is indented differently from its neighbours' },
  BLOCK_AS_IMPLICIT_KEY: {
    code: 'yaml-syntax',
    message: 'a second `: ` on one line',
    hint: 'quote the text that contains it, or begin a new line',
  },
  BLOCK_IN_FLOW: {
    code: 'yaml-syntax',
    message: 'inside brackets only `[ ]` and `{ }` may be used, no indented block',
  },
  MULTILINE_IMPLICIT_KEY: {
    code: 'yaml-syntax',
    message: 'a key goes over several lines; is a colon missing?',
  },
  MULTIPLE_ANCHORS: { code: 'yaml-syntax', message: 'one value has one anchor' },
  RESOURCE_EXHAUSTION: { code: 'too-deep', message: 'nested too deeply' },
  KEY_OVER_1024_CHARS: {
    code: 'yaml-syntax',
    message: 'a key is longer than 1024 characters; is a quote missing?',
  },
}

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  // A line of a megabyte is no line to search in.
  return text.slice(start, Math.min(end === -1 ? text.length : end, start + 1000))
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
