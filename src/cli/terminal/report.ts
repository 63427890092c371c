/** What `apply` and its kin say, by `--output` and `--quiet`: text, one JSON document, or events. */
import type { ApplyEvent } from '../../model/event.ts'
import type { Plan } from '../../model/plan.ts'
import { eventLine, eventsHead } from '../../render/events.ts'
import { liveProgress, plainProgress, silentProgress } from '../../render/live.ts'
import type { ProgressView } from '../../render/live.ts'
import { planDocument } from '../../render/plan-document.ts'
import type { Progress } from '../../render/progress.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { VERSION } from '../version.ts'

export type Form = 'pretty' | 'json' | 'events'

export function formOf({ options }: Pick<Invocation, 'options'>): Form {
  const form = options.text('output')
  return form === 'json' || form === 'events' ? form : 'pretty'
}

/** In front of the first event. */
export const HEAD = eventsHead(VERSION)

export interface Report {
  progress(): ProgressView
  event(event: ApplyEvent): void
  ended(progress: Progress, lines: readonly string[]): void
  /** There was nothing to do. */
  nothing(plan: Plan): void
}

export function report(invocation: Invocation): Report {
  const { output, options, io } = invocation
  const form = formOf(invocation)
  const quiet = options.flag('quiet')
  const events: ApplyEvent[] = []
  return {
    progress() {
      const note = (line: string): void => output.note([line])
      if (form !== 'pretty' || quiet) return silentProgress(note)
      return output.live ? liveProgress(output.live, output.noteStyle, () => io.now()) : plainProgress(note)
    },
    event(event) {
      events.push(event)
      if (form === 'events') output.event(HEAD, eventLine(event))
    },
    ended(progress, lines) {
      if (form === 'json')
        output.result(
          safeJson(
            {
              version: 1,
              program: VERSION,
              outcome: progress.ended?.outcome ?? 'interrupted',
              duration: progress.ended?.duration ?? 0,
              actions: progress.rows,
            },
            2,
          ).split('\n'),
        )
      else if (form === 'pretty' && !(quiet && progress.ended?.outcome === 'done')) output.result(lines)
    },
    nothing(plan) {
      if (form === 'json') output.result(safeJson(planDocument(plan), 2).split('\n'))
      if (form === 'events') {
        const at = new Date(io.now()).toISOString()
        const ended: ApplyEvent = { type: 'ended', outcome: 'done', duration: 0, at }
        for (const event of [{ type: 'started', stack: plan.stack, actions: [], at }, ended] as const)
          output.event(HEAD, eventLine(event))
      }
    },
  }
}
