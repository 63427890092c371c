import type { RoutePolicy } from '../../model/policy.ts'
import type { SecretRef } from '../../model/secret.ts'

/** One allowed upstream of one bottle, observed from what egress and uplink enforce. */
export interface RouteSpec extends Omit<RoutePolicy, 'from'> {
  /** Where each secret of the credential comes from, by SecretId; values are resolved at apply. */
  readonly secretRefs?: Readonly<Record<string, SecretRef>>
  /** Observed: `present`, `missing` (daemon restarted), `changed`; `unchecked` where the value cannot be had here. Of several secrets the worst. */
  readonly credential?: 'present'
  /** Declared to the uplink as well: two processes must agree. */
  readonly uplink: 'declared'
}
