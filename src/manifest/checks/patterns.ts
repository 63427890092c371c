/**
 * Regular expressions, compiled by the engine that egress runs them in: linear time, no references back, nothing that
 * looks around. The engine is loaded only where a manifest has one.
 */
import { at, text, type Entry, type Node } from '../node.ts'
import type { Report } from '../report.ts'

/** The nodes of all expressions that were met. */
export type Patterns = Node[]

/** `test` is one entry of headers or query, or of a path test; a text is no expression. */
export function collectPattern(test: Entry, patterns: Patterns): void {
  const regex = at(test.value, 'regex')
  if (regex !== undefined && text(regex) !== undefined) patterns.push(regex)
}

export async function checkPatterns(patterns: Patterns, report: Report): Promise<void> {
  if (patterns.length === 0) return
  const { RE2JS } = await import('re2js')
  for (const node of patterns) {
    const problem = problemOf(text(node) ?? '', (pattern) => RE2JS.compile(pattern))
    if (problem !== undefined) report.error('bad-regex', node.place, `this expression ${problem}`)
  }
}

function problemOf(pattern: string, compile: (pattern: string) => unknown): string | undefined {
  if (pattern.length > 1000) return 'is longer than 1000 characters'
  const bare = pattern.replaceAll(/\\\\/g, '')
  if (/\(\?(<?[=!])/.test(bare)) return 'looks ahead or behind, which cannot be done in linear time'
  if (/\\[1-9]|\\k</.test(bare)) return 'refers back to a group, which cannot be done in linear time'
  try {
    compile(pattern)
    return undefined
  } catch (cause) {
    const [, reason] = /: ([^:]+)/.exec(cause instanceof Error ? cause.message : '') ?? []
    return `is not valid${reason === undefined ? '' : ` (${reason.toLowerCase()})`}`
  }
}
