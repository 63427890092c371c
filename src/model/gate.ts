/**
 * What the host says to the git gate of one bottle, and what the gate says it enforces. One configuration replaces the
 * one before it as a whole.
 */
import type { ForeignPrint } from './known.ts'
import type { DetectorShapes } from './token-shape.ts'

/** Holds secrets: identities and the uplink token. Never logged, never stored. */
export interface GateConfig {
  /** Rises with every configure of this bundle, as that of egress does; one that is not above the present one is refused. */
  readonly generation: number
  /** The bottle's name for refusals and logs. */
  readonly bottle: string
  /** Absent: the present one is kept; required by the first configure. */
  readonly uplinkToken?: string
  readonly remotes: readonly GateRemote[]
  /** Unencrypted private keys by name of the remote, PEM or OpenSSH's own form. A remote without one is refused with its name. */
  readonly identities: Readonly<Record<string, string>>
  /** What it recognises in pushes; no secret of the stack could be made of it. */
  readonly known?: KnownPrints
}

/** What is recognised, with the key that all digests were made with. */
export interface KnownPrints {
  /** Hex. */
  readonly key: string
  /** Of what the agent has anyway, placeholders and canary (`sidecars/detect/fingerprint.ts`). */
  readonly prints: readonly KnownPrint[]
  /** Of secrets, by SecretId, in the form that gives none back. `null`: the value could not be had, what is known of it is kept. */
  readonly values?: Readonly<Record<string, readonly ForeignPrint[] | null>>
  /** Those of `values` that a refusal may name: the bottle's own. */
  readonly named?: readonly string[]
  /** Kinds of tokens beside those that every gate knows; absent: none. */
  readonly detectors?: DetectorShapes
}

/** The next with what is kept of the present one; prints under another key are worth nothing. */
export function keptKnown(next: KnownPrints, present: KnownPrints | undefined): KnownPrints {
  if (next.values === undefined) return next
  const before = present?.key === next.key ? present.values : undefined
  const values = Object.entries(next.values).map(([id, prints]) => [id, prints ?? before?.[id] ?? []])
  return { ...next, values: Object.fromEntries(values) }
}

export interface KnownPrint {
  readonly id: string
  readonly rule: string
  readonly form: string
  readonly length: number
  readonly glimpses: readonly number[]
  readonly tail: number
  readonly whole: number
  readonly digest: string
}

/** One upstream, as declared and as looked up at apply time; nothing of it comes from the agent. */
export interface GateRemote {
  /** Served as `/NAME.git`. */
  readonly name: string
  readonly url: SshUrl
  /** Lines `TYPE BASE64`; at least one. */
  readonly hostKeys: readonly string[]
  readonly push: PushPolicy
  /** Author and committer that every new commit must have; absent: any. */
  readonly requireIdentity?: { readonly name: string; readonly email: string }
  /** Bytes; default 512 MiB. */
  readonly maxPack?: number
  /** Bytes; default 100 MiB. */
  readonly maxFile?: number
}

/** `ssh://USER@HOST:PORT/PATH`, taken apart. */
export interface SshUrl {
  readonly user: string
  readonly host: string
  readonly port: number
  readonly path: string
}

export type ScanMode = 'block' | 'warn' | 'supervise' | 'off'

export interface PushPolicy {
  /** Full refs; `*` stands for one part, `**` for any number of parts. Empty: nothing may be pushed. */
  readonly allow: readonly string[]
  readonly force: boolean
  readonly delete: boolean
  readonly tags: boolean
  /** `supervise` is `block` until somebody can be asked. */
  readonly scan: ScanMode
  /** Globs of paths; a push that touches one goes on and is flagged. */
  readonly flag: readonly string[]
  /** Refs that nobody pushes to from here beside the default branch, which is asked of the upstream. */
  readonly protect: readonly string[]
}

export interface GateStatus {
  /** 0: never configured. */
  readonly generation: number
  /** What is enforced now, read from the running configuration. */
  readonly remotes: readonly GateRemote[]
  /** By name of the remote: HMAC-SHA256 of the identity's public line under the nonce of the question, hex: the same key behind another passphrase is the same. */
  readonly identities: Readonly<Record<string, string>>
  /** `digestOf` the fingerprints it searches for; empty: none. */
  readonly known: string
  readonly connections: number
  /** By name of the remote: the rule by which its upstream failed when it was last verified, and has not answered since. */
  readonly unverified?: Readonly<Record<string, string>>
}

/** Why an upstream cannot be used. */
export interface UpstreamTrouble {
  readonly rule:
    | 'host-key-changed'
    | 'identity-refused'
    | 'identity-missing'
    | 'repository-refused'
    | 'upstream-unreachable'
  readonly message: string
}

/** What came of asking the upstream of one remote, by the way that fetches go. */
export interface GateVerdict {
  /** Of the configuration that declares the remote. */
  readonly generation: number
  /** Absent: it answered. */
  readonly trouble?: UpstreamTrouble
}

/** Longest time to connect and to answer in a verification, and what its supervisor waits for both, milliseconds. */
export const VERIFY_MS = { connect: 45_000, answer: 15_000, whole: 65_000 } as const
