/**
 * The control protocol: one JSON document per line, a request with `id` and `op`, an answer with the same `id`.
 * The host speaks it to a bundle's supervisor and to a stack's uplink (driver docker: through `exec` of the
 * static helper's `relay`); only this side may configure. Secrets travel here and nowhere else; every type that
 * holds one says so.
 */
import type { GateConfig, GateStatus } from './gate.ts'
import type { Marks } from './known.ts'
import type { EgressPolicy, RoutePolicy, UplinkPolicy, UplinkTarget } from './policy.ts'
import type { StackRecord } from './record.ts'

/** Sockets inside the containers. */
export const CONTROL_SOCKETS = {
  /** In the bundle, tmpfs, root only. */
  supervisor: '/run/supervisor/control.sock',
  /** In the uplink's container, tmpfs, uplink's uid only; never in the shared volume. */
  uplink: '/run/uplink/control.sock',
  /** In the shared volume: bundles dial through it (mounted at /uplink, read-only, in bundles). */
  uplinkDial: 'dial.sock',
} as const

export const DAEMONS = ['egress', 'git-gate', 'supervise'] as const
export type DaemonName = (typeof DAEMONS)[number]

/** Longest control line accepted, bytes. */
export const CONTROL_LINE_MAX = 8 * 1024 * 1024

// ── host → supervisor ────────────────────────────────────────────────────────────────────────────

/**
 * Holds secrets: credential values, the issuer's key, the uplink token. Never logged, never stored.
 * The host keeps neither issuer nor token: where it leaves one out, the supervisor fills in the present one before
 * the daemon gets the configuration (the daemon always gets both, as far as there ever were any).
 */
export interface EgressConfig extends Marks {
  /**
   * Rises with every configure of this bundle, also when one is tried again; connections carry the one that admitted
   * them. One that is not above the present one is refused (`generation-old`), whatever it holds: it was decided on
   * before what is enforced now.
   */
  readonly generation: number
  readonly policy: EgressPolicy
  /** Values by SecretId. A route whose secret is missing here denies (`credential-missing`). */
  readonly secrets: Readonly<Record<string, string>>
  /** PEM. Absent: the present one is kept; where there never was one nothing can be intercepted and TLS routes deny. */
  readonly issuer?: { readonly certificate: string; readonly key: string; readonly root: string }
  /** Further upstream authorities, PEM (manifest `uplink.trust`). */
  readonly trust: readonly string[]
  /** Absent: the present one is kept (the host does not store it); required by the first configure of a bundle. */
  readonly uplinkToken?: string
  /** The bottle's name for refusals and logs. */
  readonly bottle: string
}

export type SupervisorRequest =
  | { readonly op: 'status'; readonly nonce: string }
  | { readonly op: 'configure'; readonly daemon: 'egress'; readonly config: EgressConfig }
  | { readonly op: 'configure'; readonly daemon: 'git-gate'; readonly config: GateConfig }
  | { readonly op: 'restart'; readonly daemon: DaemonName }
  /** Asks the upstream of a remote that the gate serves: `GateVerdict`. Secret: `identity`, tried while another is in force. */
  | {
      readonly op: 'verify'
      readonly daemon: 'git-gate'
      readonly remote: string
      readonly identity?: string
    }
  /** What went through the doors: `BundleMetrics`. */
  | { readonly op: 'metrics' }
  /** Streams log lines, one answer each with the same `id`, the last with `end: true`. `follow` never ends. */
  | {
      readonly op: 'logs'
      readonly daemon: DaemonName | 'supervisor'
      readonly follow: boolean
      readonly tail: number
    }

export interface EgressStatus {
  /** 0: never configured. */
  readonly generation: number
  readonly log: EgressPolicy['log']
  /** What is enforced now, read from the running policy, not from what was sent. */
  readonly routes: readonly RoutePolicy[]
  /** `digestOf` the further upstream authorities, as PEM in their order. */
  readonly trust: string
  readonly issuer?: {
    /** SHA-256 of the certificate, hex. */
    readonly fingerprint: string
    readonly rootFingerprint: string
    readonly hosts: readonly string[]
    /** ISO 8601. */
    readonly notAfter: string
  }
  /** HMAC-SHA256 of each held value under the nonce of the question, hex. */
  readonly secrets: Readonly<Record<string, string>>
  /** What it recognises beside them, by name with a digest (`knownMarks`). */
  readonly known: Readonly<Record<string, string>>
  /** Requests refused in the last hour. */
  readonly refusedLastHour: number
  /** When somebody last tried to send the canary of the bottle, ISO 8601; absent: not since egress began. */
  readonly canaryAt?: string | undefined
  readonly connections: number
}

