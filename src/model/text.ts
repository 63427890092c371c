/**
 * Untrusted text is a type (containment.md, rule 30). `SafeText` comes from one sanitiser and is the only form
 * in which names, labels, engine errors and agent output reach a terminal, a log or a Markdown comment.
 */
declare const safeBrand: unique symbol
export type SafeText = string & { readonly [safeBrand]: true }

// Controls, format characters (bidi, zero-width, tags), line and paragraph separators, what renders as nothing, lone surrogates.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu

/** One line, hidden code points visible as `\u{…}`, at most `max` characters (the rest is `…`). */
export function safeText(text: string, max = 500): SafeText {
  const visible = text.replaceAll(HIDDEN, (hidden) => `\\u{${(hidden.codePointAt(0) ?? 0).toString(16)}}`)
  return (visible.length > max ? `${visible.slice(0, max - 1)}…` : visible) as SafeText
}

/** Several lines, each made safe; at most `maxLines` of them. */
export function safeLines(text: string, maxLines = 20): readonly SafeText[] {
  const lines = text.split(/\r?\n/)
  const shown = lines.slice(0, maxLines).map((line) => safeText(line))
  return lines.length > maxLines ? [...shown, safeText(`… ${lines.length - maxLines} more lines`)] : shown
}
