/** What an agent printed, made safe line by line, or the access log of its doors. */
import { createInterface } from 'node:readline'
import type { AuditedDaemon, LogSource } from '../../ports/driver.ts'
import { EXIT, UsageError } from '../../model/errors.ts'
import { isName } from '../../model/names.ts'
import { accessLine } from '../../render/access-log.ts'
import { safeJson } from '../../render/safe-json.ts'
import { count } from '../../render/words.ts'
import { safeText } from '../../model/text.ts'
import { accessOf, jsonLine, lostOf } from '../egress/audit.ts'
import { agentLines } from '../program/init-lines.ts'
import { sinceTime } from '../grammar/since.ts'
import { openBottles } from '../stack/bottle.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io, output } = invocation
  const bottles = await openBottles(invocation, args).catch((thrown: unknown) => {
    throw meantFollow(thrown, options.list('file'))
  })
  const tail = options.number('tail')
  const since = options.text('since')
  const follow = options.flag('follow')
  const request = {
    follow,
    ...(since !== undefined && { since: sinceTime(since, io.now()) }),
  }
  const audits: readonly AuditedDaemon[] = [
    ...(options.flag('egress') ? (['egress'] as const) : []),
    ...(options.flag('git') ? (['git-gate'] as const) : []),
  ]
  const sources: readonly LogSource[] = audits.length > 0 ? audits : ['agent']
  // Of an agent's log lines are left out: which are the last is known once all are read.
  const isCut = tail !== undefined && !follow && audits.length === 0
  const read = bottles.flatMap((bottle) => sources.map((source) => ({ bottle, source })))
  const later: Later[] | undefined = audits.length > 0 && read.length > 1 && !follow ? [] : undefined
  const open = new Set<() => void>()
  const close = (): void => {
    for (const step of open) step()
  }
  let interrupted = false
  const undo = (['SIGINT', 'SIGTERM'] as const).map((signal) =>
    io.onSignal(signal, () => {
      interrupted = true
      close()
    }),
  )
  output.gone.addEventListener('abort', close)
  try {
    await Promise.all(
      read.map(async ({ bottle, source }) => {
        const stream = await bottle.driver.logs(bottle.stack, bottle.name, source, {
          ...request,
          ...(tail !== undefined && !isCut && { tail }),
        })
        const lines = createInterface({ input: stream, crlfDelay: Infinity })
        // Both: a stream that is destroyed does not end the lines that are read from it.
        open.add(() => {
          lines.close()
          stream.destroy()
        })
        if (output.gone.aborted) close()
        const shown =
          source === 'agent'
            ? show(agentLines(lines, isCut ? tail : undefined), bottle, invocation, bottles.length > 1)
            : showAudit(lines, bottle, invocation, later)
        await shown.catch((error: unknown) => {
          if (!interrupted && !output.gone.aborted) throw error
        })
      }),
    )
  } finally {
    for (const step of undo) step()
    output.gone.removeEventListener('abort', close)
    close()
  }
  if (later && !interrupted) output.result(later.sort(byTime).map(({ shown }) => shown))
  return interrupted ? EXIT.interrupted : EXIT.done
}

/** `logs -f BOTTLE` is what fingers know; -f names a manifest here. */
function meantFollow(thrown: unknown, files: readonly string[]): unknown {
  if (!(thrown instanceof UsageError) || thrown.code !== 'manifest-not-found') return thrown
  const bottle = files.find(isName)
  if (bottle === undefined) return thrown
  return new UsageError(thrown.message, {
    code: thrown.code,
    hint: `-f names a manifest; to follow: bot-bottle logs --follow ${bottle}`,
  })
}

async function show(
  lines: AsyncIterable<string>,
  bottle: OpenBottle,
  { options, output }: Invocation,
  named: boolean,
): Promise<void> {
  const json = options.flag('json')
  for await (const raw of lines) {
    const line = raw.replaceAll('\t', '  ')
    output.result([
      json
        ? safeJson({ bottle: bottle.name, line })
        : `${named ? `${bottle.name}  ` : ''}${safeText(line, 10_000)}`,
    ])
  }
}

/** Told by its time where all of it is there; otherwise as it comes. */
async function showAudit(
  lines: AsyncIterable<string>,
  bottle: OpenBottle,
  { options, output }: Invocation,
  later: Later[] | undefined,
): Promise<void> {
  const json = options.flag('json')
  for await (const line of lines) {
    const row = jsonLine(line)
    const lost = row && lostOf(row)
    if (row && lost !== undefined) {
      if (json) output.result([safeJson({ bottle: bottle.name, lost })])
      else output.note([`${bottle.name}: ${count(lost, 'line is', 'lines are')} missing here`])
    }
    const access = row && accessOf(row)
    if (!row || !access) continue
    const shown = json
      ? safeJson({ ...row, bottle: bottle.name })
      : accessLine(bottle.name, access, output.style)
    if (later) later.push({ time: access.time, shown })
    else output.result([shown])
  }
}

interface Later {
  readonly time: string
  readonly shown: string
}

function byTime(a: Later, b: Later): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0
}
