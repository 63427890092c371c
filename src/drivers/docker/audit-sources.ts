/** Where the audit of a bundle is read: the engine's log of its container, and the supervisor's control socket. */
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { CONTROL_SOCKETS } from '../../model/control.ts'
import { DriverError } from '../../model/errors.ts'
import { liveNames } from '../../model/names.ts'
import { auditLineOf, auditThread } from './audit.ts'
import type { AuditLine } from './audit.ts'
import type { AuditedDaemon } from '../../ports/driver.ts'
import { PATHS } from './bodies.ts'
import type { InspectedContainer } from './decode.ts'
import { execute } from './exec.ts'
import { jsonLines, textLines } from './lines.ts'
import { containerLog, type LogOptions } from './logs.ts'
import { ours, type Site } from './place.ts'

/** As many as a supervisor remembers. */
const REMEMBERED = 1000
/** Between two looks for a bundle that is made anew, milliseconds, and how often it is looked for. */
const LOOK = { everyMs: 500, times: 20 }

/** JSON lines; a bundle that does not run any more is read as far as its container is there. */
export async function auditLog(
  site: Site,
  bottle: string,
  of: AuditedDaemon,
  options: LogOptions,
): Promise<Readable> {
  const name = liveNames.bundle(site.stack, bottle)
  const find = async (): Promise<InspectedContainer | undefined> =>
    ours(site, 'container', await site.engine.container(name))
  let found = await find()
  if (found === undefined)
    throw new DriverError(`there is no bundle container of ${bottle}`, {
      code: 'not-found',
      hint: 'bot-bottle apply',
    })
  const gone = new AbortController()
  const thread = auditThread(
    {
      kept: () => keptLines(site, found?.id ?? name, of, options.since),
      live: async (follow) =>
        found?.state.running === true ? liveLines(site, found.id, of, follow, gone.signal) : undefined,
      async again() {
        for (let time = 0; time < LOOK.times && !gone.signal.aborted; time++) {
          await pause(LOOK.everyMs, undefined, { signal: gone.signal }).catch(() => undefined)
          found = await find()
          if (found?.state.running === true) return !gone.signal.aborted
        }
        return false
      },
    },
    options,
  )
  async function* lines(): AsyncGenerator<string> {
    for await (const row of thread) yield `${JSON.stringify(row)}\n`
  }
  const stream = Readable.from(lines(), { objectMode: false })
  stream.once('close', () => gone.abort())
  return stream
}

async function* keptLines(
  site: Site,
  id: string,
  of: AuditedDaemon,
  since: string | undefined,
): AsyncGenerator<AuditLine> {
  const options = { follow: false, ...(since !== undefined && { since }) }
  for await (const line of textLines(await containerLog(site.engine, id, options))) {
    // Most of what else is printed need not be parsed.
    const audited = line.includes('"event":"audit"') ? auditLineOf(parsed(line), of) : undefined
    if (audited) yield audited
  }
}

/** A line that a dying supervisor did not finish is none. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

async function liveLines(
  site: Site,
  containerId: string,
  of: AuditedDaemon,
  follow: boolean,
  gone: AbortSignal,
): Promise<AsyncIterable<AuditLine>> {
  const execution = await execute(site.engine, containerId, {
    argv: [PATHS.sidecarGuest, 'relay', CONTROL_SOCKETS.supervisor],
    user: '0:0',
    env: {},
    cwd: '/',
    tty: false,
  })
  gone.addEventListener('abort', () => execution.close(), { once: true })
  if (gone.aborted) execution.close()
  execution.stdin.on('error', () => {})
  execution.stdin.write(`${JSON.stringify({ id: 1, op: 'logs', daemon: of, follow, tail: REMEMBERED })}\n`)
  return (async function* () {
    try {
      for await (const answer of jsonLines(execution.stdout)) {
        if (answer['ok'] !== true)
          throw new DriverError('the supervisor does not tell its log', { code: 'control-refused' })
        const line = auditLineOf(answer['value'], of)
        if (line) yield line
        if (answer['end'] === true) return
      }
    } finally {
      execution.close()
    }
  })()
}
