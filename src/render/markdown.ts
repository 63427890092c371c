/**
 * A plan as a comment on a pull request. Everything that is not ours stands in code, entity by entity: no mention,
 * no link, no image, no HTML comes out of a manifest or an engine. No secret can be in it: a plan holds none.
 */
import type { Plan } from '../model/plan.ts'
import { safeText } from '../model/text.ts'
import { countsOf, countWords, restartWords } from './counts.ts'
import { impactWords } from './impact.ts'
import { engineWords, leftLines, prettyPlan } from './pretty-plan.ts'
import { PLAIN, symbolOf } from './style.ts'

/** Forges refuse comments beyond 65,536 characters. */
const COMMENT_MAX = 60_000
const ROWS_MAX = 100

export function markdownPlan(plan: Plan): string[] {
  const head = [
    // Found again by the CI recipe, which updates its comment instead of adding one.
    `<!-- bot-bottle:${safeText(plan.stack)} -->`,
    `### ${code(plan.stack)}: ${countWords(countsOf(plan.actions))}${plan.actions.length === 0 ? '' : ` · ${restartWords(plan)}`}`,
    '',
    [
      code(plan.origin),
      ...Object.entries(plan.engines).map(([driver, engine]) => code(engineWords(driver, engine))),
    ].join(' · '),
  ]
  const notes = [
    ...plan.notes,
    ...plan.warnings.map(
      (warning) => `${warning.place.file}:${warning.place.line} ${warning.code} ${warning.message}`,
    ),
  ]
  const said = notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${code(note)}`)]
  if (plan.actions.length === 0) return [...head, ...said, '', 'Live state is what the manifest says.']
  return [...head, ...said, ...left(plan), '', ...rows(plan), '', ...details(plan)]
}

/** What `apply` will not do, above the table of what it would. */
function left(plan: Plan): string[] {
  const { refusal } = plan
  const lines = refusal ? [`Refused: ${refusal.message}`, `hint: ${refusal.hint}`] : leftLines(plan, PLAIN)
  return lines.length === 0 ? [] : ['', ...lines.map((line) => `- ${code(line.trim())}`)]
}

function rows(plan: Plan): string[] {
  const shown = plan.actions.slice(0, ROWS_MAX).map((action) => {
    const cells = [
      code(symbolOf(action.verb, PLAIN)),
      code(action.address),
      code(action.reason),
      impactWords(action, plan),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const left = plan.actions.length - shown.length
  return [
    '| | object | why | impact |',
    '|---|---|---|---|',
    ...shown,
    ...(left > 0 ? [`| | ${left} more below | | |`] : []),
  ]
}

function details(plan: Plan): string[] {
  const text = prettyPlan(plan, PLAIN, { full: true, advice: false })
  const body: string[] = []
  let size = 0
  for (const line of text) {
    size += line.length + 1
    if (size > COMMENT_MAX) {
      body.push('… cut; the whole plan: bot-bottle diff --full')
      break
    }
    body.push(line)
  }
  const fence = '`'.repeat(Math.max(3, ...body.map((line) => longestRun(line) + 1)))
  return ['<details><summary>Differences</summary>', '', `${fence}text`, ...body, fence, '', '</details>']
}

function longestRun(line: string): number {
  return Math.max(0, ...[...line.matchAll(/`+/g)].map((run) => run[0].length))
}

/** As code in a table cell or a list: every sign that Markdown or HTML could read is an entity. */
function code(text: string): string {
  const encoded = safeText(text).replaceAll(/[^\p{L}\p{N} /,()-]/gu, (sign) => `&#${sign.codePointAt(0)};`)
  return `<code>${encoded}</code>`
}
