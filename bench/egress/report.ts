/** Samples of all rounds as two tables: every peer beside the others, and ours beside what it has to reach. */
import { median, ratios } from '../measure.ts'
import type { PeerName } from './peers.ts'
import type { Sample } from './round.ts'

export interface Measured {
  /** By peer; the same index is the same round. */
  readonly rounds: Readonly<Partial<Record<PeerName, readonly Sample[]>>>
  /** Anonymous memory before the first request, MiB, by process. */
  readonly idle: Readonly<Partial<Record<PeerName, Readonly<Record<string, number>>>>>
  readonly missing: Readonly<Partial<Record<PeerName, string>>>
  /** Start of our egress to its first answer, beside `node -e 0`: ratios within rounds. */
  readonly start: readonly number[]
  readonly scanning: {
    readonly shapes: readonly number[]
    readonly everything: readonly number[]
    readonly worst: number
  }
}

type Values = readonly number[]

/** Median (least–most). */
function shown(values: Values, digits: number): string {
  if (values.every(Number.isNaN)) return '–'
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`
}

class Rounds {
  readonly #measured: Measured

  constructor(measured: Measured) {
    this.#measured = measured
  }

  of(peer: PeerName, what: string): Values {
    return (this.#measured.rounds[peer] ?? []).map((sample) => sample[what] ?? Number.NaN)
  }

  /** Over all its processes. */
  sum(peer: PeerName, what: string): Values {
    return (this.#measured.rounds[peer] ?? []).map((sample) =>
      Object.entries(sample).reduce(
        (sum, [name, value]) => (name.startsWith(`${what} `) ? sum + value : sum),
        0,
      ),
    )
  }

  ratio(peer: PeerName, to: PeerName, what: string): Values {
    const reference = this.of(to, what)
    return reference.length === 0 ? [] : ratios(this.of(peer, what), reference)
  }

  /** Beyond direct access, microseconds. */
  added(peer: PeerName, what: string): Values {
    const direct = this.of('direct', what)
    return this.of(peer, what).map((value, round) => value - (direct[round] ?? Number.NaN))
  }

  addedRatio(peer: PeerName, to: PeerName, what: string): Values {
    const reference = this.added(to, what)
    return reference.length === 0 ? [] : ratios(this.added(peer, what), reference)
  }
}

const HEADINGS = [
  'peer', 'c=1 added ms', 'req/s ÷ nginx, 1', '10', '64', 'req/s at 64', 'CPU µs/request at 64', 'at 1', 'tunnels/s ÷ nginx',
  'first contact ms', 'down ÷ nginx', 'up ÷ nginx', 'SSE added ms', 'POST 1 KB added ms', '100 KB', '1 MB', '10 MB',
  'anonymous MiB idle', 'at 64', '256 MiB up',
] // prettier-ignore

export function peersTable(measured: Measured): string {
  const of = new Rounds(measured)
  const names = Object.keys(measured.rounds) as PeerName[]
  const rows = names.map((peer) => {
    const ms = (what: string): string =>
      peer === 'direct' ? '0' : shown(of.added(peer, what).map((value) => value / 1000), 3) // prettier-ignore
    const ratio = (what: string): string => shown(of.ratio(peer, 'nginx', what), 2)
    const sums = (what: string, digits: number): string =>
      peer === 'direct' ? '–' : shown(of.sum(peer, what), digits)
    const idle = Object.values(measured.idle[peer] ?? {})
    return [
      peer,
      ms('latency 1'),
      ...['requests 1', 'requests 10', 'requests 64'].map(ratio),
      shown(of.of(peer, 'requests 64'), 0),
      sums('cpu 64', 1),
      sums('cpu 1', 1),
      ratio('tunnels'),
      shown(of.of(peer, 'first').map((value) => value / 1000), 2), // prettier-ignore
      ratio('down'),
      ratio('up'),
      ms('sse'),
      ...['post 1 KB', 'post 100 KB', 'post 1 MB', 'post 10 MB'].map(ms),
      idle.length === 0 ? '–' : idle.reduce((sum, one) => sum + one, 0).toFixed(0),
      sums('memory 64', 0),
      sums('memory up', 0),
    ]
  })
  const missing = Object.entries(measured.missing).map(([peer, why]) => `\nMissing: ${peer} (${why})`)
  return markdown(HEADINGS, rows) + missing.join('')
}

interface Goal {
  readonly what: string
  readonly values: Values
  readonly unit: string
  readonly digits: number
  readonly at:
    | { readonly most: number; readonly stretch?: number }
    | { readonly least: number; readonly stretch?: number }
}

/** What has to be reached, and further what may be. */
function goals(measured: Measured): readonly Goal[] {
  const of = new Rounds(measured)
  const idle = measured.idle.ours?.['egress']
  const cpu = (name: string): Values => {
    const nginx = of.of('nginx', 'cpu 64 proxy')
    return nginx.length === 0 ? [] : ratios(of.of('ours', `cpu 64 ${name}`), nginx)
  }
  const ms = (values: Values): Values => values.map((value) => value / 1000)
  const times = (what: string, values: Values, at: Goal['at']): Goal => ({
    what,
    values,
    at,
    unit: '×',
    digits: 2,
  })
  const number = (what: string, unit: string, values: Values, at: Goal['at'], digits = 2): Goal => ({
    what,
    values,
    at,
    unit,
    digits,
  })
  return [
    times('small request at 1: added latency ÷ nginx', of.addedRatio('ours', 'nginx', 'latency 1'), { most: 3, stretch: 2.2 }),
    times('requests/s at 64 ÷ nginx', of.ratio('ours', 'nginx', 'requests 64'), { least: 0.5, stretch: 0.65 }),
    times('requests/s at 64 ÷ goproxy', of.ratio('ours', 'goproxy', 'requests 64'), { least: 1 }),
    times('requests/s at 64 ÷ mitmproxy', of.ratio('ours', 'mitmproxy', 'requests 64'), { least: 12 }),
    times('CPU per request, egress ÷ nginx', cpu('egress'), { most: 1.5, stretch: 1.25 }),
    times('CPU per request, uplink ÷ nginx', cpu('uplink'), { most: 0.8, stretch: 0.6 }),
    times('new tunnels/s ÷ nginx', of.ratio('ours', 'nginx', 'tunnels'), { least: 0.7, stretch: 0.85 }),
    times('first contact ÷ goproxy', of.ratio('ours', 'goproxy', 'first'), { most: 2.5, stretch: 1.75 }),
    times('256 MiB down ÷ nginx', of.ratio('ours', 'nginx', 'down'), { least: 0.6, stretch: 0.8 }),
    times('256 MiB up ÷ nginx, everything on', of.ratio('ours', 'nginx', 'up'), { least: 0.16, stretch: 0.3 }),
    number('SSE, added per event', 'ms', ms(of.added('ours', 'sse')), { most: 0.4, stretch: 0.25 }),
    number('POST 100 KB, added', 'ms', ms(of.added('ours', 'post 100 KB')), { most: 1.1, stretch: 0.7 }),
    number('scanning, token shapes alone', 'MB/s', measured.scanning.shapes, { least: 400, stretch: 700 }, 0),
    number('scanning, everything', 'MB/s', measured.scanning.everything, { least: 150, stretch: 300 }, 0),
    number('scanning, worst hostile text', 'MB/s', [measured.scanning.worst], { least: 20 }, 0),
    number('anonymous memory of egress, idle', 'MiB', idle === undefined ? [] : [idle], { most: 30 }, 1),
    number('at 64 connections', 'MiB', of.of('ours', 'memory 64 egress'), { most: 60 }, 1),
    number('in a 256 MiB upload', 'MiB', of.of('ours', 'memory up egress'), { most: 110 }, 1),
    times('start to first proxied request ÷ `node -e 0`', measured.start, { most: 4 }),
  ] // prettier-ignore
}

export function goalsTable(measured: Measured): string {
  const rows = goals(measured).map(({ what, values, unit, digits, at }) => {
    const middle = median(values)
    const reached = (bound: number): boolean => ('most' in at ? middle <= bound : middle >= bound)
    const sign = 'most' in at ? '≤' : '≥'
    const bound = 'most' in at ? at.most : at.least
    const stretch = at.stretch === undefined ? '' : `${sign} ${at.stretch}`
    const verdict = values.length === 0 || Number.isNaN(middle)
      ? 'not measured'
      : !reached(bound) ? 'missed' : at.stretch !== undefined && reached(at.stretch) ? 'met, stretch too' : 'met' // prettier-ignore
    return [what, `${shown(values, digits)} ${unit}`, `${sign} ${bound}`, stretch, verdict]
  })
  return markdown(['what', 'measured', 'at least', 'stretch', ''], rows)
}

function markdown(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = headings.map((_, column) => (column === 0 ? '---' : '--:'))
  return [line(headings), line(rule), ...rows.map(line)].join('\n')
}
