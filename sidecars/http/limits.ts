/** What one bottle may occupy at its door. Bytes and milliseconds; tests make some of them smaller. */
export interface DoorLimits {
  /** Head of a request or response. */
  readonly headBytes: number
  readonly headFields: number
  /** From the first byte of a head to its last, and for a TLS handshake. */
  readonly headMs: number
  /** A kept connection without a request. */
  readonly idleMs: number
  /** No byte in either direction during an exchange: models think for minutes. */
  readonly silenceMs: number
  /** Dial, TLS and verification of an upstream. */
  readonly dialMs: number
  readonly connections: number
  /** An upstream connection kept for the next request. */
  readonly pooledMs: number
  readonly pooledPerKey: number
  readonly pooled: number
  /** Time and bytes granted to a refused client for reading the refusal. */
  readonly lingerMs: number
  readonly lingerBytes: number
  readonly minted: number
}

export const LIMITS: DoorLimits = {
  headBytes: 64 * 1024,
  headFields: 128,
  headMs: 15_000,
  idleMs: 75_000,
  silenceMs: 15 * 60_000,
  dialMs: 30_000,
  connections: 512,
  pooledMs: 30_000,
  pooledPerKey: 64,
  pooled: 128,
  lingerMs: 2_000,
  lingerBytes: 16 * 1024 * 1024,
  minted: 256,
}

/** Interim answers before the final one. */
export const INTERIM_MAX = 8
/** A chunk-size line with its extension, and the trailer section of a chunked body. */
export const CHUNK_LINE_MAX = 256
export const TRAILER_MAX = 8 * 1024
/** A ClientHello with all its records. */
export const HELLO_MAX = 64 * 1024
/** Records of one ClientHello: it is read anew with each piece that arrives. */
export const HELLO_RECORDS_MAX = 256
