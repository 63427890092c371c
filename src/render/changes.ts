/** What an agent changed in its workspace, as a list and as a difference. All of it is the agent's text: nothing reaches a terminal as it is. */
import { safeText } from '../model/text.ts'
import { table } from './columns.ts'
import { tint } from './style.ts'
import type { Style, Tint } from './style.ts'
import { count, dataSize } from './words.ts'

export interface Change {
  readonly path: string
  readonly change: 'added' | 'modified' | 'removed'
  /** Of what is there now, else of what was: `file`, `dir`, `link` and the others of the helper's `stat`. */
  readonly type: string
  /** Bytes; absent where there was nothing, or is nothing. */
  readonly before?: number
  readonly after?: number
  /** Of a folder that is new or gone as a whole: the files in it. */
  readonly files?: number
}

const SIGNS = { added: ['A', 'green'], modified: ['M', 'yellow'], removed: ['D', 'red'] } as const

export function changeLines(bottle: string, changes: readonly Change[], style: Style): string[] {
  if (changes.length === 0) return [`nothing changed in the workspace of ${safeText(bottle)}`]
  const rows = changes.map((change) => {
    const [letter, color] = SIGNS[change.change]
    const end = change.type === 'dir' ? '/' : ''
    return [tint(style, color, letter), `${safeText(change.path)}${end}`, sizes(change)]
  })
  const by = (what: Change['change']): number => changes.filter(({ change }) => change === what).length
  return [
    ...table([{ title: '' }, { title: 'PATH' }, { title: 'SIZE', align: 'right' }], rows),
    `${count(by('added'), 'added', 'added')}, ${by('modified')} modified, ${by('removed')} removed`,
  ]
}

function sizes({ before, after, files }: Change): string {
  const size =
    before === undefined
      ? dataSize(after ?? 0)
      : after === undefined
        ? `was ${dataSize(before)}`
        : before === after
          ? dataSize(after)
          : `${dataSize(before)} > ${dataSize(after)}`
  return files === undefined ? size : `${count(files, 'file')}, ${size}`
}

/** Characters of one line; what is longer is no text that a person reads. */
const LINE_MAX = 2000

/** The output of `git diff`, line by line. Tabs stay: they are what a file has. */
export function diffLines(text: string, style: Style): string[] {
  const lines = text.replace(/\n$/, '').split('\n')
  return lines.map((line) => {
    const shown = line
      .slice(0, LINE_MAX)
      .split('\t')
      .map((part) => safeText(part, LINE_MAX))
      .join('\t')
    const color = colorOf(line)
    return color === undefined ? shown : tint(style, color, shown)
  })
}

function colorOf(line: string): Tint | undefined {
  if (/^(diff --git|index |--- |\+\+\+ )/.test(line)) return 'bold'
  if (line.startsWith('@@')) return 'cyan'
  if (line.startsWith('+')) return 'green'
  return line.startsWith('-') ? 'red' : undefined
}
