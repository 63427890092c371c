/**
 * Stacks of this installation of which nothing is left but objects: no state here, no record on the engine, no bottle
 * that runs. A stack whose state alone was lost is none: its record is in its uplink's volume, and it goes on.
 */
import type { Driver, DriverObservation } from '../../ports/driver.ts'

export interface LeftoverStack {
  readonly name: string
  /** Addresses. */
  readonly objects: readonly string[]
}

export async function leftoverStacks(
  driver: Driver,
  known: ReadonlySet<string>,
): Promise<readonly LeftoverStack[]> {
  const names = (await driver.stacks()).filter((name) => !known.has(name))
  const seen = await Promise.all(names.map(async (name) => ({ name, seen: await driver.observe(name) })))
  return seen.flatMap((one) =>
    isLeft(one.seen) ? [{ name: one.name, objects: ownObjects(one.seen).map(({ address }) => address) }] : [],
  )
}

/** Whether what was seen of a stack is what nobody goes on with. */
export function isLeft(seen: DriverObservation): boolean {
  return (
    seen.state.status === 'observed' &&
    seen.uplink === undefined &&
    ownObjects(seen).every(
      ({ ownership, kind, fields }) =>
        ownership === 'ours' && (kind !== 'bottle' || fields['running'] !== true),
    )
  )
}

/** Images are nobody's alone. */
const ownObjects = ({ objects }: DriverObservation): DriverObservation['objects'] =>
  objects.filter(({ kind }) => kind !== 'image')
