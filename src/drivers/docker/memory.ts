/**
 * Memory of running containers as `docker stats` counts it: what is used without the cache of files that nobody uses,
 * of what may be used. Read from the kernel's own files where the engine runs on this machine: an engine of 20.10
 * answers only with its next tick, up to a second later.
 */
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { parseAddress } from '../../model/address.ts'
import { LABELS } from '../../model/names.ts'
import type { BottleMemory, MemoryUse } from '../../ports/driver.ts'
import type { Engine } from './calls.ts'
import type { ListedContainer } from './decode.ts'
import { DOCKER_LABELS } from './labels.ts'

/** By bottle; what does not run or does not answer is not there. */
export async function memoryOfBottles(
  engine: Engine,
  stack: string,
  kernel: string = '/sys/fs/cgroup',
): Promise<ReadonlyMap<string, BottleMemory>> {
  const parts = (await engine.containers()).flatMap((container) => bottlePart(container, stack))
  const found = new Map<string, BottleMemory>()
  await Promise.all(
    parts.map(async ({ id, bottle, part }) => {
      const use = (await fromKernel(kernel, id)) ?? (await engine.memory(id).catch(() => undefined))
      if (use) found.set(bottle, { ...found.get(bottle), [part]: use })
    }),
  )
  return found
}

interface Part {
  readonly id: string
  readonly bottle: string
  readonly part: 'agent' | 'bundle'
}

function bottlePart({ id, state, labels }: ListedContainer, stack: string): readonly Part[] {
  const part = labels[DOCKER_LABELS.part]
  const bottle = parseAddress(labels[LABELS.address] ?? '')?.address.split('/')[1]
  if (labels[LABELS.stack] !== stack || state !== 'running' || bottle === undefined) return []
  return part === 'agent' || part === 'bundle' ? [{ id, bottle, part }] : []
}

/** Where the two usual cgroup drivers put a container, for both versions of cgroups. */
function places(kernel: string, id: string): readonly Place[] {
  return ['docker/', 'system.slice/docker-'].flatMap((place): readonly Place[] => {
    const end = place.endsWith('-') ? `${id}.scope` : id
    const [v1, v2] = [`${kernel}/memory/${place}${end}`, `${kernel}/${place}${end}`]
    return [
      {
        used: `${v1}/memory.usage_in_bytes`,
        limit: `${v1}/memory.limit_in_bytes`,
        stat: `${v1}/memory.stat`,
        idle: /^total_inactive_file (\d+)$/m,
      },
      {
        used: `${v2}/memory.current`,
        limit: `${v2}/memory.max`,
        stat: `${v2}/memory.stat`,
        idle: /^inactive_file (\d+)$/m,
      },
    ]
  })
}

interface Place {
  readonly used: string
  readonly limit: string
  readonly stat: string
  /** Pages of files that nobody used of late. */
  readonly idle: RegExp
}

async function fromKernel(kernel: string, id: string): Promise<MemoryUse | undefined> {
  for (const { used, limit, stat, idle } of places(kernel, id)) {
    const read = [used, limit, stat].map((path) => readFile(path, 'utf8'))
    const texts = await Promise.all(read).catch(() => undefined)
    if (!texts) continue
    const [now = '', most = '', detail = ''] = texts
    // `max`, or a number that no machine has: what the machine has is the limit then, as for the engine.
    const limitBytes = Math.min(Number(most) || Infinity, totalmem())
    return { usedBytes: Number(now) - Number(idle.exec(detail)?.[1] ?? 0), limitBytes }
  }
  return undefined
}
