/** What this installation keeps of a deploy key that it made: everything to find and revoke it, also without a manifest. */
import type { Address } from './address.ts'
import type { SecretRef } from './secret.ts'

/** One repository at one forge. */
export interface KeyPlace {
  /** As in the manifest: `gitea`, `github`, … */
  readonly provider: string
  /** URL of the API. */
  readonly api: string
  readonly repository: string
}

/** A key that a remote declares. */
export interface WantedKey extends KeyPlace {
  /** `key/BOTTLE/REMOTE`. */
  readonly address: Address
  readonly readOnly: boolean
  /** How the forge is reached again when the manifest no longer says it; the reference, never the token. */
  readonly tokenRef: SecretRef
  readonly allowPrivate: boolean
  /** PEM. */
  readonly trust: readonly string[]
}

/**
 * A row begins with the pair, before the forge hears of it; it ends when the forge has the key, and is verified when
 * the upstream takes it; it is retired before the key is revoked, and gone after. All times ISO 8601.
 */
export interface KeyRow extends WantedKey {
  /** In the key's title; see `keyId`. */
  readonly id: string
  readonly title: string
  readonly publicKey: string
  readonly fingerprint: string
  readonly begunAt: string
  /** Absent: whether the forge has it is not known. */
  readonly ended?: { readonly at: string; readonly forgeId: string }
  /** Absent: its upstream has not been seen to take it. */
  readonly verifiedAt?: string
  /** The key is to go, whatever the manifest says. */
  readonly retiredAt?: string
}

export function samePlace(a: KeyPlace, b: KeyPlace): boolean {
  return a.provider === b.provider && a.api === b.api && a.repository === b.repository
}
