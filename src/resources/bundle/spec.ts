import type { DaemonName } from '../../model/control.ts'

/** The sidecars of one bottle, in one container that joins the holder. */
export interface BundleSpec {
  readonly image: string
  /** Version every daemon inside must answer. */
  readonly version: string
  readonly daemons: readonly DaemonName[]
  /** Joined to the bottle's present holder; observed as `another holder` when that one is gone. */
  readonly namespace: 'holder'
  readonly hardening: 'as-created'
  readonly running: true
  /** Known to the uplink under its present token. */
  readonly attached: true
  /** `valid`: signed by the bottle's present root, for the hosts that egress enforces, not in its last day. `none` where no route is intercepted. */
  readonly issuer: 'valid'
  readonly egressLog: 'none' | 'blocks' | 'all'
  /** Digest of the further authorities (`uplink.trust`). */
  readonly trust: string
  /** What egress recognises beside the values it puts on requests (`knownMarks`). */
  readonly knows: Readonly<Record<string, string>>
}
