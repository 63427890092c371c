/**
 * The audit of one bundle as one thread: what the engine kept of the supervisor's output, over its rotated pieces and
 * the supervisor's lives, joined with what the supervisor says now. In order, no line twice; what is missing is counted.
 */
import type { AuditedDaemon } from '../../ports/driver.ts'
import type { LogOptions } from './logs.ts'

/** One line, with its place in the order (`AuditOrder`). */
export interface AuditLine {
  readonly life: string
  readonly seq: number
  readonly row: Readonly<Record<string, unknown>>
}

export interface AuditSources {
  /** What the engine kept, oldest first. */
  kept(): AsyncIterable<AuditLine>
  /** The last lines that the supervisor remembers and, with `follow`, every further one; absent: it does not run. */
  live(follow: boolean): Promise<AsyncIterable<AuditLine> | undefined>
  /** Waits a little; whether there is a supervisor that may say more. */
  again(): Promise<boolean>
}

/** A line of the audit, or how many are not there any more between the one before and the next. */
export type AuditRow = AuditLine['row'] | { readonly lost: number }

/**
 * The supervisor is asked before the engine is: what is written while the engine's pieces are read comes from there.
 * It repeats its last lines, because the engine may not have them yet.
 */
export async function* auditThread(
  sources: AuditSources,
  { follow, tail, since }: LogOptions,
): AsyncGenerator<AuditRow> {
  const fresh = orderOf()
  const told = ({ row }: AuditLine): boolean => since === undefined || String(row['at']) >= since
  async function* rows(lines: AsyncIterable<AuditLine>): AsyncGenerator<AuditRow> {
    for await (const line of lines) {
      const lost = fresh(line)
      if (lost === undefined) continue
      if (lost > 0) yield { lost }
      if (told(line)) yield line.row
    }
  }
  for (let first = true; ; first = false) {
    const live = await sources.live(follow)
    const present = live ? rows(live) : NOTHING
    if (first && tail !== undefined) {
      yield* await lastOf(follow ? rows(sources.kept()) : both(rows(sources.kept()), present), tail)
    } else yield* rows(sources.kept())
    yield* present
    if (!follow || !(await sources.again())) return
  }
}

/** Of lines in the order they come: how many are missing before one; `undefined` for one that was there. */
function orderOf(): (line: AuditLine) => number | undefined {
  const last = new Map<string, number>()
  return ({ life, seq }) => {
    const before = last.get(life) ?? (last.size === 0 ? seq - 1 : 0)
    if (seq <= before) return undefined
    last.set(life, seq)
    return seq - before - 1
  }
}

async function lastOf(rows: AsyncIterable<AuditRow>, count: number): Promise<readonly AuditRow[]> {
  let kept: AuditRow[] = []
  for await (const row of rows) {
    kept.push(row)
    if (kept.length > 2 * count + 1000) kept = count === 0 ? [] : kept.slice(-count)
  }
  return count === 0 ? [] : kept.slice(-count)
}

async function* both<T>(first: AsyncIterable<T>, second: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* second
}

const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
}

/** Fields of the supervisor's own around those of the audit. */
const WRAPPING: ReadonlySet<string> = new Set(['level', 'time', 'sidecar', 'event', 'daemon', 'life', 'seq'])

/** What a supervisor said, or printed, of one daemon; absent for everything else. */
export function auditLineOf(value: unknown, of: AuditedDaemon): AuditLine | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { life, seq, daemon = of, ...rest }: Readonly<Record<string, unknown>> = { ...value }
  if (typeof life !== 'string' || typeof seq !== 'number' || daemon !== of) return undefined
  return { life, seq, row: Object.fromEntries(Object.entries(rest).filter(([name]) => !WRAPPING.has(name))) }
}
