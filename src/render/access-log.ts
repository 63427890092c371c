/** The audit of a bundle as an access log: time, bottle, decision, method, host, path, rule; what a scan found, and how a WebSocket ended. */
import { safeText } from '../model/text.ts'
import { padEnd } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'

/** What one audit line may say; every field comes from behind a door and is untrusted. */
export interface Access {
  readonly time: string
  readonly decision: 'allowed' | 'refused' | 'failed'
  readonly method?: string
  readonly host?: string
  readonly path?: string
  readonly rule?: string
  readonly status?: number
  /** Of a WebSocket that has ended. */
  readonly closeCode?: number
  /** Rule of what a scan found. */
  readonly finding?: string
  /** Where it stood. */
  readonly excerpt?: string
}

const TINTS = { allowed: 'green', refused: 'red', failed: 'yellow' } as const

export function accessLine(bottle: string, access: Access, style: Style): string {
  const clock = /T(\d\d:\d\d:\d\d)/.exec(access.time)?.[1] ?? safeText(access.time, 24)
  const target = `${safeText(access.host ?? '')}${safeText(access.path ?? '')}`
  const said = [
    access.rule === undefined ? '' : safeText(access.rule),
    access.status === undefined ? '' : String(access.status),
    access.finding === undefined ? '' : safeText(access.finding),
    access.excerpt === undefined ? '' : safeText(access.excerpt, 200),
    access.closeCode === undefined ? '' : `closed ${access.closeCode}`,
  ].filter((part) => part !== '')
  return [
    clock,
    safeText(bottle),
    tint(style, TINTS[access.decision], padEnd(access.decision, 7)),
    padEnd(safeText(access.method ?? '-', 12), 7),
    target,
    said.join(' '),
  ]
    .join('  ')
    .trimEnd()
}
