/** One look at the counters of bottles. A bottle that cannot be asked is unknown, and no reason not to show the others. */
import { ensureError } from '../../model/errors.ts'
import type { Traffic } from '../../render/traffic.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import type { Io } from '../io.ts'

/** For one bottle, milliseconds. */
const ANSWER_MS = 10_000

export async function lookAtTraffic(
  stack: string,
  bottles: readonly OpenBottle[],
  io: Pick<Io, 'now'>,
  signal?: AbortSignal,
): Promise<Traffic> {
  const found = await Promise.all(
    bottles.map(async ({ name, driver }) => {
      const limit = AbortSignal.timeout(ANSWER_MS)
      const ends = signal ? AbortSignal.any([signal, limit]) : limit
      const metrics = await driver
        .metrics(stack, name, ends)
        .catch((thrown: unknown) => ({ unknown: ensureError(thrown).message }))
      return { bottle: name, metrics }
    }),
  )
  return { stack, at: io.now(), bottles: found }
}
