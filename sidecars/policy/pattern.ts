/** One string test of a match, compiled. Regular expressions run in linear time and are anchored at both ends. */
import { RE2JS } from 're2js'
import type { TextMatch } from '../../src/model/policy.ts'

export type TextTest = (text: string) => boolean

/** Throws for a regular expression that the engine does not take (look-around, back references). */
export function compileText(match: TextMatch): TextTest {
  if ('exact' in match) return (text) => text === match.exact
  if ('prefix' in match) return (text) => text.startsWith(match.prefix)
  const pattern = RE2JS.compile(match.regex)
  return (text) => pattern.matches(text)
}
