/** A plan as people read it: `symbol address  reason  [impact]`, indented differences, counts last. */
import type { Action, Plan } from '../model/plan.ts'
import type { Difference } from '../model/resource.ts'
import { safeText } from '../model/text.ts'
import { folded, padEnd, widthOf, wrapped } from './columns.ts'
import { countsOf, countWords, restartWords } from './counts.ts'
import { impactWords } from './impact.ts'
import { detailsOf } from './route.ts'
import { signs, symbolOf, tint, tintOf } from './style.ts'
import type { Style } from './style.ts'
import { count, placeOf, valueOf } from './words.ts'

export interface PlanView {
  /** Default false: more than 40 actions are grouped by bottle. */
  readonly full?: boolean
  /** Default true: end with the command to run. */
  readonly advice?: boolean
  /** File the plan was saved in: what to run next is that. */
  readonly saved?: string
}

const WHOLE_UP_TO = 40

export function prettyPlan(plan: Plan, style: Style, view: PlanView = {}): string[] {
  const head = [...planHead(plan, style), ...plan.notes.map((note) => tint(style, 'yellow', safeText(note)))]
  if (plan.actions.length === 0)
    return [...head, `in sync: ${count(plan.desired.length, 'resource')}, nothing to do`]
  const grouped = plan.actions.length > WHOLE_UP_TO && view.full !== true
  return [
    ...head,
    '',
    ...(grouped
      ? groupLines(plan, style)
      : plan.actions.length === 0
        ? []
        : actionLines(plan.actions, plan, style)),
    '',
    `${countWords(countsOf(plan.actions))} ${signs(style).dot} ${restartWords(plan)}`,
    ...(grouped ? ['Whole plan: `--full`'] : []),
    ...(view.advice === false ? [] : adviceFor(plan, style, view.saved)),
  ]
}

/** `acme · bottles.yaml · Docker 20.10.24 (local)`; what does not fit goes on a line below. */
export function planHead(plan: Plan, style: Style): string[] {
  const dot = ` ${signs(style).dot} `
  const origin = plan.origin === '-' ? 'standard input' : plan.origin
  const engines = Object.entries(plan.engines).map(([driver, engine]) => engineWords(driver, engine))
  const first = tint(style, 'bold', safeText(plan.stack))
  const rest = [...(origin === '' ? [] : [safeText(origin)]), ...engines]
  const line = [first, ...rest].join(dot)
  if (style.width === 0 || widthOf(line) <= style.width) return [line]
  return [first, ...rest.map((part) => `  ${part}`)]
}

/** `Docker 20.10.24 (local)`; an engine that names itself is not named twice, and the usual socket is no news. */
export function engineWords(driver: string, engine: string): string {
  const named = engine.toLowerCase().startsWith(driver) ? engine : `${driver} ${engine}`.trimEnd()
  return safeText(named.replace(/\(unix:\/\/(?:\/var)?\/run\/docker\.sock\)$/, '(local)'))
}

/** The next command, or why there is none. */
function adviceFor(plan: Plan, style: Style, saved: string | undefined): string[] {
  if (plan.refusal)
    return [
      ...wrapped(`Refused: ${safeText(plan.refusal.message)}`, style.width, '  '),
      ...wrapped(`  hint: ${safeText(plan.refusal.hint)}`, style.width, '        '),
    ]
  const possible = plan.actions.filter((action) => action.verb !== 'blocked')
  const first = possible.find((action) => action.verb !== 'remove' && action.desired) ?? possible[0]
  const why = first?.desired ? ` Why: \`bot-bottle explain ${safeText(first.address)}\`` : ''
  const run =
    saved === undefined
      ? 'Run `bot-bottle apply`.'
      : `Saved. Run \`bot-bottle apply --plan ${safeText(saved)}\`.`
  return [...leftLines(plan, style), ...wrapped(`${run}${why}`, style.width)]
}

/** What `apply` leaves as it is, and what to do about it: once for each block, not for what waits for it. */
export function leftLines(plan: Plan, style: Style): string[] {
  const roots = plan.actions.filter((action) => action.verb === 'blocked' && !action.because)
  if (roots.length === 0) return []
  return [
    ...roots.flatMap((root) => [
      ...wrapped(`Blocked: ${safeText(root.address)}: ${safeText(root.reason)}`, style.width, '  '),
      ...(root.hint === undefined ? [] : wrapped(`  hint: ${safeText(root.hint)}`, style.width, '        ')),
    ]),
    'What is blocked is left as it is; everything else is done, and `apply` ends with 5.',
  ]
}

