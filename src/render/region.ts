/** A part of a terminal that is drawn again in place; what it showed last stays. */
import type { Terminal } from './output.ts'

export interface Region {
  /** No line is wider than the terminal. `above`: lines that stay where they are, over what moves. */
  draw(lines: readonly string[], above?: readonly string[]): void
  /** Called once, also after a failure. */
  end(): void
}

const CURSOR = {
  hide: '\u001b[?25l',
  show: '\u001b[?25h',
  clearBelow: '\u001b[J',
  up: (lines: number) => (lines > 0 ? `\u001b[${lines}A\r` : '\r'),
} as const

export function openRegion(terminal: Terminal): Region {
  let drawn = 0
  terminal.write(CURSOR.hide)
  return {
    draw(lines, above = []) {
      // One write: a terminal never shows half of it.
      const text = [...above, ...lines].map((line) => `${line}\n`).join('')
      terminal.write(`${CURSOR.up(drawn)}${CURSOR.clearBelow}${text}`)
      drawn = lines.length
    },
    end: () => terminal.write(CURSOR.show),
  }
}
