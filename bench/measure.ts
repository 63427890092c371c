/** Times commands as whole processes, in turn with their reference, so that a machine whose speed drifts slows both. */
import { spawn } from 'node:child_process'

/** What `node -e 0` takes on the machine that the targets count for, milliseconds. */
export const NODE_MS = 21

export interface Line {
  readonly what: string
  /** Milliseconds, or megabytes where `unit` says so. */
  readonly value: Spread
  readonly unit: 'ms' | 'MB'
  readonly reference?: { readonly what: string; readonly ms: Spread }
  /** Median of the ratios within one round. */
  readonly ratio?: number
  /** Milliseconds on a machine where `node -e 0` takes NODE_MS: median of the ratios within one round. */
  readonly scaledMs?: number
  /** What `node -e 0` took in the same rounds: on a busy machine it grows more than what waits for an engine. */
  readonly empty?: Spread
  readonly target?: string
  readonly met?: boolean
  readonly note?: string
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    rounds: values.length,
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2
}

export const ratios = (of: readonly number[], to: readonly number[]): readonly number[] =>
  of.map((value, round) => value / (to[round] ?? Number.NaN))

export interface Command {
  readonly argv: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Codes that are a success; default: 0. */
  readonly codes?: readonly number[]
  /** Told of all that it prints. */
  readonly seen?: (text: string) => void
}

/** Milliseconds from start to end; throws with what it said when it failed. Never blocks this process. */
export function time({
  argv: [program = '', ...rest],
  cwd,
  env,
  codes = [0],
  seen,
}: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    const from = performance.now()
    const child = spawn(program, rest, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk
        seen?.(said)
      })
    child.once('error', reject)
    child.once('close', (code) => {
      const took = performance.now() - from
      if (codes.includes(code ?? -1)) resolve(took)
      else reject(new Error(`${program} ${rest.join(' ')} ended with ${code}:\n${said.slice(-2000)}`))
    })
  })
}

/** What a command printed. */
export function read({ argv: [program = '', ...rest], cwd, env }: Command): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0
        ? resolve(out)
        : reject(new Error(`${program} ${rest.join(' ')} ended with ${code}: ${err}`)),
    )
  })
}

type Task = () => Promise<number>

/** Every task once per round, in turn, after one round that does not count. */
export async function interleaved<Name extends string>(
  rounds: number,
  tasks: Readonly<Record<Name, Task>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(tasks) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const took = await tasks[name]()
      if (round >= 0) times[name].push(took)
    }
  }
  return times
}

/** The empty program that everything is scaled by. */
export const emptyProgram: Task = () => time({ argv: [process.execPath, '-e', '0'] })

/** A measured line beside its reference and beside the empty program of the same rounds. */
export function line(
  what: string,
  values: readonly number[],
  beside: {
    readonly node: readonly number[]
    readonly reference?: { readonly what: string; readonly times: readonly number[] }
    /** At most so many times the reference. */
    readonly ratioMax?: number
    /** At most so many milliseconds, scaled. */
    readonly scaledMax?: number
    readonly note?: string
  },
): Line {
  const ratio = beside.reference ? median(ratios(values, beside.reference.times)) : undefined
  const scaledMs = median(ratios(values, beside.node)) * NODE_MS
  const { ratioMax, scaledMax } = beside
  return {
    what,
    unit: 'ms',
    value: spread(values),
    scaledMs,
    empty: spread(beside.node),
    ...(beside.reference && {
      reference: { what: beside.reference.what, ms: spread(beside.reference.times) },
    }),
    ...(ratio !== undefined && { ratio }),
    ...(ratioMax !== undefined && { target: `≤ ${ratioMax} ×`, met: (ratio ?? Number.NaN) <= ratioMax }),
    ...(scaledMax !== undefined && { target: `≤ ${scaledMax} ms`, met: scaledMs <= scaledMax }),
    ...(beside.note !== undefined && { note: beside.note }),
  }
}
