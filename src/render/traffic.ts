/** What bottles sent and were refused, by declared host: the table of `top`, its JSON lines, and Prometheus' text. */
import type { BundleMetrics, RouteCounters } from '../model/control.ts'
import { safeText } from '../model/text.ts'
import { cut, table } from './columns.ts'
import { safeJson } from './safe-json.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count, dataSize, duration } from './words.ts'

/** One look at one bottle. */
export interface BottleTraffic {
  readonly bottle: string
  readonly metrics: BundleMetrics | { readonly unknown: string }
}

export interface Traffic {
  readonly stack: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly bottles: readonly BottleTraffic[]
}

/** One line of `top`. Allowed, and nobody answered: failed, which is no refusal. */
export interface RouteTraffic {
  readonly route: string
  readonly allowed: number
  readonly refused: number
  readonly failed: number
  readonly bytesOut: number
  readonly bytesIn: number
}

/** Whether a rule says that the upstream did not answer, not that the request may not go. */
export const isFailure = (rule: string): boolean => rule.startsWith('upstream-')

/** Routes by name; absent: egress does not answer. */
export function routesOf({ metrics }: BottleTraffic): readonly RouteTraffic[] | undefined {
  if ('unknown' in metrics) return undefined
  return metrics.daemons.egress?.egress?.routes.map(routeOf).sort((a, b) => (a.route < b.route ? -1 : 1))
}

function routeOf({ route, allowed, refused, bytesOut, bytesIn }: RouteCounters): RouteTraffic {
  const sum = (wanted: (rule: string) => boolean): number =>
    Object.entries(refused).reduce((all, [rule, times]) => (wanted(rule) ? all + times : all), 0)
  return {
    route,
    allowed,
    refused: sum((rule) => !isFailure(rule)),
    failed: sum(isFailure),
    bytesOut,
    bytesIn,
  }
}

/** Why nothing is known of a bottle; absent: it is known. */
export function unknownOf(traffic: BottleTraffic): string | undefined {
  const { metrics } = traffic
  if ('unknown' in metrics) return metrics.unknown
  if (routesOf(traffic) !== undefined) return undefined
  const state = metrics.daemons.egress?.state
  return state === undefined ? 'it has no egress' : `egress does not answer (${state})`
}

const COLUMNS = [
  { title: 'BOTTLE' },
  { title: 'HOST' },
  { title: 'ALLOWED', align: 'right' },
  { title: 'PER SECOND', align: 'right' },
  { title: 'REFUSED', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'OUT', align: 'right' },
  { title: 'IN', align: 'right' },
] as const

/** `before`: an earlier look, for what happens per second. `rows`: most lines; 0: all. */
export function trafficLines(traffic: Traffic, style: Style, before?: Traffic, rows = 0): string[] {
  const { dash } = signs(style)
  const lines = traffic.bottles.flatMap((bottle): readonly { cells: string[]; state: LineState }[] => {
    const name = safeText(bottle.bottle)
    const unknown = unknownOf(bottle)
    if (unknown !== undefined)
      return [
        {
          cells: [name, `unknown: ${safeText(unknown, 80)}`, '?', '?', '?', '?', '?', '?'],
          state: 'unknown',
        },
      ]
    const routes = routesOf(bottle) ?? []
    if (routes.length === 0)
      return [{ cells: [name, dash, '0', dash, '0', '0', '0 B', '0 B'], state: 'quiet' }]
    return routes.map((route) => ({
      cells: [
        name,
        hostOf(route.route),
        String(route.allowed),
        rateOf(bottle, route, traffic, before) ?? dash,
        String(route.refused),
        String(route.failed),
        dataSize(route.bytesOut),
        dataSize(route.bytesIn),
      ],
      state: route.refused > 0 ? 'refused' : 'quiet',
    }))
  })
  const [head = '', ...body] = table(
    COLUMNS,
    lines.map(({ cells }) => cells),
  ).map((line) => cut(line, style.width))
  // The head, the sum and the line that counts the rest stand beside the rows.
  const room = rows === 0 ? body.length : Math.max(1, rows - 3)
  const shown = body.slice(0, room).map((line, at) => tintLine(line, lines[at]?.state ?? 'quiet', style))
  const left = body.length - shown.length
  return [
    tint(style, 'bold', head),
    ...shown,
    ...(left > 0 ? [`${signs(style).dot} ${count(left, 'more line')}; name bottles to see them`] : []),
    cut(sumOf(traffic, style), style.width),
  ]
}

type LineState = 'quiet' | 'refused' | 'unknown'

function tintLine(line: string, state: LineState, style: Style): string {
  return state === 'quiet' ? line : tint(style, state === 'unknown' ? 'yellow' : 'red', line)
}

/** `api.github.com`; the port where it does not go without saying. */
function hostOf(route: string): string {
  if (!route.includes(':')) return `(${safeText(route)})`
  return safeText(route.replace(/:(?:443|80)$/, ''))
}

function rateOf(
  bottle: BottleTraffic,
  route: RouteTraffic,
  now: Traffic,
  before: Traffic | undefined,
): string | undefined {
  const earlier = before?.bottles.find((candidate) => candidate.bottle === bottle.bottle)
  const seconds = (now.at - (before?.at ?? now.at)) / 1000
  const known = earlier && routesOf(earlier)
  if (known === undefined || seconds <= 0) return undefined
  const counted = known.find((candidate) => candidate.route === route.route)?.allowed ?? 0
  // A daemon that began anew counts anew.
  return (Math.max(0, route.allowed - counted) / seconds).toFixed(1)
}

function sumOf(traffic: Traffic, style: Style): string {
  const known = traffic.bottles.flatMap((bottle) => routesOf(bottle) ?? [])
  const unknown = traffic.bottles.filter((bottle) => unknownOf(bottle) !== undefined).length
  const total = (of: (route: RouteTraffic) => number): number =>
    known.reduce((sum, route) => sum + of(route), 0)
  const began = traffic.bottles.flatMap(({ metrics }) =>
    'unknown' in metrics ? [] : (metrics.daemons.egress?.startedAt ?? []),
  )
  const since = began.toSorted()[0]
  return [
    safeText(traffic.stack),
    count(traffic.bottles.length, 'bottle'),
    `${total((route) => route.allowed)} allowed`,
    `${total((route) => route.refused)} refused`,
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
    ...(since === undefined || since === '' ? [] : [`for ${duration(traffic.at - Date.parse(since))}`]),
  ].join(` ${signs(style).dot} `)
}

/** One JSON document per bottle. */
export function trafficJson(traffic: Traffic): string[] {
  const at = new Date(traffic.at).toISOString()
  return traffic.bottles.map((bottle) => {
    const unknown = unknownOf(bottle)
    const { metrics } = bottle
    const head = { at, stack: traffic.stack, bottle: bottle.bottle }
    if (unknown !== undefined || 'unknown' in metrics) return safeJson({ ...head, unknown })
    const { egress: daemon } = metrics.daemons
    return safeJson({
      ...head,
      since: daemon?.startedAt,
      connections: daemon?.egress?.connections,
      routes: routesOf(bottle),
    })
  })
}
