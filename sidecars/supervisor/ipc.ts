/**
 * What the supervisor and a daemon say to each other over Node's IPC channel. The channel is the only one that
 * carries a daemon's secrets: they are in no argument, environment or file.
 */
import type { EgressConfig, EgressCounters, EgressStatus } from '../../src/model/control.ts'
import type { GateStatus, GateVerdict } from '../../src/model/gate.ts'
import type { Answer } from '../control/answer.ts'

export type ListenerName = 'proxy' | 'transparent-http' | 'transparent-tls' | 'dns-udp' | 'dns-tcp'

/** To egress; what the gate hears of it, with a configuration of its own, is `ToGate`. */
export type ToDaemon<Config = EgressConfig> =
  /** Sent with a `net.Server` (or, for `dns-udp`, a `dgram.Socket`) that is bound already. */
  | { readonly listen: ListenerName }
  /** `spent`: what earlier lives of this daemon have told; with the first configuration of a life. */
  | {
      readonly id: number
      readonly op: 'configure'
      readonly config: Config
      readonly spent?: readonly Spent[]
    }
  | { readonly id: number; readonly op: 'status'; readonly nonce: string }
  | { readonly id: number; readonly op: 'metrics' }

/** To the gate alone: asks the upstream of a declared remote. Secret: `identity`, tried in place of the one in force. */
export interface ToVerify {
  readonly id: number
  readonly op: 'verify'
  readonly remote: string
  readonly identity?: string
}

/** A status answers `status`, the generation now enforced answers `configure`, counters answer `metrics`, a verdict `verify`. */
export type DaemonAnswer =
  | EgressStatus
  | GateStatus
  | GateVerdict
  | { readonly generation: number }
  | { readonly generation: number; readonly counters: EgressCounters }

export type FromDaemon =
  | { readonly ready: true; readonly version: string }
  | Answer<DaemonAnswer>
  | { readonly log: LogLine }
  | { readonly spent: Spent }

/** Bytes of a route that are used up, said before they are sent; never less than were. */
export interface Spent {
  /** `host:port` */
  readonly route: string
  /** Days since 1970, UTC. */
  readonly day: number
  readonly bytes: number
}

/** One audit line: what was decided about one request, by which rule. Never a secret, never a body. */
export interface LogLine {
  /** ISO 8601. */
  readonly at: string
  readonly bottle: string
  readonly decision: 'allow' | 'deny'
  readonly rule: string
  readonly method?: string
  /** Absent: not known yet when it was decided. */
  readonly scheme?: 'https' | 'http'
  readonly host: string
  readonly port: number
  readonly path?: string
  readonly status?: number
  readonly bytesOut?: number
  readonly bytesIn?: number
  readonly ms?: number
  /** Of a WebSocket that has ended. */
  readonly closeCode?: number
  /** Rule of what a scan found (`token/github-pat`), and in which part of the request. */
  readonly finding?: string
  readonly place?: 'head' | 'body'
  /** Where it stands there and how long it is, without a byte of it. */
  readonly excerpt?: string
  readonly generation: number
}
