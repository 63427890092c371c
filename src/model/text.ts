/**
 * Untrusted text is a type (containment.md, rule 30). `SafeText` comes from one sanitiser and is the only form
 * in which names, labels, engine errors and agent output reach a terminal, a log or a Markdown comment.
 */
declare const safeBrand: unique symbol
export type SafeText = string & { readonly [safeBrand]: true }

// C0 and C1 controls, bidi controls, zero-width and other default-ignorable code points, line and paragraph separators, lone surrogates.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|[\u{1d173}-\u{1d17a}]|\p{Surrogate}/gu

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
