/**
 * The bundle's process 1, wired: daemons, control socket, report channel, tripwire. It binds doors, switches users
 * and keeps configurations; it reads nothing that an agent can write, looks up no name and opens no connection but
 * the one to the uplink's socket.
 */
import { join } from 'node:path'
import {
  CONTROL_SOCKETS,
  type AuditOrder,
  type BundleMetrics,
  type DaemonName,
  type SupervisorRequest,
  type SupervisorStatus,
} from '../../src/model/control.ts'
import { createLog } from '../control/log.ts'
import { ControlError, serveControl, type Reply } from '../control/server.ts'
import type { SupervisorOptions } from './arguments.ts'
import { controls } from './controls.ts'
import { superviseDaemon, type Daemon } from './daemon.ts'
import { createJournal, type Journal } from './journal.ts'
import { foreign, watchLinks } from './links.ts'
import { reportTo } from './report.ts'
import { decodeSupervisorRequest, TAIL_MAX } from './requests.ts'

/** Lines of the supervisor's own that `logs` can repeat; of a daemon they are its audit lines. */
const OWN_LINES = 200

export interface Supervisor {
  stop(): Promise<void>
}

export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const startedAt = new Date().toISOString()
  const own = createJournal<object>(OWN_LINES)
  const journals = new Map<string, Journal<object>>([['supervisor', own]])
  const log = createLog('supervisor', own.add).child({ bottle: options.bottle })
  const audit = createLog('supervisor').child({ bottle: options.bottle })
  const daemons = new Map<DaemonName, Daemon>()
  let token: string | undefined
  for (const spec of options.daemons) {
    const journal = createJournal<object>(TAIL_MAX)
    journals.set(spec.name, journal)
    let seq = 0
    const onLog = (line: object): void => {
      seq += 1
      const ordered = { ...line, life: startedAt, seq } satisfies AuditOrder
      journal.add(ordered)
      audit.info({ daemon: spec.name, ...ordered }, 'audit')
    }
    const onToken = (next: string): void => {
      token = next
      report.use(next)
    }
    const setting = { version: options.version, token: () => token, onLog, onToken }
    daemons.set(spec.name, superviseDaemon(spec, log, setting))
  }

  let closed = false
  const links = watchLinks(options.helper, (seen) => {
    if (closed || !controls.on('link-tripwire')) return
    closed = true
    const names = foreign(seen)
    const reason =
      names.length > 0 ? `the bottle has a link beside lo: ${names.join(', ')}` : 'the links cannot be read'
    log.fatal({ links: seen }, 'doors closed: foreign link')
    for (const daemon of daemons.values()) daemon.fail(reason)
  })

  const status = async (nonce: string): Promise<SupervisorStatus> => {
    const answers = [...daemons].map(async ([name, daemon]) => [name, await daemon.status(nonce)] as const)
    const found = Object.fromEntries(await Promise.all(answers))
    return { version: options.version, startedAt, links: links.links(), daemons: found }
  }
  const metrics = async (): Promise<BundleMetrics> => {
    const answers = [...daemons].map(async ([name, daemon]) => {
      const [{ state, startedAt: since, restarts }, egress] = await Promise.all([
        daemon.status('metrics'),
        daemon.counters(),
      ])
      return [name, { state, startedAt: since, restarts, ...(egress && { egress }) }] as const
    })
    return { startedAt, daemons: Object.fromEntries(await Promise.all(answers)) }
  }
  const report = reportTo(join(options.uplink, CONTROL_SOCKETS.uplinkDial), (request) =>
    request.op === 'status'
      ? status(request.nonce)
      : Promise.reject(new ControlError('unknown-op', 'only status')),
  )

  const enabled = (name: DaemonName): Daemon => {
    const daemon = daemons.get(name)
    if (daemon === undefined)
      throw new ControlError('daemon-not-enabled', `${name} is not enabled in this bundle`)
    return daemon
  }
  const handle = async (request: SupervisorRequest, reply: Reply): Promise<void> => {
    switch (request.op) {
      case 'status':
        return reply.answer(await status(request.nonce))
      case 'metrics':
        return reply.answer(await metrics())
      case 'configure': {
        const answer = await enabled(request.daemon).configure(request.config)
        log.info({ daemon: request.daemon, generation: answer.generation }, 'configured')
        return reply.answer(answer)
      }
      case 'verify':
        return reply.answer(await enabled(request.daemon).verify(request.remote, request.identity))
      case 'restart':
        await enabled(request.daemon).restart()
        return reply.answer({ restarted: request.daemon })
      case 'logs':
        return streamLogs(journals.get(request.daemon), request, reply)
    }
  }

  for (const daemon of daemons.values()) if (!daemon.spec.onDemand) daemon.start()
  const server = await serveControl(join(options.run, 'control.sock'), (line, reply) =>
    handle(decodeSupervisorRequest(line), reply),
  )
  log.info({ version: options.version, daemons: [...daemons.keys()] }, 'supervisor started')
  return {
    async stop() {
      server.close()
      links.stop()
      report.stop()
      await Promise.all([...daemons.values()].map((daemon) => daemon.stop()))
      log.info('supervisor stopped')
    },
  }
}

function streamLogs(
  journal: Journal<object> | undefined,
  request: Extract<SupervisorRequest, { op: 'logs' }>,
  reply: Reply,
): void {
  const lines = journal?.tail(request.tail) ?? []
  if (!request.follow) {
    for (const line of lines.slice(0, -1)) reply.next(line)
    return reply.end(lines.at(-1) ?? null)
  }
  for (const line of lines) reply.next(line)
  const unfollow = journal?.follow((line) => reply.next(line))
  reply.onGone(() => unfollow?.())
}
