/** Everything that was observed in one look at the world, and what could not be. The only input of the plan besides the desired resources. */
import type { Address, Kind } from './address.ts'
import type { StackRecord } from './record.ts'
import type { UplinkTarget } from './policy.ts'
import type { DriverName, Observed } from './resource.ts'

export type DriverState =
  | { readonly status: 'observed'; readonly engine: string; readonly endpoint: string }
  /** Nothing is known of its objects: unknown, never missing. */
  | { readonly status: 'unreachable'; readonly reason: string; readonly hint?: string }

/** A part of the world that was asked and did not answer. */
export interface Unknown {
  readonly kinds: readonly Kind[]
  /** Absent: the whole stack. */
  readonly bottle?: string
  /** Only this object: what claims its address then is what was known before. */
  readonly at?: Address
  readonly reason: string
}

export type RecordState =
  | { readonly status: 'present'; readonly record: StackRecord }
  | { readonly status: 'absent' }
  | { readonly status: 'unknown'; readonly reason: string }

export interface Snapshot {
  /** ISO 8601; the only clock of the pure core. */
  readonly now: string
  readonly installation: string
  readonly drivers: Readonly<Partial<Record<DriverName, DriverState>>>
  readonly objects: readonly Observed[]
  readonly unknown: readonly Unknown[]
  readonly record: RecordState
  /** What the uplink dials, by bottle; absent: it was not asked, or did not answer. */
  readonly admitted?: Readonly<Record<string, readonly UplinkTarget[]>>
}

/** A snapshot with its objects by address: what the planner looks things up in. */
export interface World extends Snapshot {
  /** Everything that claims an address, ordered by id. */
  readonly claims: ReadonlyMap<string, readonly Observed[]>
}

export function indexed(snapshot: Snapshot): World {
  const claims = Map.groupBy(snapshot.objects, (object): string => object.address)
  for (const claim of claims.values()) claim.sort(byId)
  return { ...snapshot, claims }
}

/** Absence is positively observed: the driver answered, nothing unknown covers the address, and no object claims it. */
export type Presence =
  | { readonly is: 'present'; readonly claims: readonly Observed[] }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown'; readonly reason: string }

export function presenceOf(
  world: World,
  resource: {
    readonly address: Address
    readonly kind: Kind
    readonly driver: DriverName
    readonly bottle?: string
  },
): Presence {
  const untold = world.unknown.find((part) => part.at === resource.address)
  if (untold) return { is: 'unknown', reason: untold.reason }
  const claims = world.claims.get(resource.address)
  if (claims) return { is: 'present', claims }
  const driver = world.drivers[resource.driver]
  if (driver === undefined) return { is: 'unknown', reason: `driver ${resource.driver} was not asked` }
  if (driver.status === 'unreachable') return { is: 'unknown', reason: driver.reason }
  const gap = world.unknown.find(
    (part) =>
      part.at === undefined &&
      part.kinds.includes(resource.kind) &&
      (part.bottle === undefined || part.bottle === resource.bottle),
  )
  return gap ? { is: 'unknown', reason: gap.reason } : { is: 'absent' }
}

function byId(a: Observed, b: Observed): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
