/** The one place where what a daemon says becomes a `FromDaemon`. A daemon may have been taken over: nothing it says is believed by its shape. */
import type { EgressCounters, RouteCounters } from '../../src/model/control.ts'
import { fields, list, mapOf, oneOf, text, textOf, whole } from '../control/decode.ts'
import { decodeGateStatus, decodeVerdict, GATE_STATUS_FIELDS } from './gate.ts'
import type { DaemonAnswer, FromDaemon, LogLine, Spent } from './ipc.ts'

/** Throws on anything that is not one of the five messages. */
export function decodeFromDaemon(message: unknown): FromDaemon {
  const found = fields(
    message,
    'message',
    [],
    ['ready', 'version', 'id', 'ok', 'value', 'code', 'message', 'log', 'spent'],
  )
  if (found['ready'] === true) return { ready: true, version: text(found['version'], 'version', 100) }
  if ('log' in found) return { log: decodeLogLine(found['log']) }
  if ('spent' in found) return { spent: decodeSpent(found['spent']) }
  const id = whole(found['id'], 'id', 0, Number.MAX_SAFE_INTEGER)
  if (found['ok'] === true) return { id, ok: true, value: decodeValue(found['value']) }
  return { id, ok: false, code: text(found['code'], 'code', 100), message: text(found['message'], 'message') }
}

function decodeValue(value: unknown): DaemonAnswer {
  const known = [...STATUS_FIELDS, ...GATE_STATUS_FIELDS, 'counters', 'trouble']
  const found = fields(value, 'value', ['generation'], known)
  if ('counters' in found)
    return {
      generation: counter(found['generation'], 'value.generation'),
      counters: decodeCounters(found['counters']),
    }
  if ('remotes' in found) return decodeGateStatus(value)
  if ('trouble' in found) return decodeVerdict(value)
  return found as unknown as DaemonAnswer
}

/** Routes that one answer may count. */
const ROUTES_MAX = 10_002
/** Rules that one route may have refused by. */
const RULES_MAX = 100

function decodeCounters(value: unknown): EgressCounters {
  const found = fields(value, 'counters', ['connections', 'routes'])
  return {
    connections: counter(found['connections'], 'counters.connections'),
    routes: list(decodeRouteCounters, ROUTES_MAX)(found['routes'], 'counters.routes'),
  }
}

function decodeRouteCounters(value: unknown, at: string): RouteCounters {
  const found = fields(value, at, ['route', 'allowed', 'refused', 'bytesOut', 'bytesIn'])
  return {
    route: text(found['route'], `${at}.route`, 300),
    allowed: counter(found['allowed'], `${at}.allowed`),
    refused: mapOf(textOf(/^[a-z][a-z0-9-]{0,63}$/), counter, RULES_MAX)(found['refused'], `${at}.refused`),
    bytesOut: counter(found['bytesOut'], `${at}.bytesOut`),
    bytesIn: counter(found['bytesIn'], `${at}.bytesIn`),
  }
}

const counter = (value: unknown, at: string): number => whole(value, at, 0, Number.MAX_SAFE_INTEGER)

function decodeSpent(value: unknown): Spent {
  const found = fields(value, 'spent', ['route', 'day', 'bytes'], [])
  return {
    route: text(found['route'], 'spent.route', 300),
    day: whole(found['day'], 'spent.day', 0, 10_000_000),
    bytes: whole(found['bytes'], 'spent.bytes', 0, Number.MAX_SAFE_INTEGER),
  }
}

const STATUS_FIELDS = [
  'log',
  'routes',
  'trust',
  'issuer',
  'secrets',
  'known',
  'refusedLastHour',
  'canaryAt',
  'connections',
]
const NUMBERS = ['status', 'bytesOut', 'bytesIn', 'ms', 'closeCode'] as const

/** Longer texts are cut, not refused: a line of the audit must not be lost because an agent made it long. */
function decodeLogLine(value: unknown): LogLine {
  const required = ['at', 'bottle', 'decision', 'rule', 'host', 'port', 'generation']
  const found = fields(value, 'log', required, [
    'method',
    'path',
    'finding',
    'place',
    'excerpt',
    'scheme',
    ...NUMBERS,
  ])
  const cut = (name: string, max: number): string => text(found[name], `log.${name}`, Infinity).slice(0, max)
  const number = (name: string): number => {
    const member = found[name]
    return typeof member === 'number' && Number.isFinite(member) ? member : 0
  }
  return {
    at: cut('at', 40),
    bottle: cut('bottle', 63),
    decision: oneOf(['allow', 'deny'] as const)(found['decision'], 'log.decision'),
    rule: cut('rule', 500),
    host: cut('host', 300),
    port: number('port'),
    generation: number('generation'),
    ...(found['method'] === undefined ? {} : { method: cut('method', 40) }),
    ...(found['path'] === undefined ? {} : { path: cut('path', 2000) }),
    ...(found['finding'] === undefined ? {} : { finding: cut('finding', 200) }),
    ...(found['excerpt'] === undefined ? {} : { excerpt: cut('excerpt', 200) }),
    ...(found['scheme'] === undefined
      ? {}
      : { scheme: oneOf(['https', 'http'] as const)(found['scheme'], 'log.scheme') }),
    ...(found['place'] === undefined
      ? {}
      : { place: oneOf(['head', 'body'] as const)(found['place'], 'log.place') }),
    ...Object.fromEntries(
      NUMBERS.filter((name) => found[name] !== undefined).map((name) => [name, number(name)]),
    ),
  }
}
