import type { KindDefinition } from '../kind.ts'
import type { CaSpec } from './spec.ts'

/** A new root is in no running program's trust store: the agent program restarts. */
export const caImpacts: KindDefinition<CaSpec>['impacts'] = {
  algorithm: 'restart-agent',
  days: 'record',
  renewAfterDays: 'record',
}

const DAY_MS = 86_400_000

/** Renewal is a comparison with the snapshot's clock, not with a field. */
export function isDueForRenewal(notBefore: string, renewAfterDays: number, now: string): boolean {
  return Date.parse(now) >= Date.parse(notBefore) + renewAfterDays * DAY_MS
}
