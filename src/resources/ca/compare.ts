import type { KindDefinition } from '../kind.ts'
import type { CaSpec } from './spec.ts'

/** A new root is in no running program's trust store: the agent program restarts. */
export const caImpacts: KindDefinition<CaSpec>['impacts'] = {
  algorithm: 'restart-agent',
  days: 'record',
  renewAfterDays: 'record',
}
