/**
 * Users of daemons: a block of eight per bundle, from 20000 to 59999, the same for the same name on every machine;
 * recorded in a label and checked against all bundles of the engine, because per-uid kernel limits and SO_PEERCRED
 * count for the whole machine (topology-attack I7, I8, U4). Pure.
 */
import { createHash } from 'node:crypto'
import { DAEMONS, type DaemonName } from '../../model/control.ts'
import { DriverError } from '../../model/errors.ts'

const FIRST = 20_000
const BLOCK = 8
const BLOCKS = 5_000

/** First uid of the bundle's block: by name, and the next free one when that is taken. */
export function uidBlock(stack: string, bottle: string, taken: ReadonlySet<number>): number {
  const start = createHash('sha256').update(`${stack}/${bottle}`).digest().readUInt32BE(0) % BLOCKS
  for (let step = 0; step < BLOCKS; step++) {
    const uid = FIRST + ((start + step) % BLOCKS) * BLOCK
    if (!taken.has(uid)) return uid
  }
  throw new DriverError(`no user ids are left for the daemons of ${bottle}`, {
    code: 'uids-exhausted',
    hint: 'this engine has 5000 bundles already',
  })
}

/** First, step and last of the uids that a daemon may have, whichever block its bundle gets. */
export function everyUidOf(daemon: DaemonName): readonly [first: number, step: number, last: number] {
  const first = FIRST + DAEMONS.indexOf(daemon)
  return [first, BLOCK, first + (BLOCKS - 1) * BLOCK]
}

/** Each daemon has its own, by its place in the list of all daemons. */
export function daemonUids(
  block: number,
  daemons: readonly string[],
): readonly { readonly name: DaemonName; readonly uid: number }[] {
  return DAEMONS.filter((name) => daemons.includes(name)).map((name) => ({
    name,
    uid: block + DAEMONS.indexOf(name),
  }))
}
