/** Text in columns: how wide it is on a terminal, padding, cutting, tables. */
import { stripVTControlCharacters } from 'node:util'

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f680}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
const NARROW_ONLY = /^[\x20-\x7e]*$/

/** Columns that a line takes; colour takes none, combining marks none, East Asian wide characters two. */
export function widthOf(text: string): number {
  if (NARROW_ONLY.test(text)) return text.length
  let width = 0
  for (const character of stripVTControlCharacters(text))
    width += /\p{Mark}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

/** At most `width` columns, the cut marked; for text without colour. 0: no limit. */
export function cut(text: string, width: number, mark = '…'): string {
  if (width === 0 || widthOf(text) <= width) return text
  let kept = ''
  for (const character of text) {
    if (widthOf(kept + character) > width - mark.length) break
    kept += character
  }
  return kept + mark
}

/** Words filled into lines of at most `width` columns, all but the first below `indent`; 0: one line. Words and `commands` are never broken: they are to be pasted. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  if (width === 0 || widthOf(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.match(/^ +(?:`[^`]*`|\S)+|(?:`[^`]*`|\S)+/g) ?? []) {
    if (line !== '' && widthOf(`${line} ${word}`) > width) {
      lines.push(line)
      line = `${indent}${word}`
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Fills lines with the parts; what does not fit goes on the next line, indented. Addresses are never cut: they are to be pasted. 0: one line. */
export function folded(first: string, parts: readonly string[], width: number): string[] {
  const lines = [first]
  for (const part of parts) {
    const last = lines.at(-1) ?? ''
    if (width === 0 || widthOf(last) + 2 + widthOf(part) <= width)
      lines[lines.length - 1] = `${last}  ${part}`
    else lines.push(`    ${part}`)
  }
  return lines
}

export interface Column {
  readonly title: string
  /** Default: left. */
  readonly align?: 'left' | 'right'
}

/** Rows under their titles, two spaces between columns, nothing after the last one. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map((column) => column.title), ...rows]
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => widthOf(cells[at] ?? ''))))
  return lines.map((cells) =>
    columns
      .map((column, at) => (column.align === 'right' ? padStart : padEnd)(cells[at] ?? '', widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
