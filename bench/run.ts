/**
 * `npm run bench`: every line of the benchmark beside its reference, as a table; `--json FILE` writes it as JSON as well.
 * `--quick`: fewer rounds, under three minutes. `--only start,sync,new,route,workspace,plan`: parts of it. Nothing here is asserted.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openLaboratory, type Laboratory } from './laboratory.ts'
import { emptyProgram, NODE_MS, spread, type Line } from './measure.ts'
import { routeLines } from './route.ts'
import { inSyncLines, newLines, planLines } from './stacks.ts'
import { startLines } from './start.ts'
import { machine, table } from './table.ts'
import { workspaceLines } from './workspace.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, only: { type: 'string' } },
})
const quick = values.quick === true
const rounds = (whole: number, few: number) => (quick ? few : whole)

const PARTS: Readonly<Record<string, (laboratory: Laboratory) => Promise<readonly Line[]>>> = {
  start: (laboratory) => startLines(laboratory, rounds(31, 11)),
  sync: (laboratory) => inSyncLines(laboratory, rounds(15, 5)),
  new: (laboratory) => newLines(laboratory, rounds(5, 1), quick),
  route: (laboratory) => routeLines(laboratory, rounds(11, 5)),
  workspace: (laboratory) => workspaceLines(laboratory, rounds(5, 1)),
  plan: (laboratory) => planLines(laboratory.folder, rounds(5, 2)),
}
const wanted = values.only?.split(',') ?? Object.keys(PARTS)
const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`)

if (
  spawnSync('node', ['scripts/engine.ts', 'ensure'], {
    cwd: join(import.meta.dirname, '..'),
    stdio: 'inherit',
  }).status !== 0
)
  process.exit(8)
const started = performance.now()
say('packing and installing the package …')
const laboratory = await openLaboratory()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    say('cleaning up …')
    void laboratory.close().finally(() => process.exit(130))
  })
const lines: Line[] = []
try {
  const node = []
  for (let round = 0; round < 11; round++) node.push(await emptyProgram())
  lines.push({ what: 'node -e 0', unit: 'ms', value: spread(node.slice(1)) })
  // Images, once, outside every figure.
  laboratory.manifest('bench-images', 1)
  await laboratory.apply('bench-images')
  await laboratory.destroy('bench-images')
  for (const part of wanted) {
    say(`${part} …`)
    try {
      lines.push(...((await PARTS[part]?.(laboratory)) ?? []))
    } catch (error) {
      say(`${part} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
      process.exitCode = 1
    }
  }
} finally {
  await laboratory.close()
}
const took = Math.round((performance.now() - started) / 1000)
process.stdout.write(
  `\n${machine()}; ${took} s; scaled to \`node -e 0\` = ${NODE_MS} ms; ratio: median within rounds\n\n${table(lines)}\n`,
)
if (values.json !== undefined)
  writeFileSync(
    resolve(values.json),
    `${JSON.stringify({ version: 1, machine: machine(), seconds: took, quick, nodeMs: NODE_MS, lines }, null, 2)}\n`,
  )
