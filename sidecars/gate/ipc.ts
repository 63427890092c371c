/** What the supervisor and the gate say to each other over Node's IPC channel: as with egress, with a configuration of its own. */
import type { GateConfig, GateStatus, GateVerdict } from '../../src/model/gate.ts'
import type { Answer } from '../control/answer.ts'
import type { LogLine, ToVerify } from '../supervisor/ipc.ts'

export type ToGate =
  /** Sent with a `net.Server` that is bound already. */
  | { readonly listen: 'git' }
  | { readonly id: number; readonly op: 'configure'; readonly config: GateConfig }
  | { readonly id: number; readonly op: 'status'; readonly nonce: string }
  | ToVerify

export type GateValue = GateStatus | GateVerdict | { readonly generation: number }

export type FromGate =
  | { readonly ready: true; readonly version: string }
  | Answer<GateValue>
  | { readonly log: LogLine }