/** Columns where the width is not known: one long reason moves nobody else's impact out of sight. */
const REASONS_MAX = 72

function actionLines(actions: readonly Action[], plan: Plan, style: Style): string[] {
  const symbols = Math.max(...actions.map((action) => widthOf(symbolOf(action.verb, style))))
  const addresses = Math.max(...actions.map((action) => widthOf(safeText(action.address))))
  const longest = Math.max(...actions.map((action) => widthOf(safeText(action.reason))))
  const reasons = style.width === 0 ? Math.min(REASONS_MAX, longest) : longest
  const impacts = Math.max(...actions.map((action) => widthOf(impactWords(action, plan)))) + 2
  const room = style.width === 0 ? Infinity : style.width
  const wide = symbols + 1 + addresses + 2 + reasons + 2 + impacts <= room
  return actions.flatMap((action) => {
    const symbol = tint(style, tintOf(action.verb), padEnd(symbolOf(action.verb, style), symbols))
    const address = safeText(action.address)
    const reason =
      action.cause === 'drift' ? tint(style, 'yellow', safeText(action.reason)) : safeText(action.reason)
    const impact = tint(style, 'dim', `[${impactWords(action, plan)}]`)
    const main = wide
      ? [`${symbol} ${padEnd(address, addresses)}  ${padEnd(reason, reasons)}  ${impact}`]
      : folded(`${symbol} ${address}`, [reason, impact], style.width)
    return [...main, ...belowLines(action, style)]
  })
}

function belowLines(action: Action, style: Style): string[] {
  const details =
    action.verb === 'create' && action.desired ? detailsOf(action.desired, signs(style).arrow) : []
  const notes = action.notes.map((note) => safeText(note))
  // A new object has no before: its details say what it is, a list of its fields would say it twice.
  const differences = action.verb === 'create' || action.verb === 'remove' ? [] : action.differences
  return [
    ...details.map((line) => `    ${line}`),
    ...differenceLines(action, differences, style),
    ...notes.map((line) => `    ${line}`),
  ]
}

function differenceLines(action: Action, differences: readonly Difference[], style: Style): string[] {
  const texts = differences.map((difference) => differenceText(action, difference, style))
  const widest = Math.max(0, ...texts.map((text) => widthOf(text)))
  return differences.map((difference, at) => {
    const text = texts[at] ?? ''
    if (!difference.place) return `    ${text}`
    const place = tint(style, 'dim', placeOf(difference.place))
    const line = `    ${padEnd(text, widest)}  ${place}`
    return style.width > 0 && widthOf(line) > style.width ? `    ${text}  ${place}` : line
  })
}

/** `path: before → after`; environment, files and secrets as what happened to them, never as values. */
export function differenceText(action: Pick<Action, 'kind'>, difference: Difference, style: Style): string {
  const path = safeText(difference.path)
  if (hidden(action, difference.path)) return `${path}: ${happened(difference)}`
  return `${path}: ${valueOf(difference.before)} ${signs(style).arrow} ${valueOf(difference.after)}`
}

function hidden(action: Pick<Action, 'kind'>, path: string): boolean {
  return action.kind === 'guest' && /^(env|files)(\.|\[|$)/.test(path)
}

function happened(difference: Difference): string {
  if (difference.before === undefined) return 'added'
  return difference.after === undefined ? 'removed' : 'changed'
}

function groupLines(plan: Plan, style: Style): string[] {
  const shared = plan.actions.filter((action) => action.bottle === undefined || action.verb === 'blocked')
  const bottles = [...new Set(plan.actions.flatMap((action) => action.bottle ?? []))]
  const widest = Math.max(...bottles.map((bottle) => widthOf(safeText(bottle))), 0)
  const groups = bottles.map((bottle) => {
    const actions = plan.actions.filter((action) => action.bottle === bottle && action.verb !== 'blocked')
    const restarts =
      restartWords({ ...plan, actions }) === 'no agent restarts'
        ? 'agent keeps running or is new'
        : 'agent restarts'
    return actions.length === 0
      ? []
      : [
          `${padEnd(safeText(bottle), widest)}  ${countWords(countsOf(actions))}  ${tint(style, 'dim', `[${restarts}]`)}`,
        ]
  })
  return [...(shared.length === 0 ? [] : actionLines(shared, plan, style)), ...groups.flat()]
}
