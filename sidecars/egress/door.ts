/** What all connections of one egress share. */
import type { Connection } from './client/connection.ts'
import type { Audit } from './audit/audit.ts'
import type { DoorLimits } from '../http/limits.ts'
import type { Minter } from './client/minting.ts'
import type { Names } from './client/names.ts'
import type { Quotas } from './exchange/quota.ts'
import type { Running } from './running.ts'
import type { Sweep } from './sweep.ts'
import type { Upstreams } from './upstream/upstreams.ts'

export interface Door {
  readonly limits: DoorLimits
  readonly upstreams: Upstreams
  readonly minter: Minter
  readonly audit: Audit
  readonly quotas: Quotas
  readonly names: Names
  readonly sweep: Sweep
  readonly connections: Set<Connection>
  /** Streams of HTTP/2 that are open now, over all connections. */
  readonly streams: { open: number }
  /** The configuration in force; `undefined` before the first. */
  running(): Running | undefined
}
