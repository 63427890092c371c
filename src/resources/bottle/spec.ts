/** Holder, agent container and the two volumes of one live bottle. */
export interface BottleSpec {
  /** Address of the image resource, `image/dev`. */
  readonly image: string
  /** Its input digest: another one recreates the agent container. */
  readonly imageDigest: string
  readonly resources: {
    /** Cores, fractions allowed; absent: no limit. */
    readonly cpus?: number
    readonly memoryBytes?: number
    readonly pids: number
    readonly diskBytes?: number
  }
  /** The container that owns the network namespace; observed as what is wrong with it (`gone`, `attached to bridge`). */
  readonly holder: 'only-loopback'
  /** Create-time hardening, as one value; observed by reading back the effective settings. */
  readonly hardening: 'as-created'
  readonly running: boolean
  /** What the workspace is filled with, once in the life of its volume; absent: nothing. */
  readonly workspace?: {
    readonly mode: 'copy' | 'clone'
    /** As the manifest has it. */
    readonly source: string
    readonly git: boolean
  }
  /** Record only. */
  readonly label?: string
  readonly color?: string
}
