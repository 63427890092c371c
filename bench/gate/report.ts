/** Rows beside what has to be reached. */
import { median, ratios } from '../measure.ts'

export interface Row {
  readonly what: string
  /** Milliseconds by round, the same index the same round; or one figure of its own in `value`. */
  readonly direct?: readonly number[]
  readonly gate?: readonly number[]
  readonly value?: { readonly values: readonly number[]; readonly unit: string }
  readonly goal?: Goal
}

export type Goal =
  /** Gate ÷ direct. */
  | { readonly kind: 'times'; readonly most: number }
  /** Gate − direct, milliseconds. */
  | { readonly kind: 'added'; readonly most: number }
  | { readonly kind: 'most' | 'least'; readonly bound: number }

export function gateTable(rows: readonly Row[]): string {
  const head = '| what | direct | gate | compared | to reach | |\n|---|--:|--:|--:|--:|---|'
  return [head, ...rows.map(lineOf)].join('\n')
}

function lineOf({ what, direct = [], gate = [], value, goal }: Row): string {
  const compared = compare(direct, gate, value?.values ?? [], goal)
  const own = value === undefined ? seconds(gate) : `${spread(value.values, 1)} ${value.unit}`
  const cells = [what, seconds(direct), own, compared.shown, compared.goal, compared.met]
  return `| ${cells.join(' | ')} |`
}

function compare(
  direct: readonly number[],
  gate: readonly number[],
  values: readonly number[],
  goal: Goal | undefined,
): { readonly shown: string; readonly goal: string; readonly met: string } {
  const metBy = (isMet: boolean): string => (isMet ? 'met' : 'missed')
  switch (goal?.kind) {
    case undefined:
      return { shown: '', goal: '', met: '' }
    case 'times': {
      const times = ratios(gate, direct)
      return {
        shown: `${spread(times, 2)} ×`,
        goal: `≤ ${goal.most} ×`,
        met: metBy(median(times) <= goal.most),
      }
    }
    case 'added': {
      const added = gate.map((took, round) => took - (direct[round] ?? Number.NaN))
      const met = metBy(median(added) <= goal.most)
      return { shown: `${spread(added, 0)} ms more`, goal: `≤ ${goal.most} ms more`, met }
    }
    case 'most':
      return { shown: '', goal: `≤ ${goal.bound}`, met: metBy(median(values) <= goal.bound) }
    case 'least':
      return { shown: '', goal: `≥ ${goal.bound}`, met: metBy(median(values) >= goal.bound) }
  }
}

function seconds(times: readonly number[]): string {
  if (times.length === 0) return ''
  return median(times) < 2000
    ? `${spread(times, 0)} ms`
    : `${spread(times.map((ms) => ms / 1000), 2)} s` // prettier-ignore
}

function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–'
  const all = `(${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`
  return values.length === 1 ? median(values).toFixed(digits) : `${median(values).toFixed(digits)} ${all}`
}
