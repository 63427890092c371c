/** The one parse point of a bundle's log: JSON lines of its daemons, of which the access entries are shown. */
import type { Access } from '../../render/access-log.ts'
import { isFailure } from '../../render/traffic.ts'
import type { AuditedExchange } from '../../render/har.ts'
import type { Refused } from './suggest-policy.ts'

export type Row = Readonly<Record<string, unknown>>

export function jsonLine(line: string): Row | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined
  } catch {
    return undefined
  }
}

/** Absent for lines that are no access: starts, reloads, health. */
export function accessOf(row: Row): Access | undefined {
  const decision = decisionOf(row['decision'])
  const time = text(row, 'at')
  if (!decision || time === undefined) return undefined
  const port = row['port']
  const host = text(row, 'host')
  const shown =
    host !== undefined && typeof port === 'number' && port !== 443 && port !== 80 ? `${host}:${port}` : host
  const [method, path, rule] = [
    text(row, 'method'),
    text(row, 'path'),
    text(row, 'rule') ?? text(row, 'code'),
  ]
  const [status, closeCode] = [row['status'], row['closeCode']]
  const [finding, excerpt] = [text(row, 'finding'), text(row, 'excerpt')]
  return {
    time,
    // Allowed, and nobody answered: that is no refusal of the manifest's.
    decision: decision === 'refused' && rule !== undefined && isFailure(rule) ? 'failed' : decision,
    ...(method !== undefined && { method }),
    ...(shown !== undefined && { host: shown }),
    ...(path !== undefined && { path }),
    ...(rule !== undefined && { rule }),
    ...(typeof status === 'number' && { status }),
    ...(typeof closeCode === 'number' && { closeCode }),
    ...(finding !== undefined && { finding }),
    ...(excerpt !== undefined && { excerpt }),
  }
}

/** One request as the audit tells it; absent for everything else. */
export function exchangeOf(row: Row): AuditedExchange | undefined {
  const access = accessOf(row)
  if (!access || Number.isNaN(Date.parse(access.time))) return undefined
  const { decision, method, path, rule, status, closeCode, finding } = access
  const scheme = row['scheme']
  const count = (name: string): number | undefined => {
    const value = row[name]
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
  }
  const [bytesOut, bytesIn, ms] = [count('bytesOut'), count('bytesIn'), count('ms')]
  const generation = count('generation')
  return {
    at: access.time,
    decision,
    host: text(row, 'host') ?? '',
    port: count('port') ?? 0,
    ...((scheme === 'https' || scheme === 'http') && { scheme }),
    ...(method !== undefined && { method }),
    ...(path !== undefined && { path }),
    ...(rule !== undefined && { rule }),
    ...(status !== undefined && { status }),
    ...(bytesOut !== undefined && { bytesOut }),
    ...(bytesIn !== undefined && { bytesIn }),
    ...(ms !== undefined && { ms }),
    ...(closeCode !== undefined && { closeCode }),
    ...(finding !== undefined && { finding }),
    ...(generation !== undefined && { generation }),
  }
}

/** How many lines are missing at this place of the log; absent for everything else. */
export function lostOf(row: Row): number | undefined {
  const lost = row['lost']
  return typeof lost === 'number' && lost > 0 ? lost : undefined
}

/** A refusal of egress; absent for everything else. */
export function refusedOf(row: Row): Refused | undefined {
  const [at, rule, host] = [text(row, 'at'), text(row, 'rule'), text(row, 'host')]
  const [method, path] = [text(row, 'method'), text(row, 'path')]
  const port = row['port']
  if (decisionOf(row['decision']) !== 'refused' || at === undefined || rule === undefined) return undefined
  return {
    at,
    rule,
    host: host ?? '',
    port: typeof port === 'number' ? port : 0,
    ...(method !== undefined && { method }),
    ...(path !== undefined && { path }),
  }
}

function text(row: Row, name: string): string | undefined {
  const value = row[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function decisionOf(value: unknown): Access['decision'] | undefined {
  switch (value) {
    case 'allow':
    case 'allowed':
      return 'allowed'
    case 'deny':
    case 'block':
    case 'refused':
      return 'refused'
    case 'failed':
    case 'error':
      return 'failed'
    default:
      return undefined
  }
}
