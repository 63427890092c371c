/** Stacks on the engine: looking at them, making them, and what they weigh. */
import { readFileSync } from 'node:fs'
import { emptyProgram, interleaved, line, median, read, spread, time, type Line } from './measure.ts'
import type { Laboratory } from './laboratory.ts'
import { plainCopy } from './reference.ts'

const SIZES = [1, 10, 30] as const

/** `diff` and `apply` of stacks that are in sync, beside `docker ps` and `docker inspect` of the same containers. */
export async function inSyncLines(laboratory: Laboratory, rounds: number): Promise<readonly Line[]> {
  const { installed, env } = laboratory
  const lines: Line[] = []
  let one: number | undefined
  // One stack that grows: making thirty bottles is most of the time this takes.
  const stack = 'bench-sync'
  for (const bottles of SIZES) {
    const manifest = laboratory.manifest(stack, bottles)
    await laboratory.apply(stack)
    const containers = (await read({ argv: ['docker', 'ps', '--format', '{{.Names}}'] }))
      .split('\n')
      .filter((name) => name.startsWith(`bb_${stack}_`))
    const program =
      (...args: readonly string[]) =>
      () =>
        time({ argv: [installed, ...args, '-f', manifest], env, cwd: laboratory.folder })
    const times = await interleaved(rounds, {
      node: emptyProgram,
      diff: program('diff'),
      apply: program('apply'),
      docker: async () =>
        (await time({ argv: ['docker', 'ps', '-a'] })) +
        (await time({ argv: ['docker', 'inspect', ...containers] })),
    })
    const reference = { what: 'docker ps + inspect', times: times.docker }
    const diff = line(`diff in sync, ${count(bottles)}`, times.diff, {
      node: times.node,
      reference,
      ...(bottles === 1 && { scaledMax: 300 }),
      ...(bottles === 30 && { scaledMax: 2 * 300 }),
    })
    one ??= diff.scaledMs
    const factor = `${((diff.scaledMs ?? 0) / (one ?? 1)).toFixed(1)} × one`
    lines.push(
      bottles === 1 ? diff : { ...diff, note: factor },
      line(`apply with nothing to do, ${count(bottles)}`, times.apply, { node: times.node, reference }),
      ...(bottles === 1 ? await memoryLines(stack) : []),
    )
  }
  await laboratory.destroy(stack)
  return lines
}

/** Stacks made from nothing, images present, beside plain `docker run` of the same containers one after the other. */
export async function newLines(
  laboratory: Laboratory,
  rounds: number,
  quick: boolean,
): Promise<readonly Line[]> {
  const [small, large] = ['bench-new1', 'bench-new10']
  laboratory.manifest(small, 1)
  laboratory.manifest(large, 10)
  const times = { node: [], one: [], plainOne: [], ten: [], plainTen: [] } as Record<string, number[]>
  const add = async (name: string, took: Promise<number>) => times[name]?.push(await took)
  const plain = new Map<string, Awaited<ReturnType<typeof plainCopy>>>()
  try {
    for (let round = -1; round < rounds; round++) {
      const counted = (name: string, took: Promise<number>) => (round < 0 ? took : add(name, took))
      await counted('node', emptyProgram())
      for (const [stack, name, reference] of [
        [small, 'one', 'plainOne'],
        [large, 'ten', 'plainTen'],
      ] as const) {
        if (stack === large && quick && round < 0) continue
        await counted(name, laboratory.apply(stack))
        if (!plain.has(stack) && !(stack === large && quick))
          plain.set(stack, await plainCopy(stack, laboratory.folder))
        await laboratory.destroy(stack)
        if (stack === large && quick) continue
        const copy = plain.get(stack)
        if (round < 0 || !copy) continue
        await counted(reference, copy.run())
        await copy.remove()
      }
    }
  } finally {
    for (const copy of plain.values()) await copy.close()
  }
  const { node = [], one = [], plainOne = [], ten = [], plainTen = [] } = times
  return [
    line('apply, 1 new bottle and its uplink', one, {
      node,
      reference: { what: 'docker run of the same 4', times: plainOne },
      ratioMax: 3,
    }),
    line('apply, 10 new bottles and their uplink', ten, {
      node,
      reference: { what: 'apply of 1', times: one },
      ratioMax: 5,
    }),
    ...(plainTen.length > 0
      ? [
          line('the same beside plain docker', ten, {
            node,
            reference: { what: 'docker run of the same 31', times: plainTen },
          }),
        ]
      : []),
  ]
}

/** Anonymous memory of every process of a container, megabytes, idle. */
async function memoryLines(stack: string): Promise<readonly Line[]> {
  if (process.platform !== 'linux') return []
  const weigh = async (container: string): Promise<number> => {
    const listed = await read({ argv: ['docker', 'top', container, '-eo', 'pid'] })
    const pids = listed
      .split('\n')
      .slice(1)
      .filter((pid) => pid.trim() !== '')
    return pids.map((pid) => anonymousOf(pid.trim())).reduce((sum, each) => sum + each, 0)
  }
  const lines: Line[] = []
  for (const [what, container, most] of [
    ['bundle, egress only, idle: anonymous memory', `bb_${stack}_b0_bundle`, 45],
    ['uplink, idle: anonymous memory', `bb_${stack}_uplink`, undefined],
  ] as const) {
    try {
      const value = await weigh(container)
      lines.push({
        what,
        unit: 'MB',
        value: spread([value]),
        ...(most !== undefined && { target: `≤ ${most} MB`, met: value <= most }),
      })
    } catch (error) {
      process.stderr.write(`bench: ${what}: not measurable here: ${String(error)}\n`)
    }
  }
  return lines
}

function anonymousOf(pid: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return (Number(/^Anonymous:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024) / 1e6
}

/** The pure plan, in a process of its own; two processes, one figure each way. */
export async function planLines(folder: string, rounds: number): Promise<readonly Line[]> {
  const times: number[] = []
  const memory: number[] = []
  const node: number[] = []
  for (let round = 0; round < rounds; round++) {
    node.push(await emptyProgram())
    const told = JSON.parse(
      await read({ argv: [process.execPath, '--expose-gc', `${import.meta.dirname}/plan.ts`], cwd: folder }),
    ) as { readonly everyRouteEdited: { readonly medianMs: number; readonly peakMb: number } }
    times.push(told.everyRouteEdited.medianMs)
    memory.push(told.everyRouteEdited.peakMb)
  }
  return [
    line('plan, 1,000 bottles × 10 routes, all edited', times, { node, scaledMax: 200 }),
    {
      what: 'the same: memory of plan() beyond its inputs',
      unit: 'MB',
      value: spread(memory),
      target: '≤ 200 MB',
      met: median(memory) <= 200,
    },
  ]
}

const count = (bottles: number) => `${bottles} ${bottles === 1 ? 'bottle' : 'bottles'}`
