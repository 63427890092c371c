import type { KeyPlace } from '../../model/key-row.ts'
import type { SecretRef } from '../../model/secret.ts'

/** A deploy key at one repository, made for one remote of one bottle. */
export interface KeySpec extends KeyPlace {
  /** The upstream that it opens, in one spelling (`sshUrlText`). Not shown by a forge: compared with what was applied. */
  readonly url: string
  readonly readOnly: boolean
  /** SecretId of the token that makes and revokes it. */
  readonly token: string
  readonly tokenRef: SecretRef
  /** The API may be at a private address. */
  readonly allowPrivate: boolean
  /** Milliseconds after which another takes its place; absent: never. */
  readonly rotate?: number
  /** Observed: `present`; `missing` at the forge; `unconfirmed` where its creation was cut short. */
  readonly listed: 'present'
  /** Observed: `lost` where the state folder has no private half of it. */
  readonly pair: 'kept'
  /** Observed: further keys of this installation for this remote, to be revoked. */
  readonly leftovers: readonly KeyAtForge[]
}

/** A key of ours that is to be revoked, with everything to find it again. */
export interface KeyAtForge extends KeyPlace {
  /** Absent: whether the forge has it is not known. */
  readonly forgeId?: string
  /** Absent: its content is no public key that is known. */
  readonly fingerprint?: string
  /** Of its row in the state folder; absent: there is none. */
  readonly row?: string
  readonly tokenRef: SecretRef
  readonly allowPrivate: boolean
}
