/** The protections of the uplink that a test can switch off; `main` seals them. */
import { createSwitches } from '../control/switches.ts'

export const controls = createSwitches<
  /** Only who shows a bundle's token is served. */
  | 'token-check'
  /** A daemon's token dials and does not report. */
  | 'report-token'
  /** Only declared names and ports are dialled. */
  | 'target-check'
  /** Addresses are judged before they are dialled. */
  | 'address-judging'
  /** Metadata services are refused whatever is declared. */
  | 'metadata'
  /** Own interfaces, gateways and the host's addresses are refused. */
  | 'own-addresses'
  /** What is no longer declared is closed before the answer. */
  | 'narrowing'
  /** One bottle gets its share of connections, not more. */
  | 'fair-share'
  /** A record is on the disk before it is acknowledged. */
  | 'record-fsync'
  /** A record follows the one that is stored. */
  | 'record-order'
>()