export interface DaemonStatus {
  /** `idle`: not started, because nothing is declared that it could do. */
  readonly state: 'running' | 'starting' | 'failed' | 'idle'
  readonly version: string
  readonly uid: number
  readonly pid: number
  readonly startedAt: string
  readonly restarts: number
  /** Of the configuration that the supervisor keeps for it, told also while the daemon does not answer; absent: none. */
  readonly generation?: number
  /** `secrets were handed again after a crash` is normal; this is set when a configured daemon has lost its configuration. */
  readonly unconfiguredSince?: string
  /** Why it is not running, or does not answer. */
  readonly reason?: string
  readonly egress?: EgressStatus
  readonly gate?: GateStatus
}

export interface SupervisorStatus {
  readonly version: string
  readonly startedAt: string
  /** Links of the namespace; anything but `lo` closed the doors. */
  readonly links: readonly string[]
  readonly daemons: Readonly<Partial<Record<DaemonName, DaemonStatus>>>
}

/** Counted since the daemon's start. Names are those of the manifest, never what an agent sent. */
export interface EgressCounters {
  /** Open now. */
  readonly connections: number
  readonly routes: readonly RouteCounters[]
}

export interface RouteCounters {
  /** `host:port` as declared; `undeclared`: what no route admitted; `removed`: routes that are no longer declared. */
  readonly route: string
  /** Requests that went on, and tunnels that were passed through. */
  readonly allowed: number
  /** Refusals by rule, those of the upstream among them. */
  readonly refused: Readonly<Record<string, number>>
  /** Of bodies, frames and passed-through tunnels. */
  readonly bytesOut: number
  readonly bytesIn: number
}

export interface DaemonMetrics extends Pick<DaemonStatus, 'state' | 'startedAt' | 'restarts'> {
  /** Absent: the daemon does not answer. */
  readonly egress?: EgressCounters
}

export interface BundleMetrics {
  readonly startedAt: string
  readonly daemons: Readonly<Partial<Record<DaemonName, DaemonMetrics>>>
}

/** One line of the audit as a supervisor tells and prints it: in its order, so that nobody reads one twice or misses one. */
export interface AuditOrder {
  /** When the supervisor began, ISO 8601: a later one counts anew. */
  readonly life: string
  /** From 1. */
  readonly seq: number
}

// ── host → uplink ────────────────────────────────────────────────────────────────────────────────

export type UplinkRequest =
  /** The whole stack in one answer: the uplink asks every attached bundle's supervisor under the same nonce. */
  | { readonly op: 'status'; readonly nonce: string }
  /** Replaces the policy; a connection that could not be opened again as it is, by the same way to the same address, is closed before the answer. */
  | { readonly op: 'configure'; readonly policy: UplinkPolicy }
  /** Holds a secret: the bundle's token. Replaces the bottle's whole table; what is no longer in it is closed before the answer. */
  | {
      readonly op: 'attach'
      readonly bottle: string
      readonly token: string
      readonly targets: readonly UplinkTarget[]
    }
  /** Replaces the table of an attached bottle, token kept. */
  | { readonly op: 'targets'; readonly bottle: string; readonly targets: readonly UplinkTarget[] }
  | { readonly op: 'detach'; readonly bottle: string }
  /** Stores the record durably in the uplink's volume (write, fsync, rename) before it answers; refused when `revision` is not the successor of the stored one. */
  | { readonly op: 'record'; readonly record: StackRecord }

export interface UplinkStatus {
  readonly version: string
  readonly startedAt: string
  /** Absent: never configured since start. */
  readonly policy?: UplinkPolicy
  readonly bottles: Readonly<
    Record<
      string,
      {
        readonly targets: readonly UplinkTarget[]
        readonly supervisor: SupervisorStatus | { readonly unknown: string }
      }
    >
  >
  /** Absent: none was ever stored. */
  readonly record?: StackRecord
  /** A record is there and cannot be read: unknown, never absent. */
  readonly recordError?: string
}

// ── framing ──────────────────────────────────────────────────────────────────────────────────────

export type ControlAnswer<T> =
  | { readonly id: number; readonly ok: true; readonly value: T; readonly end?: true }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string }

/** First line on the dial socket from a bundle; the uplink answers one `DialAnswer` line, then relays bytes both ways. Holds a secret: the token. */
export type DialRequest =
  | { readonly token: string; readonly host: string; readonly port: number }
  /** Keeps the connection as the bundle's report channel: the uplink sends SupervisorRequest `status` lines, the supervisor answers. */
  | { readonly token: string; readonly report: true }

export type DialAnswer =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly code: DialRefusal; readonly message: string }

export type DialRefusal =
  | 'unknown-token'
  | 'target-undeclared'
  | 'name-unresolvable'
  | 'address-refused'
  | 'connect-failed'
  | 'connect-timeout'
  | 'overload'
