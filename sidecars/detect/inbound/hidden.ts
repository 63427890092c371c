/** Parts of a document that a browser, or a reader of Markdown, does not show. One pass, nothing nested. */

/** Characters of one part that are looked at. */
const PART_MAX = 4096

const STYLE =
  /(?:display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|font-size\s{0,3}:\s{0,3}0(?![.\d]*[1-9])|opacity\s{0,3}:\s{0,3}0(?![.\d]*[1-9])|(?:left|top|text-indent)\s{0,3}:\s{0,3}-\d{3,6}(?:px|em|%)|color\s{0,3}:\s{0,3}(?:transparent|#fff(?:fff)?\b|white\b)|(?:^|[;\s"'])(?:width|height)\s{0,3}:\s{0,3}[01]px)/i
/** Said by a tag about its element, or about a text that only machines read. */
const ATTRIBUTE =
  /\shidden(?=[\s=/>]|$)|\baria-hidden\s{0,3}=\s{0,3}["']?true|\b(?:type)\s{0,3}=\s{0,3}["']?hidden/i
const OPENING = /<([a-z][a-z0-9-]{0,20})(\s[^<>]{0,2000})>/gi
const TEXTS = /\b(?:alt|title|content|value|aria-label|data-[a-z-]{1,30})\s{0,3}=\s{0,3}"([^"<>]{20,2000})"/gi
/** `[//]: # (words)`, the comment of Markdown. */
const REFERENCE = /^ {0,3}\[[^\]\n]{1,40}\]:\s{0,3}(?:#|<>)\s{0,3}[("']([^\n]{1,2000})$/gm

/** Parts do not overlap, so that looking at all of them is no more work than looking at the text. */
export function* hiddenParts(text: string): Generator<string> {
  for (let at = text.indexOf('<!--'); at !== -1;) {
    const close = text.indexOf('-->', at + 4)
    const end = Math.min(close === -1 ? text.length : close, at + PART_MAX)
    yield text.slice(at + 4, end)
    at = text.indexOf('<!--', end)
  }
  for (const [, words = ''] of text.matchAll(REFERENCE)) yield words
  let covered = 0
  for (const { 0: tag, 1: name = '', 2: attributes = '', index } of text.matchAll(OPENING)) {
    if (index >= covered && (ATTRIBUTE.test(attributes) || STYLE.test(attributes))) {
      const begin = index + tag.length
      const part = text.slice(begin, begin + PART_MAX)
      const end = part.search(new RegExp(`</${name}`, 'i'))
      covered = begin + (end === -1 ? part.length : end)
      yield text.slice(begin, covered)
    }
    for (const [, words = ''] of attributes.matchAll(TEXTS)) yield words
  }
}
