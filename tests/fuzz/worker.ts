/** Fires at one target until its time is over, or one input fails. The input at hand is where the other thread can see it. */
import { parentPort, workerData } from 'node:worker_threads'
import { seeded } from '../../sidecars/detect/samples.ts'
import type { Report, Task } from './fuzzing.ts'
import { mutate } from './mutate.ts'
import { targetOf } from './targets.ts'

const { name, seed, seconds, shared } = workerData as Task
/** How many times the time, for ends that were not seen. */
const PATIENCE = 5
const target = targetOf(name)
const random = seeded(`${seed}/${name}`)
const header = new Int32Array(shared, 0, 2)
const room = new Uint8Array(shared, 8)

async function failure(bytes: Buffer): Promise<string | undefined> {
  try {
    const end = await target.run(bytes)
    ends[end] = (ends[end] ?? 0) + 1
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/** The same failure with less: halves, quarters and so on are left out. */
async function smaller(bytes: Buffer): Promise<Buffer> {
  let kept = bytes
  for (let size = kept.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= kept.length;) {
      const less = Buffer.concat([kept.subarray(0, at), kept.subarray(at + size)])
      if ((await failure(less)) === undefined) at += size
      else kept = less
    }
  }
  return kept
}

const ends: Record<string, number> = {}
const until = performance.now() + seconds * 1000
let runs = 0
let found: Report['found']
/** On a machine that is busy with other things, what must be seen has more time. */
const isOver = (): boolean => {
  const beyond = performance.now() - until
  const isSeen = target.ends.every((end) => ends[end] !== undefined)
  return beyond > (isSeen ? 0 : seconds * PATIENCE * 1000)
}
while (found === undefined && !isOver()) {
  const bytes = mutate(random, target.grammar(random), target.words, target.grammar(random))
  room.set(bytes)
  Atomics.store(header, 1, bytes.length)
  Atomics.store(header, 0, ++runs)
  const why = await failure(bytes)
  if (why !== undefined) found = { bytes: await smaller(bytes), why }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage({ runs, ends, ...(found && { found }) } satisfies Report)
