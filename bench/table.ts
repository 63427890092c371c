/** The lines as a table that can be pasted into docs/benchmarks.md. */
import { arch, cpus, platform, release, totalmem } from 'node:os'
import type { Line, Spread } from './measure.ts'

export function table(lines: readonly Line[]): string {
  const rows = [
    [
      'what',
      'measured (min–max)',
      'scaled (node -e 0 of the same rounds)',
      'reference',
      'ratio',
      'target',
      '',
    ],
    ['---', '--:', '--:', '---', '--:', '--:', '---'],
    ...lines.map((line) => [
      line.what + (line.note === undefined ? '' : ` (${line.note})`),
      `${shown(line.value)} ${line.unit}`,
      line.scaledMs === undefined
        ? ''
        : `${number(line.scaledMs)} ms${line.empty ? ` (node ${shown(line.empty)})` : ''}`,
      line.reference ? `${line.reference.what} ${number(line.reference.ms.median)} ms` : '',
      line.ratio === undefined ? '' : `${line.ratio.toFixed(2)} ×`,
      line.target ?? '',
      line.met === undefined ? '' : line.met ? 'met' : 'missed',
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  return rows
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .join('\n')
}

export function machine(): string {
  const [cpu] = cpus()
  return `${cpus().length} × ${cpu?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}, Node ${process.version}`
}

function shown({ median, min, max, rounds }: Spread): string {
  return rounds > 1 ? `${number(median)} (${number(min)}–${number(max)})` : number(median)
}

function number(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0)
}
