/** Counters as Prometheus' text format 0.0.4. Labels are names of the manifest, rules and daemons: as many as are declared. */
import { safeText } from '../model/text.ts'
import { isFailure, unknownOf } from './traffic.ts'
import type { BottleTraffic, Traffic } from './traffic.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** Of one bottle that is known. */
  readonly samples: (bottle: BottleTraffic) => readonly Sample[]
}

const daemonsOf = ({ metrics }: BottleTraffic) => ('unknown' in metrics ? {} : metrics.daemons)
const routesOf = (bottle: BottleTraffic) => daemonsOf(bottle).egress?.egress?.routes ?? []
const byRule =
  (wanted: (rule: string) => boolean) =>
  (bottle: BottleTraffic): readonly Sample[] =>
    routesOf(bottle).flatMap(({ route, refused }) =>
      Object.entries(refused)
        .filter(([rule]) => wanted(rule))
        .map(([rule, times]): Sample => [{ route, rule }, times]),
    )

const FAMILIES: readonly Family[] = [
  {
    name: 'bot_bottle_egress_up',
    type: 'gauge',
    help: 'Whether the egress daemon of the bottle answered: 1, or 0 and nothing else is known of it.',
    samples: (bottle) => [[{}, unknownOf(bottle) === undefined ? 1 : 0]],
  },
  {
    name: 'bot_bottle_egress_requests_total',
    type: 'counter',
    help: 'Requests that went on, and tunnels that were passed through.',
    samples: (bottle) => routesOf(bottle).map(({ route, allowed }) => [{ route }, allowed]),
  },
  {
    name: 'bot_bottle_egress_refusals_total',
    type: 'counter',
    help: 'Requests that were refused, by rule.',
    samples: byRule((rule) => !isFailure(rule)),
  },
  {
    name: 'bot_bottle_egress_failures_total',
    type: 'counter',
    help: 'Allowed requests that the upstream did not answer, by rule.',
    samples: byRule(isFailure),
  },
  {
    name: 'bot_bottle_egress_sent_bytes_total',
    type: 'counter',
    help: 'Bytes of bodies, frames and passed-through tunnels to upstreams.',
    samples: (bottle) => routesOf(bottle).map(({ route, bytesOut }) => [{ route }, bytesOut]),
  },
  {
    name: 'bot_bottle_egress_received_bytes_total',
    type: 'counter',
    help: 'Bytes of bodies, frames and passed-through tunnels from upstreams.',
    samples: (bottle) => routesOf(bottle).map(({ route, bytesIn }) => [{ route }, bytesIn]),
  },
  {
    name: 'bot_bottle_egress_connections',
    type: 'gauge',
    help: 'Connections that are open at the doors.',
    samples: (bottle) => {
      const connections = daemonsOf(bottle).egress?.egress?.connections
      return connections === undefined ? [] : [[{}, connections]]
    },
  },
  {
    name: 'bot_bottle_daemon_restarts_total',
    type: 'counter',
    help: 'Times a daemon of the bundle began anew since the bundle did.',
    samples: (bottle) =>
      Object.entries(daemonsOf(bottle)).map(([daemon, { restarts }]) => [{ daemon }, restarts]),
  },
  {
    name: 'bot_bottle_daemon_start_time_seconds',
    type: 'gauge',
    help: 'When a daemon of the bundle began, seconds since 1970; its counters are from then on.',
    samples: (bottle) =>
      Object.entries(daemonsOf(bottle)).flatMap(([daemon, { startedAt }]): readonly Sample[] => {
        const began = Date.parse(startedAt)
        return Number.isNaN(began) ? [] : [[{ daemon }, began / 1000]]
      }),
  },
]

export function prometheusLines(traffic: Traffic): string[] {
  return FAMILIES.flatMap(({ name, type, help, samples }) => {
    const lines = traffic.bottles.flatMap((bottle) =>
      samples(bottle).map(([labels, value]) => {
        const all = { stack: traffic.stack, bottle: bottle.bottle, ...labels }
        return `${name}{${Object.entries(all).map(labelOf).join(',')}} ${value}`
      }),
    )
    return lines.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines]
  })
}

function labelOf([name, value]: readonly [string, string]): string {
  const escaped = safeText(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return `${name}="${escaped}"`
}
