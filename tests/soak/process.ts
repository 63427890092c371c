/** What a process occupies, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs'

/** Anonymous memory in MiB: what is its own, not the files of its program. */
export function anonymous(pid: number): number {
  const [, kib = '0'] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

/** Seconds of processor time so far. */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
