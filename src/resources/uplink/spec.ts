import type { UplinkPolicy } from '../../model/policy.ts'

/** One per stack: the only process with a network. */
export interface UplinkSpec {
  /** Input digest of the sidecar image. */
  readonly image: string
  /** Version of the daemon inside. */
  readonly version: string
  /** Create-time hardening, as one value; observed by reading back the effective settings. */
  readonly hardening: 'as-created'
  readonly running: true
  /** What the manifest says; the addresses of the host are observed at apply and not part of it. */
  readonly policy: Omit<UplinkPolicy, 'hostAddresses'>
}
