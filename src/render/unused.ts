/** What `prune` would remove, each line with what it was, its age and what becomes free. */
import { safeText } from '../model/text.ts'
import type { Unused } from '../ports/driver.ts'
import { table } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'
import { count, dataSize, duration } from './words.ts'

export interface Prunable {
  readonly unused: readonly Unused[]
  readonly stacks: readonly { readonly name: string; readonly objects: readonly string[] }[]
}

const COLUMNS = [
  { title: 'WHAT' },
  { title: 'NAME' },
  { title: 'AGE', align: 'right' },
  { title: 'FREES', align: 'right' },
] as const

export function prunableLines({ unused, stacks }: Prunable, now: number, style: Style): string[] {
  const rows = unused.map(({ what, names, createdAt, bytes }) => [
    safeText(what),
    names.map((name) => safeText(name.replace(/^(sha256:[0-9a-f]{12}).*/, '$1'))).join(' '),
    duration(now - Date.parse(createdAt)),
    bytes === undefined ? '' : dataSize(bytes),
  ])
  const [head = '', ...lines] = table(COLUMNS, rows)
  return [
    ...(rows.length === 0 ? [] : [tint(style, 'bold', head), ...lines]),
    ...stacks.map(
      ({ name, objects }) =>
        `what is left of stack ${safeText(name)}, which is not recorded any more: ${objects.map((at) => safeText(at)).join(', ')}; workspaces in it are lost`,
    ),
    '',
    `${count(unused.length + stacks.length, 'thing')} that nobody uses, about ${dataSize(bytesOf(unused))}`,
  ]
}

function bytesOf(unused: readonly Unused[]): number {
  return unused.reduce((sum, { bytes = 0 }) => sum + bytes, 0)
}

export function prunedLine(removed: readonly Unused[], stacks: number): string {
  return `removed ${count(removed.length + stacks, 'thing')}, about ${dataSize(bytesOf(removed))}`
}
