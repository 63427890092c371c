/**
 * Live progress on a terminal: finished lines stay where they are, below them one region is drawn again in place.
 * Holds the only state of rendering (what the region shows now); the lines come from progress-lines.
 */
import type { ApplyEvent } from '../model/event.ts'
import type { Verb } from '../model/plan.ts'
import type { Terminal } from './output.ts'
import { fold, NOTHING_YET } from './progress.ts'
import type { Progress, Row } from './progress.ts'
import { finishedLine, plainLine, runningLines, startLine } from './progress-lines.ts'
import { openRegion } from './region.ts'
import type { Style } from './style.ts'

/** Milliseconds between two drawings. */
const FRAME = 100

export interface ProgressView {
  see(event: ApplyEvent): void
  /** Words beside the progress; they stay where they are, above what moves. */
  say(lines: readonly string[]): void
  /** Clears what moves. Called once, also after a failure. */
  end(): Progress
}

export function liveProgress(terminal: Terminal, style: Style, now: () => number): ProgressView {
  let progress = NOTHING_YET
  let tick = 0
  let isMoving = false
  const region = openRegion(terminal)
  const draw = (permanent: readonly string[], moving: readonly string[]): void => {
    region.draw(moving, permanent)
    isMoving = moving.length > 0
  }
  const running = (): string[] =>
    runningLines(progress, now(), tick, terminal.rows(), { ...style, width: terminal.columns() })
  const timer = setInterval(() => {
    tick += 1
    if (isMoving) draw([], running())
  }, FRAME)
  timer.unref()
  return {
    see(event) {
      progress = fold(progress, event)
      if (event.type === 'started') draw([startLine(progress, style)], running())
      else if (event.type === 'action-ended') draw(finishedOf(progress, event, style), running())
      else if (event.type === 'action-started') draw([], running())
    },
    say: (lines) => draw(lines, progress.ended ? [] : running()),
    end() {
      clearInterval(timer)
      draw([], [])
      region.end()
      return progress
    },
  }
}

function finishedOf(
  progress: Progress,
  event: Extract<ApplyEvent, { type: 'action-ended' }>,
  style: Style,
): string[] {
  const row = rowOf(progress, event)
  return row ? [finishedLine(row, progress, style)] : []
}

/** Milliseconds between two lines about an action that goes on, without a terminal. */
const SAY_EVERY = 10_000

/** Without a terminal: a line when an action ends, and now and then one about what takes long. */
export function plainProgress(write: (line: string) => void, say = write): ProgressView {
  let progress = NOTHING_YET
  const saidAt = new Map<string, number>()
  return {
    see(event) {
      progress = fold(progress, event)
      const row = 'address' in event ? rowOf(progress, event) : undefined
      if (!row || event.type === 'ended' || event.type === 'started') return
      const at = Date.parse(event.at)
      if (event.type === 'action-started') saidAt.set(event.address, at)
      if (event.type === 'action-ended') write(plainLine(row))
      if (event.type !== 'action-progress' || at - (saidAt.get(event.address) ?? 0) < SAY_EVERY) return
      saidAt.set(event.address, at)
      write(plainLine(row))
    },
    say: (lines) => lines.forEach((line) => say(line)),
    end: () => progress,
  }
}

function rowOf(
  progress: Progress,
  event: { readonly address: string; readonly verb?: Verb },
): Row | undefined {
  return progress.rows.find(
    (row) =>
      row.address === event.address &&
      (event.verb === undefined ? row.status === 'running' : row.verb === event.verb),
  )
}

/** `--quiet`, `--output json`: no progress is shown, everything is remembered; what is said is said. */
export function silentProgress(say: (line: string) => void): ProgressView {
  return plainProgress(() => {}, say)
}
