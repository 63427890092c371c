/** One peer in one round: every measure once, as plain numbers by name. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Answered, Generator, Order } from './generator.ts'
import type { Peer } from './peers.ts'
import { cpuOf, memoryOf, peakDuring } from './process.ts'

/** Microseconds, requests or MB a second, MiB: the name says which. */
export type Sample = Readonly<Record<string, number>>

export const BULK = 256 * 1024 * 1024
export const BODIES = { '1 KB': 1000, '100 KB': 100_000, '1 MB': 1_000_000, '10 MB': 10_000_000 } as const
export type BodySize = keyof typeof BODIES

/** Milliseconds and counts; `quick` measures everything, but shorter. */
export interface Effort {
  readonly ms: number
  readonly events: number
  readonly posts: Readonly<Record<BodySize, number>>
}

export const EFFORT = {
  quick: { ms: 500, events: 30, posts: { '1 KB': 100, '100 KB': 30, '1 MB': 6, '10 MB': 1 } },
  whole: { ms: 900, events: 80, posts: { '1 KB': 300, '100 KB': 60, '1 MB': 10, '10 MB': 2 } },
} as const satisfies Record<string, Effort>

const perSecond = ({ count, elapsed }: Answered): number => count / (elapsed / 1e6)
const megabytesPerSecond = ({ elapsed }: Answered): number => BULK / elapsed

/** `hosts`: names no one has met; `body`: a file of chat. */
export async function measurePeer(
  generator: Generator,
  peer: Peer,
  effort: Effort,
  { hosts, body }: { readonly hosts: readonly string[]; readonly body: string },
): Promise<Sample> {
  const measure = (order: Order): Promise<Answered> => generator.measure(peer.way, order)
  const sample: Record<string, number> = {}
  const requests = async (concurrency: number): Promise<Answered> => {
    await measure({ do: 'open', concurrency })
    const before = usage(peer, cpuOf)
    const answered = await measure({ do: 'requests', ms: effort.ms })
    for (const [name, ms] of Object.entries(usage(peer, cpuOf)))
      sample[`cpu ${concurrency} ${name}`] = ((ms - (before[name] ?? 0)) * 1000) / answered.count
    return answered
  }
  const one = await requests(1)
  sample['latency 1'] = one.median
  sample['requests 1'] = perSecond(one)
  sample['requests 10'] = perSecond(await requests(10))
  const many = requests(64)
  await pause(effort.ms / 2)
  for (const [name, memory] of Object.entries(usage(peer, memoryOf))) sample[`memory 64 ${name}`] = memory
  sample['requests 64'] = perSecond(await many)
  sample['tunnels'] = perSecond(await measure({ do: 'tunnels', concurrency: 4, ms: effort.ms }))
  if (peer.intercepts) sample['first'] = (await measure({ do: 'first', hosts })).median
  sample['sse'] = (await measure({ do: 'sse', count: effort.events, gap: 2000 })).median
  for (const [size, bytes] of Object.entries(BODIES)) {
    const count = effort.posts[size as BodySize]
    sample[`post ${size}`] = (await measure({ do: 'post', bytes, count, body })).median
  }
  sample['down'] = megabytesPerSecond(await measure({ do: 'down', bytes: BULK }))
  const up = measure({ do: 'up', bytes: BULK, count: 1, body })
  const { result, peak } = await peakDuring(() => usage(peer, memoryOf), up)
  sample['up'] = megabytesPerSecond(result)
  for (const [name, memory] of Object.entries(peak)) sample[`memory up ${name}`] = memory
  return sample
}

/** By process of a peer. */
export function usage(peer: Peer, of: (pid: number) => number): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(peer.pids).map(([name, pid]) => [name, of(pid)]))
}
