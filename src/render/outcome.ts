/** How an apply ended: one line when all went well, else a table (failed, skipped because, done) and what the next apply will do. */
import { safeText } from '../model/text.ts'
import { padEnd, widthOf, wrapped } from './columns.ts'
import type { Progress, Row } from './progress.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count, duration } from './words.ts'

export interface OutcomeView {
  /** Default `applied`. */
  readonly did?: string
  /** Default `everything ready`; empty: nothing is said. */
  readonly afterwards?: string
  /** What goes on where this one ended. Default `bot-bottle apply`. */
  readonly again?: string
}

const DONE_SHOWN = 10

export function outcomeLines(progress: Progress, style: Style, view: OutcomeView = {}): string[] {
  const took = duration(progress.ended?.duration ?? 0)
  const outcome = progress.ended?.outcome ?? 'interrupted'
  if (outcome === 'done') {
    const afterwards = view.afterwards ?? 'everything ready'
    return [
      `${tint(style, 'green', `${view.did ?? 'applied'} in ${took}`)}${afterwards === '' ? '' : ` ${signs(style).dot} ${afterwards}`}`,
    ]
  }
  const of = (status: Row['status']): Row[] => progress.rows.filter((row) => row.status === status)
  const [failed, skipped, done, blocked] = [of('failed'), of('skipped'), of('done'), of('blocked')]
  const open = [...of('interrupted'), ...of('waiting'), ...of('running')]
  const widest = Math.max(0, ...progress.rows.map((row) => widthOf(safeText(row.address))))
  const line = (row: Row, text: string): string =>
    `  ${padEnd(safeText(row.address), widest)}  ${text}`.trimEnd()
  return [
    ...section(
      'FAILED',
      'red',
      failed.flatMap((row) => [line(row, failure(row)), ...hintOf(row)]),
    ),
    ...section(
      'SKIPPED',
      'yellow',
      skipped.map((row) => line(row, `because ${safeText(row.because ?? 'an earlier action')} failed`)),
    ),
    ...section(
      'NOT DONE',
      'yellow',
      open.map((row) => line(row, row.status === 'waiting' ? 'not started' : 'interrupted')),
    ),
    ...section('BLOCKED', 'yellow', blockedLines(blocked, line)),
    ...section('DONE', 'green', [
      ...done.slice(0, DONE_SHOWN).map((row) => line(row, safeText(row.text))),
      ...(done.length > DONE_SHOWN ? [`  ${done.length - DONE_SHOWN} more`] : []),
    ]),
    `${HEADS[outcome]} after ${took}: ${said([
      [failed.length, 'failed'],
      [skipped.length, 'skipped'],
      [open.length, 'not done'],
      [blocked.length, 'blocked'],
      [done.length, 'done'],
    ])}`,
    ...wrapped(
      nextRun(
        view.again ?? 'bot-bottle apply',
        outcome,
        failed.length,
        skipped.length + open.length,
        done.length,
      ),
      style.width,
    ),
  ]

  function section(title: string, colour: 'red' | 'yellow' | 'green', lines: readonly string[]): string[] {
    return lines.length === 0 ? [] : [tint(style, colour, title), ...lines, '']
  }
}

/** Where each block begins, with the way out; what waits for it is counted. */
function blockedLines(blocked: readonly Row[], line: (row: Row, text: string) => string): string[] {
  const roots = blocked.filter(({ because }) => because === undefined)
  const waiting = blocked.length - roots.length
  return [
    ...roots.flatMap((row) => [line(row, safeText(row.error?.message ?? row.text)), ...hintOf(row)]),
    ...(waiting > 0
      ? [
          `  ${count(waiting, 'more waits', 'more wait')} for it and ${waiting === 1 ? 'is' : 'are'} left as ${waiting === 1 ? 'it is' : 'they are'}`,
        ]
      : []),
  ]
}

function failure(row: Row): string {
  return row.error ? `${safeText(row.error.message)} (${safeText(row.error.code)})` : 'no reason given'
}

function hintOf(row: Row): string[] {
  return row.error?.hint === undefined ? [] : [`    hint: ${safeText(row.error.hint)}`]
}

type Unfinished = 'failed' | 'interrupted' | 'timeout' | 'blocked'

const HEADS: Readonly<Record<Unfinished, string>> = {
  failed: 'stopped with failures',
  timeout: 'not ready in time',
  interrupted: 'interrupted',
  blocked: 'all that is not blocked is done',
}

function said(parts: readonly (readonly [number, string])[]): string {
  const words = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  return words.length === 0 ? 'nothing was done' : words.join(', ')
}

/** The one sentence on what happens next. */
function nextRun(again: string, outcome: Unfinished, failed: number, left: number, done: number): string {
  if (outcome === 'timeout')
    return `Everything is made but not all of it is ready; the next \`${again}\` looks again and waits again.`
  if (outcome === 'blocked')
    return `The next \`${again}\` does the rest when what blocks is out of the way; what is done stays.`
  if (failed === 0)
    return `The next \`${again}\` looks at what is there and does the ${left === 0 ? 'rest' : count(left, 'action')} that ${left === 1 ? 'is' : 'are'} left.`
  const tries =
    left === 0
      ? `tries the ${failed === 1 ? 'failed one' : `${failed} failed ones`} again`
      : `tries the failed and the ${left} not done again`
  return `The next \`${again}\` ${tries}${done > 0 ? '; what is done stays' : ''}.`
}
