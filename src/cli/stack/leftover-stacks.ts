/**
 * Stacks of this installation of which nothing is left but objects: no state here, no record on the engine, no bottle
 * that runs. A stack whose state alone was lost is none: its record is in its uplink's volume, and it goes on.
 */
import type { Driver } from '../../ports/driver.ts'

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
  const seen = await Promise.all(names.map(async (name) => ({ name, ...(await driver.observe(name)) })))
  return seen.flatMap(({ name, state, uplink, objects }) => {
    const own = objects.filter(({ kind }) => kind !== 'image')
    const isLeft =
      state.status === 'observed' &&
      uplink === undefined &&
      own.every(
        ({ ownership, kind, fields }) =>
          ownership === 'ours' && (kind !== 'bottle' || fields['running'] !== true),
      )
    return isLeft ? [{ name, objects: own.map(({ address }) => address) }] : []
  })
}
