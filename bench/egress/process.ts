/** A process beside the benchmark, with what the kernel says it has used. */
import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const started = new Set<ChildProcess>()

/** Ended by `end` or `endAll`, with whatever it has started: it leads a group of its own. */
export function start(
  [program = '', ...rest]: readonly string[],
  options: Pick<SpawnOptions, 'stdio' | 'uid' | 'gid' | 'env'> = {},
): ChildProcess {
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true })
  started.add(child)
  child.once('exit', () => started.delete(child))
  return child
}

export function end({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

export function endAll(): void {
  for (const child of started) end(child)
}

/** The first line of standard output; throws with what was said on standard error when there is none. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    child.stderr?.on('data', (piece: Buffer) => (err = `${err}${piece.toString()}`.slice(-4000)))
    child.stdout?.on('data', (piece: Buffer) => {
      out += piece.toString()
      const end = out.indexOf('\n')
      if (end !== -1) resolve(out.slice(0, end))
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}: ${err}`)))
  })
}

/** The process and its descendants: servers have workers and helpers. */
function family(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(family)]
}

const TICK_MS = 10

/** Processor time so far, milliseconds. */
export function cpuOf(pid: number): number {
  return family(pid).reduce((sum, one) => {
    // After the name, which may hold anything: utime and stime are the 14th and 15th field.
    const stat = read(`/proc/${one}/stat`)
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }, 0)
}

/** Anonymous memory, MiB: what is no one else's. */
export function memoryOf(pid: number): number {
  return family(pid).reduce(
    (sum, one) =>
      sum + Number(/^Anonymous:\s+(\d+)/m.exec(read(`/proc/${one}/smaps_rollup`))?.[1] ?? 0) / 1024,
    0,
  )
}

/** The most of each that `memory` gave while the work went on. */
export async function peakDuring<T>(
  memory: () => Readonly<Record<string, number>>,
  work: Promise<T>,
): Promise<{ readonly result: T; readonly peak: Readonly<Record<string, number>> }> {
  const peak: Record<string, number> = {}
  const look = (): void => {
    for (const [name, now] of Object.entries(memory())) peak[name] = Math.max(peak[name] ?? 0, now)
  }
  const timer = setInterval(look, 50)
  try {
    return { result: await work, peak }
  } finally {
    clearInterval(timer)
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
