/** The tables of `plugins`: which there are, and what a check of them found. Names and reasons are anybody's text. */
import { safeText } from '../model/text.ts'
import type { Checked } from '../plugins/conformance/check.ts'
import { table } from './columns.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count } from './words.ts'

export interface PluginLine {
  readonly name: string
  /** Absolute. */
  readonly folder: string
  /** Absent: its manifest does not say. */
  readonly kind?: string
  readonly version?: string
  readonly description?: string
  /** It stands instead of a built-in one. */
  readonly overrides: boolean
  /** What is wrong; empty: it can be used. */
  readonly wrong: readonly string[]
}

const COLUMNS = [{ title: 'PLUG-IN' }, { title: 'KIND' }, { title: 'VERSION' }, { title: 'STATE' }] as const

/** `place`: where plug-ins lie. */
export function pluginTable(plugins: readonly PluginLine[], place: string, style: Style): string[] {
  if (plugins.length === 0) return [`no plug-ins in ${safeText(place)}`]
  const { dash } = signs(style)
  const rows = plugins.map(({ name, kind, version, overrides, wrong: [first] }) => [
    safeText(name, 60),
    safeText(kind ?? dash),
    safeText(version ?? dash, 40),
    stateOf(first, overrides),
  ])
  const [head = '', ...lines] = table(COLUMNS, rows)
  const broken = plugins.filter(({ wrong }) => wrong.length > 0).length
  return [
    tint(style, 'bold', head),
    ...lines,
    '',
    `${count(plugins.length, 'plug-in')} in ${safeText(place)}${broken === 0 ? '' : `, ${broken} left out`}`,
  ]
}

function stateOf(wrong: string | undefined, overrides: boolean): string {
  if (wrong !== undefined) return `left out: ${safeText(wrong, 200)}`
  return overrides ? 'stands instead of the built-in one' : 'can be used'
}

export interface PluginChecks extends Omit<PluginLine, 'wrong' | 'description' | 'overrides'> {
  readonly checks: readonly Checked[]
}

export function pluginCheckLines(plugins: readonly PluginChecks[], style: Style): string[] {
  const { done, failed } = signs(style)
  const wrong = plugins.flatMap(({ checks }) => checks).filter(({ problems }) => problems.length > 0).length
  const all = plugins.reduce((sum, { checks }) => sum + checks.length, 0)
  return [
    ...plugins.flatMap(({ name, kind, version, folder, checks }) => [
      tint(
        style,
        'bold',
        safeText([name, kind, version].filter((word) => word !== undefined).join(' '), 200),
      ),
      `  ${safeText(folder)}`,
      ...checks.flatMap(({ says, problems }) => [
        problems.length === 0
          ? `  ${tint(style, 'green', done)} ${says}`
          : `  ${tint(style, 'red', failed)} ${says}`,
        ...problems.map((problem) => `      ${safeText(problem, 400)}`),
      ]),
      '',
    ]),
    wrong === 0
      ? `everything right, ${count(all, 'check')}`
      : `${count(wrong, 'finding')}, ${all - wrong} right`,
  ]
}
