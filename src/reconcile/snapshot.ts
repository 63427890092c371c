/**
 * Puts one look at the world together: what the drivers saw, what the daemons enforce, what the record and the state
 * folder say. Pure. It interprets answers and decides nothing; what an answer cannot show becomes `unknown`.
 */
import { address, kindOf, parseAddress } from '../model/address.ts'
import type { EgressStatus, SupervisorStatus, UplinkStatus } from '../model/control.ts'
import type { GateStatus } from '../model/gate.ts'
import type { Json } from '../model/json.ts'
import { knownAsDeclared } from '../model/known.ts'
import { constrainedNames, ISSUER_LAST_DAY, routeKey, schemePort, secretsOf } from '../model/policy.ts'
import type { RoutePolicy } from '../model/policy.ts'
import type { StackRecord } from '../model/record.ts'
import type { DriverName, Observed } from '../model/resource.ts'
import type { DriverState, RecordState, Snapshot, Unknown } from '../model/snapshot.ts'
import type { DriverObservation } from '../ports/driver.ts'
import { seenKeys, seenRemotes } from './snapshot-git.ts'
import { seenGuest } from './snapshot-guest.ts'
import type { KeysLook } from './snapshot-git.ts'

/** The root of a bottle as the state folder has it. */
export interface RootState {
  readonly bottle: string
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint: string
  readonly notBefore: string
  readonly notAfter: string
  /** The one that takes over from it: made, and not in use yet. */
  readonly next?: { readonly fingerprint: string; readonly notAfter: string }
}

export interface Look {
  readonly now: string
  readonly installation: string
  readonly observations: Readonly<Partial<Record<DriverName, DriverObservation>>>
  readonly roots: readonly RootState[]
  /**
   * HMAC of each value that can be had here, under the nonce of the driver's question, by SecretId.
   * A SecretId that is missing here is checked at apply.
   */
  readonly credentials: Readonly<Record<string, string>>
  /** By which egress names values of other bottles: of each that can be had here, by SecretId. */
  readonly foreign?: Readonly<Record<string, string>>
  /** HMAC of each remote's identity that can be had here, under the same nonce, by address of the remote. */
  readonly identities?: Readonly<Record<string, string>>
  /** Deploy keys; absent: nobody looked for any, because nothing declares or holds one. */
  readonly keys?: KeysLook
}

export function assemble(look: Look): Snapshot {
  const drivers: Partial<Record<DriverName, DriverState>> = {}
  const objects: Observed[] = []
  const unknown: Unknown[] = []
  let record: RecordState = { status: 'absent' }
  let admitted: Snapshot['admitted']
  for (const [name, observation] of Object.entries(look.observations) as [DriverName, DriverObservation][]) {
    drivers[name] = observation.state
    unknown.push(...observation.unknown)
    if (observation.state.status === 'unreachable') {
      record = { status: 'unknown', reason: observation.state.reason }
      continue
    }
    const driverRecord = recordState(observation)
    if (driverRecord.status !== 'absent') record = driverRecord
    admitted ??= admittedBy(observation)
    const live = liveParts(name, observation, driverRecord, look)
    objects.push(...live.objects)
    unknown.push(...live.unknown)
  }
  const own = driverOf(look)
  objects.push(...look.roots.map((root) => observedRoot(root, own)))
  if (look.keys) {
    const keys = seenKeys(look.keys, own)
    objects.push(...keys.objects)
    unknown.push(...keys.unknown)
  }
  const { now, installation } = look
  return { now, installation, drivers, objects, unknown, record, ...(admitted && { admitted }) }
}

function admittedBy({ uplink }: DriverObservation): Snapshot['admitted'] {
  if (!uplink || 'unknown' in uplink) return undefined
  return Object.fromEntries(
    Object.entries(uplink.status.bottles).map(([bottle, { targets }]) => [bottle, targets]),
  )
}

/** The uplink's answer decides: no uplink at all is `absent`, a silent one is `unknown`, and unknown protects. */
function recordState({ uplink }: DriverObservation): RecordState {
  if (uplink === undefined) return { status: 'absent' }
  if ('unknown' in uplink) return { status: 'unknown', reason: uplink.unknown }
  if (uplink.status.recordError !== undefined) return { status: 'unknown', reason: uplink.status.recordError }
  return uplink.status.record ? { status: 'present', record: uplink.status.record } : { status: 'absent' }
}

interface Parts {
  readonly objects: Observed[]
  readonly unknown: Unknown[]
}

