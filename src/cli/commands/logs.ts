/** What an agent printed, made safe line by line, or the access log of its doors. */
import { createInterface } from 'node:readline'
import { EXIT, UsageError } from '../../model/errors.ts'
import { isName } from '../../model/names.ts'
import { accessLine } from '../../render/access-log.ts'
import { safeJson } from '../../render/safe-json.ts'
import { safeText } from '../../model/text.ts'
import { accessOf, jsonLine } from '../audit.ts'
import { initLines } from '../init-lines.ts'
import { sinceTime } from '../since.ts'
import { openBottles } from '../bottle.ts'
import type { OpenBottle } from '../bottle.ts'
import type { Invocation } from '../invocation.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation
  const bottles = await openBottles(invocation, args).catch((thrown: unknown) => {
    throw meantFollow(thrown, options.list('file'))
  })
  const tail = options.number('tail')
  const since = options.text('since')
  const request = {
    follow: options.flag('follow'),
    ...(tail !== undefined && { tail }),
    ...(since !== undefined && { since: sinceTime(since, io.now()) }),
  }
  const egress = options.flag('egress')
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
  try {
    await Promise.all(
      bottles.map(async (bottle) => {
        const stream = await bottle.driver.logs(
          bottle.stack,
          bottle.name,
          egress ? 'bundle' : 'agent',
          request,
        )
        const lines = createInterface({ input: stream, crlfDelay: Infinity })
        // Both: a stream that is destroyed does not end the lines that are read from it.
        open.add(() => {
          lines.close()
          stream.destroy()
        })
        await show(lines, bottle, invocation, { egress, named: bottles.length > 1 }).catch(
          (error: unknown) => {
            if (!interrupted) throw error
          },
        )
      }),
    )
  } finally {
    for (const step of undo) step()
    close()
  }
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
  view: { readonly egress: boolean; readonly named: boolean },
): Promise<void> {
  const json = options.flag('json')
  const isOfInit = initLines()
  for await (const raw of lines) {
    if (!view.egress && isOfInit(raw)) continue
    const line = raw.replaceAll('\t', '  ')
    if (!view.egress) {
      output.result([
        json
          ? safeJson({ bottle: bottle.name, line })
          : `${view.named ? `${bottle.name}  ` : ''}${safeText(line, 10_000)}`,
      ])
      continue
    }
    const row = jsonLine(line)
    const access = row && accessOf(row)
    if (!row || !access) continue
    output.result([
      json ? safeJson({ bottle: bottle.name, ...row }) : accessLine(bottle.name, access, output.style),
    ])
  }
}
