/**
 * The stack record during an apply (contract.md, Names and marks). Changes gather here and are written by the
 * uplink, several at once where they come together; each write is the successor of the one before. Without an
 * uplink nothing is written.
 */
import { randomBytes } from 'node:crypto'
import type { UplinkStatus } from '../model/control.ts'
import { BottleError, EXIT } from '../model/errors.ts'
import { canonical, digestOf, equal } from '../model/json.ts'
import type { Json } from '../model/json.ts'
import type { Plan } from '../model/plan.ts'
import { RECORD_VERSION } from '../model/record.ts'
import type { RecordedBottle, RecordedObject, StackRecord } from '../model/record.ts'
import { DIGEST_VERSION } from '../model/resource.ts'
import type { Resource } from '../model/resource.ts'
import type { Actuator, Effect } from '../ports/driver.ts'
import type { BottleSpec } from '../resources/bottle/spec.ts'

export interface RecordKeeper {
  /** Notes that the desired value is in force. */
  applied(resource: Resource, effect?: Effect): void
  forget(address: string): void
  /** Everything noted so far is durable when this resolves. */
  write(): Promise<void>
  /** Closing entries: owner, protection, labels; what was in sync already. */
  finish(inSync: readonly Resource[], extent: Extent): Promise<void>
  /** The uplink is made anew or gone: what is stored has to be asked for again. */
  uplinkChanged(present: boolean): void
}

export interface Extent {
  /** Nothing stays of what is no longer declared. */
  readonly whole: boolean
  /** Bottles that were left as they are: so are protection and labels of theirs. */
  readonly left: ReadonlySet<string>
}

export interface RecordOptions {
  readonly plan: Plan
  readonly actuator: Actuator
  /** The uplink's answer of the observation; `undefined`: there is none, or it did not answer. */
  readonly uplink: UplinkStatus | undefined
  readonly signal: AbortSignal
  readonly retry: <T>(effect: () => Promise<T>) => Promise<T>
}

/** Above this many characters only what live objects cannot show keeps its value; the digests stay. */
const VALUES_MAX = 4 * 1024 * 1024

export function keepRecord({ plan, actuator, uplink, signal, retry }: RecordOptions): RecordKeeper {
  const changes = new Map<string, RecordedObject | undefined>()
  let present = uplink !== undefined
  let stored: { readonly record: StackRecord | undefined } | undefined = uplink && { record: uplink.record }
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  /** Waits for the write under way, then writes all that was noted meanwhile: callers that come together share one. */
  const write = (final?: (base: StackRecord) => StackRecord): Promise<void> => {
    if (final) return (last = last.catch(() => undefined).then(() => store(final)))
    next ??= last = last
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return store((base) => base)
      })
    return next
  }

  const store = async (finished: (base: StackRecord) => StackRecord): Promise<void> => {
    if (!present) return
    let attempts = 0
    await retry(async () => {
      // After a lost answer the record may be there already: ask instead of guessing its revision.
      if (attempts > 0) stored = undefined
      attempts += 1
      stored ??= { record: await ask() }
      const before = stored.record ?? emptyRecord(plan)
      const after = lean(finished(changed(before, changes)))
      if (stored.record && equal({ ...after, revision: 0 }, { ...before, revision: 0 })) return
      const record = { ...after, revision: before.revision + 1 }
      await actuator.controlUplink({ op: 'record', record }, signal)
      stored = { record }
    })
  }

  const ask = async (): Promise<StackRecord | undefined> => {
    const answer = await actuator.controlUplink(
      { op: 'status', nonce: randomBytes(16).toString('hex') },
      signal,
    )
    const status = answer as UplinkStatus
    if (status.recordError === undefined) return status.record
    throw new BottleError(
      EXIT.failed,
      `the record of stack ${plan.stack} cannot be read: ${status.recordError}`,
      {
        code: 'record-unreadable',
        hint: 'nothing was overwritten; `bot-bottle doctor` says how to begin a new one',
      },
    )
  }

  return {
    applied: (resource, effect) => changes.set(resource.address, recorded(resource, effect)),
    forget: (address) => changes.set(address, undefined),
    write: () => write(),
    finish: (inSync, extent) => write((base) => finishedRecord(base, plan, inSync, extent, changes)),
    uplinkChanged(isPresent) {
      present = isPresent
      stored = undefined
    },
  }
}

function recorded(resource: Resource, effect?: Effect): RecordedObject {
  const applied = effect?.fields ?? (resource.spec as Json)
  return {
    digest: digestOf(resource.spec),
    digestVersion: DIGEST_VERSION,
    applied: plain(applied),
    ...(effect?.objectId !== undefined && { objectId: effect.objectId }),
    ...(resource.protect && { protect: true }),
  }
}

/** As JSON keeps it: without members that are `undefined`. */
function plain(value: unknown): Json {
  return JSON.parse(canonical(value)) as Json
}

function changed(base: StackRecord, changes: ReadonlyMap<string, RecordedObject | undefined>): StackRecord {
  const objects: Record<string, RecordedObject> = { ...base.objects }
  for (const [address, object] of changes) {
    if (object) objects[address] = object
    else delete objects[address]
  }
  return { ...base, objects }
}

function finishedRecord(
  base: StackRecord,
  plan: Plan,
  inSync: readonly Resource[],
  { whole, left }: Extent,
  changes: ReadonlyMap<string, RecordedObject | undefined>,
): StackRecord {
  const objects: Record<string, RecordedObject> = { ...base.objects }
  for (const resource of inSync) {
    const known = objects[resource.address]
    if (changes.has(resource.address)) continue
    // What is in a guest is known only from its own entry: nothing to conclude without one.
    if (resource.kind === 'guest') continue
    if (known?.digest !== digestOf(resource.spec)) {
      objects[resource.address] = {
        ...recorded(resource),
        ...(known?.objectId !== undefined && { objectId: known.objectId }),
      }
    }
  }
  const desired = new Map(plan.desired.map((resource) => [resource.address as string, resource]))
  for (const [address, object] of Object.entries(objects)) {
    const resource = desired.get(address)
    if (resource?.bottle !== undefined && left.has(resource.bottle)) continue
    const { protect: _, ...rest } = object
    if (resource) objects[address] = resource.protect ? { ...rest, protect: true } : rest
    else if (whole) delete objects[address]
  }
  const bottles: Record<string, RecordedBottle> = { ...base.bottles }
  for (const resource of plan.desired) {
    if (resource.kind !== 'bottle' || resource.bottle === undefined || left.has(resource.bottle)) continue
    const { label, color } = resource.spec as BottleSpec
    const stopped = bottles[resource.bottle]?.stopped
    bottles[resource.bottle] = {
      ...(label !== undefined && { label }),
      ...(color !== undefined && { color }),
      ...(stopped !== undefined && { stopped }),
    }
  }
  for (const bottle of Object.keys(bottles))
    if (!Object.hasOwn(objects, `bottle/${bottle}`)) delete bottles[bottle]
  const { installation, origin } = plan
  return { ...base, installation, origin, objects, bottles }
}

function emptyRecord({ stack, installation, origin }: Plan): StackRecord {
  return { version: RECORD_VERSION, revision: 0, stack, installation, origin, objects: {}, bottles: {} }
}

function lean(record: StackRecord): StackRecord {
  if (canonical(record).length <= VALUES_MAX) return record
  const objects = Object.entries(record.objects).map(([address, object]) => {
    const { applied: _, ...rest } = object
    return [address, address.startsWith('guest/') ? object : rest] as const
  })
  return { ...record, objects: Object.fromEntries(objects) }
}