function liveParts(
  driver: DriverName,
  observation: DriverObservation,
  record: RecordState,
  look: Look,
): Parts {
  const { uplink } = observation
  const parts: Parts = { objects: [], unknown: [] }
  const recorded = record.status === 'present' ? record.record : undefined
  for (const object of observation.objects) {
    parts.objects.push(enriched(object, uplink, recorded, look))
    if (object.ownership !== 'ours' && object.ownership !== 'other-installation') continue
    if (object.kind === 'bundle') addServed(parts, object, uplink, look)
    if (object.kind !== 'bottle') continue
    const guest = seenGuest(object, record, observation.guests)
    if (guest) parts.objects.push({ ...guest, ...ownerOf(object) })
  }
  if (record.status === 'unknown') parts.unknown.push({ kinds: ['guest'], reason: record.reason })
  return parts

  function addServed(
    into: Parts,
    bundle: Observed,
    answer: DriverObservation['uplink'],
    { credentials, identities = {} }: Look,
  ): void {
    const bottle = nameOf(bundle)
    const daemons = daemonsOf(answer, bottle)
    if ('unknown' in daemons) {
      into.unknown.push({ kinds: ['route', 'remote'], bottle, reason: daemons.unknown })
      return
    }
    const { egress, gate, targets } = daemons
    const keys = new Set(targets.map(routeKey))
    if (!egress) into.unknown.push({ kinds: ['route'], bottle, reason: 'egress does not answer' })
    else
      for (const policy of egress.routes) {
        const route = observedRoute(driver, bottle, policy, keys, egress, credentials)
        into.objects.push({ ...route, ...ownerOf(bundle) })
      }
    if (gate === 'silent')
      into.unknown.push({ kinds: ['remote'], bottle, reason: 'the git gate does not answer' })
    else if (gate)
      for (const remote of seenRemotes(driver, bottle, gate, targets, identities))
        into.objects.push({ ...remote, ...ownerOf(bundle) })
  }
}

/** What lives in a container belongs to whom the container belongs to. */
function ownerOf({ ownership, owner }: Observed): Pick<Observed, 'ownership' | 'owner'> {
  return { ownership, ...(owner !== undefined && { owner }) }
}

/** Adds to a container-level object what only its daemon or the record can tell. */
function enriched(
  object: Observed,
  uplink: DriverObservation['uplink'],
  record: StackRecord | undefined,
  look: Look,
): Observed {
  switch (object.kind) {
    case 'uplink':
      return uplink && 'status' in uplink
        ? { ...object, fields: { ...object.fields, ...uplinkFields(uplink.status) } }
        : wrong(object, uplink ? uplink.unknown : 'does not answer')
    case 'bundle':
      return enrichedBundle(object, uplink, look)
    case 'bottle': {
      const { label, color } = record?.bottles[nameOf(object)] ?? {}
      return {
        ...object,
        fields: {
          ...object.fields,
          ...(label !== undefined && { label }),
          ...(color !== undefined && { color }),
        },
      }
    }
    default:
      return object
  }
}

function uplinkFields(status: UplinkStatus): Observed['fields'] {
  const { hostAddresses: _, ...policy } = status.policy ?? { hostAddresses: [] }
  return { version: status.version, policy: status.policy ? (policy as unknown as Json) : null }
}

function enrichedBundle(
  object: Observed,
  uplink: DriverObservation['uplink'],
  { roots, now, foreign = {} }: Look,
): Observed {
  if (!uplink || 'unknown' in uplink) return object
  const entry = uplink.status.bottles[nameOf(object)]
  if (!entry) return { ...object, fields: { ...object.fields, attached: false } }
  if ('unknown' in entry.supervisor) return wrong(object, entry.supervisor.unknown)
  const { supervisor } = entry
  const root = roots.find(({ bottle }) => bottle === nameOf(object))
  const failed = Object.entries(supervisor.daemons).find(([, daemon]) => daemon?.state === 'failed')
  const egress = supervisor.daemons.egress?.egress
  const fields = {
    ...object.fields,
    attached: true,
    version: versionOf(supervisor),
    ...(egress && {
      egressLog: egress.log,
      trust: egress.trust,
      knows: knownAsDeclared(egress.known, foreign),
      issuer: issuerState(egress, root, now),
    }),
  }
  return failed ? wrong({ ...object, fields }, `${failed[0]} does not run`) : { ...object, fields }
}

/** One version, or which daemon says another: a difference either way. */
function versionOf(supervisor: SupervisorStatus): string {
  const other = Object.entries(supervisor.daemons).find(
    ([, daemon]) => daemon && daemon.version !== supervisor.version,
  )
  return other ? `${supervisor.version}, ${other[0]} ${other[1]?.version}` : supervisor.version
}

