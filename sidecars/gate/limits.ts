/** What one bottle may occupy at its git gate. Bytes and milliseconds; tests make some of them smaller. */
import { LIMITS } from '../http/limits.ts'
import type { DoorLimits } from '../http/limits.ts'
import { LINK_LIMITS } from './link.ts'
import type { LinkLimits } from './link.ts'
import { SCAN_LIMITS } from './scanners.ts'
import type { ScanLimits } from './scanners.ts'

export interface GateLimits {
  /** Of heads of requests, as at the other doors. */
  readonly head: DoorLimits
  readonly link: LinkLimits
  readonly scan: ScanLimits
  readonly connections: number
  /** Fetches that git works for at one time, and pushes. */
  readonly working: number
  /** No byte of a request, or none taken of an answer. */
  readonly stalledMs: number
  /** A kept connection without a request. */
  readonly idleMs: number
  /** One request with its answer. */
  readonly totalMs: number
  /** One refresh from the upstream. */
  readonly refreshMs: number
  /** A push is judged by what the upstream had so long ago at most: what was listed for this very push, mostly. Values of refs are compared by the upstream itself. */
  readonly freshMs: number
  /** While a push is looked at, the client hears something in this interval. */
  readonly aliveMs: number
  /** Body of a request that is no pack: wants and haves. */
  readonly askedBytes: number
  /** Defaults of `max_pack` and `max_file`. */
  readonly pack: number
  readonly file: number
}

export const GATE_LIMITS: GateLimits = {
  head: LIMITS,
  link: LINK_LIMITS,
  scan: SCAN_LIMITS,
  connections: 256,
  working: 32,
  stalledMs: 60_000,
  idleMs: 75_000,
  totalMs: 60 * 60_000,
  refreshMs: 30 * 60_000,
  freshMs: 10_000,
  aliveMs: 5000,
  askedBytes: 64 * 1024 * 1024,
  pack: 512 * 1024 * 1024,
  file: 100 * 1024 * 1024,
}
