/**
 * The port of a forge: deploy keys of one repository, and nothing else of it. The program on the host fills and uses
 * it; the token never goes anywhere else, least of all into a sidecar.
 *
 * Contract:
 * - `list` never writes. It answers every deploy key of the repository, whoever made it, across all pages; an answer
 *   that may be incomplete is an error, never a shorter list.
 * - Absence is positively observed: `find` is `undefined`, and `revoke` is done, only when the forge listed the
 *   repository's keys and the key was not among them. A forge says 404 also for a repository that the token cannot see;
 *   that is `forge-repository`, never "gone".
 * - `create` and `revoke` are idempotent: repeated after a crash or a lost answer they end in the same world. `create`
 *   with a public key that the repository has already answers that key; it never makes a second one.
 * - `create` reads back access and fingerprint. A key that got another access than asked for is revoked again.
 * - Everything else is a `ForgeError` (model/forge-error.ts) with a code, object, operation and way out. `transient` is
 *   the only licence to try again, `retryAfterMs` the least to wait; `fate: 'unknown'` says that the effect may have
 *   happened: calling the same function again finds out. Neither the token nor any text that holds it is in an error.
 * - A signal that is aborted starts nothing, and ends what waits with the signal's reason; the fate is then unknown.
 * - An adapter keeps nothing between calls, so calls may run side by side.
 */
import type { ListedKey } from '../model/listed-key.ts'
import type { SafeText } from '../model/text.ts'
import type { Secret } from '../model/secret.ts'

/** A deploy key as the forge lists it. */
export interface DeployKey {
  /** What the forge calls it; unique at this forge, and never given to another key. */
  readonly forgeId: string
  /** Anybody's text. Ours is read by `parseKeyTitle`. */
  readonly title: SafeText
  /** `SHA256:…`, computed from the key's content, not the forge's word; absent: the content is no public key that is known. */
  readonly fingerprint?: string
  readonly readOnly: boolean
  /** ISO 8601; absent: the forge does not tell. */
  readonly createdAt?: string
  /** ISO 8601; absent: never used, or the forge does not tell. */
  readonly lastUsedAt?: string
}

export interface NewDeployKey {
  readonly title: string
  /** `ssh-ed25519 AAAA…`. */
  readonly publicKey: string
  readonly readOnly: boolean
}

/** A key that is to go: revoked only if it is still the one that was seen. */
export type SeenKey = Pick<DeployKey, 'forgeId' | 'fingerprint'>

export interface Forge {
  /** `gitea`, `github`, … */
  readonly provider: string
  /** For messages: the URL of the API. */
  readonly api: string
  list(repository: string, signal: AbortSignal): Promise<readonly DeployKey[]>
  find(repository: string, fingerprint: string, signal: AbortSignal): Promise<DeployKey | undefined>
  create(repository: string, key: NewDeployKey, signal: AbortSignal): Promise<DeployKey>
  revoke(repository: string, key: SeenKey, signal: AbortSignal): Promise<void>
}

/** How one forge is reached. */
export interface ForgeAccess {
  /** URL of the API, as in the manifest. */
  readonly api: string
  /** May make and revoke deploy keys. */
  readonly token: Secret
  /** Names the token in messages (`describeSecretRef`). */
  readonly tokenName: string
  /** The API may be at a private or loopback address (`allow_private`). */
  readonly allowPrivate: boolean
  /** PEM of further authorities (`uplink.trust`). */
  readonly trust: readonly string[]
  /** Milliseconds for one request from name to last byte; default 30,000. */
  readonly timeoutMs?: number
}

/** What tells one forge's REST API from another's. Pure; a plug-in for a further forge is one of these. */
export interface ForgeDialect {
  readonly provider: string
  /** Headers of every request; the only place that opens the token. */
  headers(token: Secret): Readonly<Record<string, string>>
  /** Path of the collection below the API's URL, percent-encoded; `undefined`: no name of a repository here. */
  keysPath(repository: string): string | undefined
  /** Query of one page, 1 the first. */
  page(page: number): string
  /** Every page but the last links the next one (RFC 8288); else pages are counted, or read until one is empty. */
  readonly linksPages: boolean
  /** Body of a creation. */
  creation(key: NewDeployKey): Readonly<Record<string, string | boolean>>
  /** A key of an answer; `undefined`: not in a shape that is known. */
  readKey(value: unknown): ListedKey | undefined
  /** What the forge says in the body of a refusal, in its own words. */
  words(body: unknown): string | undefined
  /** Is this refusal of a creation (409, 422, 400) about a key that is there already? */
  isDuplicate(status: number, words: string): boolean
  /** Scopes that the token needs, for hints. */
  readonly tokenNeeds: string
}
