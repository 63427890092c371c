/** Progress as lines: one per finished action, the running ones with a spinner, the summary. */
import { safeText } from '../model/text.ts'
import { cut, padEnd, padStart, widthOf } from './columns.ts'
import type { Progress, Row } from './progress.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count, duration } from './words.ts'

const ADDRESS_MIN = 24
const ADDRESS_MAX = 48

/** `acme  4 actions` */
export function startLine(progress: Progress, style: Style): string {
  return `${tint(style, 'bold', safeText(progress.stack))}  ${count(progress.rows.length, 'action')}`
}

/** The permanent line of a finished action, `  ✓ bundle/reviewer  recreated  0.6 s`. */
export function finishedLine(row: Row, progress: Progress, style: Style): string {
  const { done, failed, skipped } = signs(style)
  switch (row.status) {
    case 'done':
      return rowLine(tint(style, 'green', done), row, safeText(row.text), progress, style, row.duration)
    case 'failed':
      return rowLine(
        tint(style, 'red', failed),
        row,
        safeText(row.error?.message ?? 'failed'),
        progress,
        style,
        row.duration,
      )
    case 'skipped':
      return rowLine(
        tint(style, 'dim', skipped),
        row,
        `skipped because of ${safeText(row.because ?? 'an earlier failure')}`,
        progress,
        style,
      )
    case 'blocked':
      return rowLine(tint(style, 'yellow', skipped), row, blockedWords(row), progress, style)
    default:
      return rowLine(tint(style, 'yellow', skipped), row, 'interrupted', progress, style)
  }
}

/** What runs now, for the region that is drawn again and again. Never more than `height` lines. */
export function runningLines(
  progress: Progress,
  now: number,
  tick: number,
  height: number,
  style: Style,
): string[] {
  const running = progress.rows.filter((row) => row.status === 'running')
  const { spinner } = signs(style)
  const turn = spinner[tick % spinner.length] ?? ''
  const room = Math.max(1, height - 2)
  const shown = running.length > room ? running.slice(0, room - 1) : running
  const lines = shown.map((row) =>
    rowLine(
      tint(style, 'cyan', turn),
      row,
      safeText(row.text),
      progress,
      style,
      now - (row.startedAt ?? now),
    ),
  )
  const more = running.length > shown.length ? [`    ${running.length - shown.length} more running`] : []
  const finished = progress.rows.filter(({ status }) =>
    ['done', 'failed', 'skipped', 'blocked'].includes(status),
  ).length
  return [...lines, ...more, tint(style, 'dim', `  ${finished} of ${progress.rows.length}`)]
}

function rowLine(
  sign: string,
  row: Row,
  text: string,
  progress: Progress,
  style: Style,
  took?: number,
): string {
  const widest = Math.max(...progress.rows.map((other) => widthOf(safeText(other.address))), ADDRESS_MIN)
  const addresses = Math.min(widest, ADDRESS_MAX)
  const time = took === undefined ? '' : duration(took)
  const rest = style.width === 0 ? 40 : Math.max(10, style.width - addresses - 16)
  const said = style.width === 0 ? padEnd(text, rest) : padEnd(cut(text, rest), rest)
  return `  ${sign} ${padEnd(safeText(row.address), addresses)}  ${said}  ${padStart(time, 7)}`.trimEnd()
}

/** Without a terminal: one line per event, `bundle/reviewer remove-then-create done: recreated (0.6 s)`. */
export function plainLine(row: Row): string {
  const address = safeText(row.address)
  switch (row.status) {
    case 'waiting':
    case 'running':
      return `${address} ${row.verb}: ${safeText(row.text)}`
    case 'done':
      return `${address} ${row.verb} done: ${safeText(row.text)} (${duration(row.duration ?? 0)})`
    case 'failed':
      return `${address} ${row.verb} failed: ${safeText(row.error?.message ?? 'no reason given')} (${duration(row.duration ?? 0)})`
    case 'skipped':
      return `${address} ${row.verb} skipped because of ${safeText(row.because ?? 'an earlier failure')}`
    case 'blocked':
      return `${address} ${blockedWords(row)}`
    case 'interrupted':
      return `${address} ${row.verb} interrupted`
  }
}

/** Where the block begins, what it is; elsewhere, that address. */
function blockedWords(row: Row): string {
  return row.because === undefined
    ? `blocked: ${safeText(row.error?.message ?? row.text)}`
    : `left as it is because of ${safeText(row.because)}`
}
