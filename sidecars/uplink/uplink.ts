/**
 * The stack's only process with a network, wired: control socket, dial socket, table, record. It sees no plaintext and
 * no credential, listens on no TCP or UDP port, and dials nothing but what is declared for the bottle that asks.
 */
import { join } from 'node:path'
import { CONTROL_SOCKETS, type UplinkRequest, type UplinkStatus } from '../../src/model/control.ts'
import type { UplinkPolicy } from '../../src/model/policy.ts'
import { createLog } from '../control/log.ts'
import { ControlError, serveControl } from '../control/server.ts'
import type { UplinkOptions } from './arguments.ts'
import { connectTo } from './connect.ts'
import { serveDials } from './dials.ts'
import { ownAddresses } from './own.ts'
import { openRecord } from './record.ts'
import { remembering } from './remembered.ts'
import { askReports } from './reports.ts'
import { decodeUplinkRequest } from './requests.ts'
import { resolveName } from './resolver.ts'
import { standsUnder } from './standing.ts'
import { createTable } from './table.ts'
import type { Surroundings } from './way.ts'

export interface Uplink {
  stop(): void
}

/** Before the first `configure`: the container's own resolvers, nothing fixed. */
const UNCONFIGURED: UplinkPolicy = { hosts: {}, dns: [], noProxy: [], hostAddresses: [] }
const SURROUNDINGS: Surroundings = { ...remembering(resolveName), connect: connectTo, own: ownAddresses }

/** `around` is the world outside the process; only tests give another. */
export async function startUplink(
  options: UplinkOptions,
  around: Surroundings = SURROUNDINGS,
): Promise<Uplink> {
  const log = createLog('uplink').child({ stack: options.stack })
  const startedAt = new Date().toISOString()
  let policy: UplinkPolicy | undefined
  const present = (): UplinkPolicy => policy ?? UNCONFIGURED
  const table = createTable(() => standsUnder(present(), around.own()))
  const records = openRecord(join(options.volume, 'record.json'), options.stack)

  const status = async (nonce: string): Promise<UplinkStatus> => {
    const entries = [...table.bottles.values()]
    const answers = await askReports(entries, nonce)
    const bottles = entries.map(({ name, targets }, index) => {
      return [name, { targets, supervisor: answers[index] ?? { unknown: 'not asked' } }] as const
    })
    return {
      version: options.version,
      startedAt,
      ...(policy === undefined ? {} : { policy }),
      bottles: Object.fromEntries(bottles),
      ...(records.record === undefined ? {} : { record: records.record }),
      ...(records.error === undefined ? {} : { recordError: records.error }),
    }
  }

  const attached = (found: boolean, bottle: string): void => {
    if (!found) throw new ControlError('bottle-not-attached', `${bottle} is not attached`)
  }
  const handle = async (request: UplinkRequest): Promise<unknown> => {
    switch (request.op) {
      case 'status':
        return await status(request.nonce)
      case 'configure':
        // Closed in the same turn: nothing is dialled under the new policy before.
        policy = request.policy
        table.narrowAll()
        log.info('configured')
        return {}
      case 'attach':
        table.attach(request.bottle, request.token, request.targets)
        log.info({ bottle: request.bottle, targets: request.targets.length }, 'attached')
        return {}
      case 'targets':
        attached(table.replaceTargets(request.bottle, request.targets), request.bottle)
        log.info({ bottle: request.bottle, targets: request.targets.length }, 'targets replaced')
        return {}
      case 'detach':
        table.detach(request.bottle)
        log.info({ bottle: request.bottle }, 'detached')
        return {}
      case 'record':
        records.store(request.record)
        log.info({ revision: request.record.revision }, 'record stored')
        return { revision: request.record.revision }
    }
  }

  const dials = await serveDials(
    join(options.volume, CONTROL_SOCKETS.uplinkDial),
    table,
    present,
    around,
    log,
  )
  const control = await serveControl(join(options.run, 'control.sock'), async (line, reply) => {
    reply.answer(await handle(decodeUplinkRequest(line)))
  })
  log.info({ version: options.version, recordError: records.error }, 'uplink started')
  return {
    stop() {
      control.close()
      dials.close()
      log.info('uplink stopped')
    },
  }
}
