/** Counters of a bundle, asked of its supervisor. A daemon may have been taken over: what it says is checked before it is shown. */
import { CONTROL_SOCKETS, DAEMONS } from '../../model/control.ts'
import type { BundleMetrics, DaemonMetrics, EgressCounters, RouteCounters } from '../../model/control.ts'
import { DriverError } from '../../model/errors.ts'
import { liveNames } from '../../model/names.ts'
import { ask } from './control.ts'
import { ours, type Site } from './place.ts'

export async function bundleMetrics(site: Site, bottle: string, signal: AbortSignal): Promise<BundleMetrics> {
  const found = ours(site, 'container', await site.engine.container(liveNames.bundle(site.stack, bottle)))
  if (found === undefined)
    throw new DriverError(`there is no bundle container of ${bottle}`, {
      code: 'not-found',
      hint: 'bot-bottle apply',
    })
  if (!found.state.running)
    throw new DriverError(`the bundle of ${bottle} does not run`, {
      code: 'not-running',
      hint: 'bot-bottle apply',
    })
  const socket = CONTROL_SOCKETS.supervisor
  const target = { what: `bundle of ${bottle}`, containerId: found.id, user: '0:0', socket }
  const answer = await ask(site.engine, target, { op: 'metrics' }, signal)
  const metrics = metricsOf(answer)
  if (metrics) return metrics
  throw new DriverError(`bundle of ${bottle} answered something that is no answer`, {
    code: 'control-answer-invalid',
  })
}

/** Absent: it is none. */
export function metricsOf(value: unknown): BundleMetrics | undefined {
  const found = object(value)
  const [startedAt, daemons] = [found?.['startedAt'], object(found?.['daemons'])]
  if (typeof startedAt !== 'string' || !daemons) return undefined
  const told = DAEMONS.flatMap((name) => {
    const metrics = daemonOf(daemons[name])
    return metrics ? [[name, metrics] as const] : []
  })
  return { startedAt, daemons: Object.fromEntries(told) }
}

function daemonOf(value: unknown): DaemonMetrics | undefined {
  const found = object(value)
  const { startedAt, restarts } = found ?? {}
  const state = (['running', 'starting', 'failed', 'idle'] as const).find((one) => one === found?.['state'])
  if (state === undefined || typeof startedAt !== 'string' || !isCount(restarts)) return undefined
  const egress = egressOf(found?.['egress'])
  return { state, startedAt, restarts, ...(egress && { egress }) }
}

function egressOf(value: unknown): EgressCounters | undefined {
  const { connections, routes } = object(value) ?? {}
  if (!isCount(connections) || !Array.isArray(routes)) return undefined
  const counted = routes.map(routeOf)
  return counted.every((route) => route !== undefined) ? { connections, routes: counted } : undefined
}

function routeOf(value: unknown): RouteCounters | undefined {
  const { route, allowed, refused, bytesOut, bytesIn } = object(value) ?? {}
  const rules = Object.entries(object(refused) ?? {})
  if (typeof route !== 'string' || !ROUTE.test(route)) return undefined
  if (!isCount(allowed) || !isCount(bytesOut) || !isCount(bytesIn)) return undefined
  const times = rules.flatMap(([rule, number]) =>
    RULE.test(rule) && isCount(number) ? [[rule, number] as const] : [],
  )
  if (times.length < rules.length) return undefined
  return { route, allowed, refused: Object.fromEntries(times), bytesOut, bytesIn }
}

const ROUTE = /^(?:(?:\*\.)?[a-z0-9._-]{1,253}:\d{1,5}|undeclared|removed)$/
const RULE = /^[a-z][a-z0-9-]{0,63}$/

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function object(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
