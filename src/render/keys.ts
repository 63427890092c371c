/** The table of `keys`: one line for each deploy key. Titles and names are anybody's text. */
import { safeText } from '../model/text.ts'
import { table } from './columns.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count, duration } from './words.ts'

export interface KeyLine {
  /** `elsewhere`: another stack or engine of this installation; `unmarked`: not of this program. */
  readonly whose: 'ours' | 'elsewhere' | 'foreign' | 'unmarked'
  /** Its address, or the title where it has none of ours. */
  readonly name: string
  /** Installation and stack, where it is not of this one. */
  readonly owner?: string
  readonly api: string
  readonly repository: string
  readonly readOnly: boolean
  readonly state: string
  /** For `keys revoke`; absent: not there, or not of this program. */
  readonly id?: string
  readonly createdAt?: string
  /** Absent: never, or the forge does not tell. */
  readonly lastUsedAt?: string
}

const COLUMNS = [
  { title: 'KEY' },
  { title: 'REPOSITORY' },
  { title: 'ACCESS' },
  { title: 'AGE', align: 'right' },
  { title: 'LAST USED', align: 'right' },
  { title: 'ID' },
  { title: 'STATE' },
] as const

/** `now`: ISO 8601. `others`: keys that are not of this stack were left out. `notes`: of what could not be asked. */
export function keyTable(
  keys: readonly KeyLine[],
  {
    now,
    others,
    notes,
  }: { readonly now: string; readonly others: number; readonly notes: readonly string[] },
  style: Style,
): string[] {
  const { dash, dot } = signs(style)
  const since = (at: string | undefined): string =>
    at === undefined ? dash : duration(Date.parse(now) - Date.parse(at))
  const rows = keys.map((key) => [
    safeText(key.name, 60),
    safeText(`${hostOf(key.api)} ${key.repository}`, 80),
    key.readOnly ? 'fetch' : 'fetch, push',
    since(key.createdAt),
    since(key.lastUsedAt),
    key.id ?? dash,
    safeText(key.owner === undefined ? key.state : `${key.state} (${key.owner})`, 120),
  ])
  const [head = '', ...lines] = table(COLUMNS, rows)
  const live = keys.filter(({ state }) => state === 'live').length
  const said = [
    `${count(live, 'key')} live`,
    ...(others === 0 ? [] : [`${count(others, 'key')} of others: \`bot-bottle keys --all\``]),
  ]
  return [
    ...(keys.length === 0
      ? []
      : [tint(style, 'bold', head), ...lines.map((line, at) => tinted(line, keys[at], style))]),
    said.join(` ${dot} `),
    ...notes.map((note) => tint(style, 'yellow', safeText(note, 500))),
  ]
}

function tinted(line: string, key: KeyLine | undefined, style: Style): string {
  if (key?.whose !== 'ours') return tint(style, 'dim', line)
  return key.state === 'live' ? line : tint(style, 'yellow', line)
}

function hostOf(api: string): string {
  return URL.canParse(api) ? new URL(api).host : api
}
