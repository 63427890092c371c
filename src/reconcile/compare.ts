/**
 * Judges one desired resource against the world: nothing to do, or an intention with its reason. Pure.
 * An intention is built from its differences; without one there is none (architecture.md, Core rules 2).
 */
import type { Json } from '../model/json.ts'
import type { Action, Verb } from '../model/plan.ts'
import { worstImpact } from '../model/resource.ts'
import type { Cause, Difference, Impact, Observed, Resource } from '../model/resource.ts'
import { presenceOf } from '../model/snapshot.ts'
import type { World } from '../model/snapshot.ts'
import { NOT_STARTED } from '../resources/guest/spec.ts'
import { renewal, renewalNotes, renewalWords } from '../resources/ca/renewal.ts'
import type { CaSpec } from '../resources/ca/spec.ts'
import { compareFields } from '../resources/compare.ts'
import { keyVerb, keyWords, rotationDue } from '../resources/key/compare.ts'
import type { KeySpec } from '../resources/key/spec.ts'
import type { KindDefinition } from '../resources/kind.ts'
import { definitionOf } from '../resources/kinds.ts'

/** An action before its place in the order is known. */
export type Intention = Omit<Action, 'after' | 'phase'>

export interface Judgement {
  readonly adopt: ReadonlySet<string>
}

export function judge(desired: Resource, world: World, { adopt }: Judgement): Intention | undefined {
  const definition = definitionOf(desired.kind)
  if (!definition) return blocked(desired, `kind ${desired.kind} is not known to this version`, 'unknown')
  const presence = presenceOf(world, desired)
  switch (presence.is) {
    case 'unknown':
      return blocked(desired, `unknown: ${presence.reason}`, 'unknown')
    case 'absent':
      return creation(desired, definition, world)
    case 'present': {
      const [ours, ...doubles] = presence.claims.filter((claim) => claim.ownership === 'ours')
      const stranger = presence.claims.find((claim) => claim.ownership !== 'ours')
      if (stranger) return strangers(desired, definition, stranger, world, adopt)
      if (!ours || doubles.length > 0)
        return blocked(desired, `${presence.claims.length} objects claim this address`, 'drift', ours)
      return repairOrUpdate(desired, definition, ours, world)
    }
  }
}

function creation(desired: Resource, definition: KindDefinition, world: World): Intention {
  const { record } = world
  if (record.status === 'unknown') {
    const reason = 'not there (whether it ever was is unknown)'
    return {
      ...base(desired),
      verb: 'create',
      reason,
      cause: 'unknown',
      impact: definition.creation,
      differences: [],
    }
  }
  const known = recordOf(world, desired)
  return {
    ...base(desired),
    verb: 'create',
    reason: known ? `drift: ${goneWords[desired.kind] ?? 'it is gone'}` : 'not there yet',
    cause: known ? 'drift' : 'edit',
    impact: definition.creation,
    differences: [],
  }
}

const goneWords: Partial<Record<Resource['kind'], string>> = {
  uplink: 'container is gone',
  bottle: 'containers are gone',
  bundle: 'container is gone',
  image: 'gone, or no container is made from it',
  route: 'egress does not have it',
  remote: 'the gate does not have it',
  key: 'the forge does not list it',
  guest: 'agent container is new',
  ca: 'key is not in the state folder',
}

function repairOrUpdate(
  desired: Resource,
  definition: KindDefinition,
  observed: Observed,
  world: World,
): Intention | undefined {
  const differences = differencesOf(desired, definition, observed, world)
  const health = healthDifference(desired, definition, observed)
  if (health) differences.unshift(health)
  const [first] = differences
  if (!first) return undefined
  const impact = worstImpact(differences.map((difference) => difference.impact))
  const cause = causeOf(differences)
  const renewed = desired.kind === 'ca' && cause === 'drift'
  return {
    ...base(desired),
    ...(renewed && { notes: renewalNotes(first, observed.fields) }),
    verb: desired.kind === 'key' && impact !== 'record' ? keyVerb(differences) : verbFor(impact),
    reason: renewed ? renewalWords(first) : reasonFor(desired, first, differences, cause),
    cause,
    impact,
    differences,
    observed,
  }
}

function differencesOf(
  desired: Resource,
  definition: KindDefinition,
  observed: Observed,
  world: World,
): Difference[] {
  const applied = recordOf(world, desired)?.applied as Readonly<Record<string, Json>> | undefined
  const differences = compareFields({
    desired,
    fields: observed.fields,
    applied,
    impacts: definition.impacts,
  })
  if (desired.kind === 'guest') return differences.map((each) => ofGuest(each, observed))
  if (desired.kind === 'key') {
    const old = rotationDue((desired as Resource<KeySpec>).spec, observed.fields, world.now)
    return old ? [...differences, old] : differences
  }
  if (desired.kind !== 'ca') return differences
  const due = renewal((desired as Resource<CaSpec>).spec, observed.fields, world.now)
  return due ? [due, ...differences] : differences
}

