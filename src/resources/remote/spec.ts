import type { GateRemote } from '../../model/gate.ts'
import type { SecretRef } from '../../model/secret.ts'

/** One git upstream of one bottle, observed from what the gate serves and the uplink dials. */
export interface RemoteSpec extends Omit<GateRemote, 'name'> {
  /** What opens the upstream: `key/BOTTLE/NAME`, or the SecretId of a key file of the user's. */
  readonly identity: string
  /** Where the key file lies; absent for a deploy key. Its content is read at apply. */
  readonly identityRef?: SecretRef
  /** Observed: `present`, `missing` (daemon restarted), `changed`, `unverified` (its upstream failed when it was asked); `present` also where the key cannot be had here. */
  readonly credential: 'present'
  readonly allowPrivate: boolean
  /** Declared to the uplink as well: two processes must agree. */
  readonly uplink: 'declared'
}