/** Judged against what egress itself enforces, so that a route that is about to change is not reported twice. */
function issuerState(egress: EgressStatus, root: RootState | undefined, now: string): string {
  const wanted = egress.routes.filter((route) => route.scheme === 'https' && !route.tlsPassthrough)
  if (wanted.length === 0) return 'valid'
  if (!egress.issuer) return 'missing'
  if (root && egress.issuer.rootFingerprint !== root.fingerprint) return 'of another root'
  if (Date.parse(egress.issuer.notAfter) - Date.parse(now) < ISSUER_LAST_DAY) return 'in its last day'
  const covered = new Set(constrainedNames(egress.issuer.hosts))
  const named = constrainedNames(wanted.map((route) => route.host))
  return named.every((name) => covered.has(name)) ? 'valid' : 'for other hosts'
}

/**
 * A restriction that egress does not have is an observation: left out, it would be taken for what cannot be observed
 * and count as applied (lessons.md, 1).
 */
const UNRESTRICTED = {
  matches: null,
  deny: null,
  auth: null,
  protocols: null,
  gated: null,
  limits: null,
  dlp: null,
} as const

function observedRoute(
  driver: DriverName,
  bottle: string,
  { from: _, ...policy }: RoutePolicy,
  targets: ReadonlySet<string>,
  egress: EgressStatus,
  credentials: Look['credentials'],
): Observed {
  const secrets = secretsOf(policy.auth)
  return {
    address: address.route(
      bottle,
      policy.host,
      policy.port === schemePort(policy.scheme) ? undefined : policy.port,
    ),
    kind: 'route',
    driver,
    id: `${bottle} ${routeKey(policy)}`,
    ownership: 'ours',
    fields: {
      ...UNRESTRICTED,
      ...(policy as unknown as Record<string, Json>),
      uplink: targets.has(routeKey(policy)) ? 'declared' : 'missing',
      ...(secrets.length > 0 && { credential: credentialState(secrets, egress, credentials) }),
    },
    health: 'ok',
  }
}

/** Of several secrets the worst. */
function credentialState(ids: readonly string[], egress: EgressStatus, wanted: Look['credentials']): Json {
  const held = egress.secrets
  if (ids.some((id) => held[id] === undefined)) return 'missing'
  return ids.every((id) => wanted[id] === undefined || wanted[id] === held[id]) ? 'present' : 'changed'
}

type Daemons =
  | {
      readonly egress: EgressStatus | undefined
      /** Absent: this bundle has none. */
      readonly gate: GateStatus | 'silent' | undefined
      readonly targets: UplinkStatus['bottles'][string]['targets']
    }
  | { readonly unknown: string }

function daemonsOf(uplink: DriverObservation['uplink'], bottle: string): Daemons {
  if (!uplink) return { unknown: 'there is no uplink to ask through' }
  if ('unknown' in uplink) return { unknown: uplink.unknown }
  const entry = uplink.status.bottles[bottle]
  if (!entry) return { unknown: 'not attached to the uplink' }
  if ('unknown' in entry.supervisor) return { unknown: entry.supervisor.unknown }
  const { egress, 'git-gate': gate } = entry.supervisor.daemons
  return { egress: egress?.egress, gate: gate && (gate.gate ?? 'silent'), targets: entry.targets }
}

/** What lies in the state folder or at a forge belongs to the stack's one driver. */
function driverOf({ observations }: Look): DriverName {
  return (Object.keys(observations)[0] ?? 'docker') as DriverName
}

function observedRoot(root: RootState, driver: DriverName): Observed {
  return {
    address: address.ca(root.bottle),
    kind: 'ca',
    driver,
    id: root.fingerprint,
    ownership: 'ours',
    fields: {
      algorithm: 'P-256',
      notBefore: root.notBefore,
      notAfter: root.notAfter,
      fingerprint: root.fingerprint,
      ...(root.next && { next: root.next.fingerprint, nextNotAfter: root.next.notAfter }),
    },
    health: 'ok',
  }
}

function wrong(object: Observed, what: string): Observed {
  return object.health === 'ok' ? { ...object, health: { wrong: what } } : object
}

/** The bottle an observed object belongs to; its address is well-formed because the driver parsed it. */
function nameOf(object: Observed): string {
  const parts = parseAddress(object.address)?.parts
  return parts && 'bottle' in parts ? parts.bottle : kindOf(object.address)
}