/** A root that was put beside the old one is trusted by every program that started since; a task that is declared no more is not cut off, and one that does not run is begun. */
function ofGuest(difference: Difference, { fields }: Observed): Difference {
  const { path, before, after } = difference
  const isKnown = path === 'root' && after === fields['nextRoot']
  const disturbsNobody = path.startsWith('headless') && (before === NOT_STARTED || after === undefined)
  return isKnown || disturbsNobody ? { ...difference, impact: 'live' } : difference
}

function healthDifference(
  desired: Resource,
  definition: KindDefinition,
  observed: Observed,
): Difference | undefined {
  if (observed.health === 'ok' || isStopped(desired)) return undefined
  return {
    path: 'health',
    before: observed.health.wrong,
    after: 'ok',
    cause: 'drift',
    impact: definition.repair,
  }
}

/** A bottle that the operator halted is not ill. */
function isStopped(desired: Resource): boolean {
  return desired.kind === 'bottle' && (desired.spec as { readonly running?: boolean }).running === false
}

function strangers(
  desired: Resource,
  definition: KindDefinition,
  observed: Observed,
  world: World,
  adopt: ReadonlySet<string>,
): Intention {
  const owner = observed.owner ? ` of ${observed.owner}` : ''
  if (observed.ownership !== 'unmarked') {
    return blocked(
      desired,
      `its name is taken by an object${owner || ' of another owner'}`,
      'drift',
      observed,
    )
  }
  const differences = differencesOf(desired, definition, observed, world)
  if (!adopt.has(desired.address))
    return blocked(desired, 'its name is taken by an unmarked object', 'drift', observed)
  if (differences.length > 0) {
    return { ...blocked(desired, 'cannot be adopted: it has another shape', 'drift', observed), differences }
  }
  return {
    ...base(desired),
    verb: 'adopt',
    reason: 'unmarked, has the declared shape',
    cause: 'edit',
    impact: 'record',
    differences,
    observed,
  }
}

export function blocked(desired: Resource, reason: string, cause: Cause, observed?: Observed): Intention {
  return {
    ...base(desired),
    verb: 'blocked',
    reason,
    cause,
    impact: 'record',
    differences: [],
    ...(observed && { observed }),
  }
}

function base(
  desired: Resource,
): Pick<Intention, 'address' | 'kind' | 'driver' | 'bottle' | 'desired' | 'notes'> {
  const { address, kind, driver, bottle } = desired
  return { address, kind, driver, ...(bottle !== undefined && { bottle }), desired, notes: [] }
}

export function recordOf(world: World, resource: { readonly address: string }) {
  return world.record.status === 'present' ? world.record.record.objects[resource.address] : undefined
}

function verbFor(impact: Impact): Verb {
  switch (impact) {
    case 'record':
    case 'live':
    case 'next-start':
    case 'restart-agent':
      return 'update'
    case 'recreate-bundle':
    case 'recreate-uplink':
      return 'create-then-remove'
    case 'recreate-agent':
    case 'recreate-holder':
    case 'replace':
      return 'remove-then-create'
  }
}

function causeOf(differences: readonly Difference[]): Cause {
  if (differences.some((difference) => difference.cause === 'edit')) return 'edit'
  return differences.some((difference) => difference.cause === 'drift') ? 'drift' : 'unknown'
}

/** `declared paths changed`, `drift: container is stopped`, `differs: resources` */
function reasonFor(
  { kind }: Resource,
  first: Difference,
  differences: readonly Difference[],
  cause: Cause,
): string {
  const told = kind === 'key' && cause !== 'edit' ? keyWords(first) : undefined
  if (told !== undefined) return told
  if (first.path === 'health') return `drift: ${String(first.before)}`
  const words = differences.length === 1 ? driftWords(first) : undefined
  if (cause === 'drift' && words) return `drift: ${words}`
  const fields = [...new Set(differences.map((difference) => difference.path.split(/[.[]/, 1)[0]))].join(', ')
  switch (cause) {
    case 'edit':
      return `declared ${fields} changed`
    case 'drift':
      return `drift: ${fields}`
    case 'unknown':
      return `differs: ${fields}`
  }
}

/** What the object itself says is wrong, where it says it in words. */
function driftWords({ path, before }: Difference): string | undefined {
  if (path === 'attached') return 'the uplink does not know it'
  if (path === 'uplink') return 'the uplink does not have it'
  return typeof before === 'string' && before.length <= 60 ? `${path} ${before}` : undefined
}
