/** Desired and observed objects, and the difference between them: plain values that can be printed, saved and compared. */
import type { Address, Kind } from './address.ts'
import type { Place } from './diagnostic.ts'
import type { Json } from './json.ts'

export const DRIVERS = ['docker', 'smolvm', 'memory'] as const
export type DriverName = (typeof DRIVERS)[number]

/** Version of how creation digests are computed. Differing versions are compared field by field, never recreated for it. */
export const DIGEST_VERSION = 1

/**
 * What carrying out a change costs, least first (contract.md, What a bottle keeps).
 * `narrowing` is not here: whether a change opens or closes is a property of the action, not of the field.
 */
export const IMPACTS = [
  'record',
  'live',
  'next-start',
  'restart-agent',
  'recreate-bundle',
  'recreate-uplink',
  'recreate-agent',
  'recreate-holder',
  'replace',
] as const
export type Impact = (typeof IMPACTS)[number]

/** One desired object. `spec` holds no secret and no id that exists only after a build. */
export interface Resource<Spec = unknown> {
  readonly kind: Kind
  readonly address: Address
  readonly driver: DriverName
  /** Live bottle it belongs to; absent for images and the uplink. */
  readonly bottle?: string
  readonly needs: readonly Address[]
  readonly spec: Spec
  /** Where each field was declared, by path (`matches[0].methods`); `''` is the object itself. */
  readonly places: Readonly<Record<string, Place>>
  /** Field paths left out of comparison (manifest `ignore`). */
  readonly ignore: readonly string[]
  readonly protect: boolean
}

/** Whose an object is, read from its marks; only `ours` is ever changed or removed. */
export type Ownership = 'ours' | 'other-installation' | 'other-stack' | 'unmarked'

/** One object positively seen. Several may claim one address: nothing is squeezed into a map. */
export interface Observed {
  readonly address: Address
  readonly kind: Kind
  readonly driver: DriverName
  /** Engine id, path or fingerprint: what the driver needs to find it again. */
  readonly id: string
  readonly ownership: Ownership
  /** Who owns it where it is not ours, for messages. */
  readonly owner?: string
  /** Observed values, in the shape of the kind's spec; a field that cannot be observed is absent. */
  readonly fields: Readonly<Record<string, Json>>
  /** Creation digest from the labels. */
  readonly digest?: { readonly value: string; readonly version: number }
  /** `running` and healthy, or what is wrong in words (`container is stopped`, `paused`, `egress does not answer`). */
  readonly health: 'ok' | { readonly wrong: string }
  /** ISO 8601. */
  readonly createdAt?: string
}

export type Cause = 'edit' | 'drift' | 'unknown'

export interface Difference {
  /** `matches[0].paths[0].prefix` */
  readonly path: string
  readonly before?: Json
  readonly after?: Json
  readonly cause: Cause
  readonly impact: Impact
  /** Where the desired value was written. */
  readonly place?: Place
}

export function worstImpact(impacts: Iterable<Impact>): Impact {
  let worst = 0
  for (const impact of impacts) worst = Math.max(worst, IMPACTS.indexOf(impact))
  return IMPACTS[worst] ?? 'record'
}
