/**
 * `npm run bench:gate`: our git gate beside plain git over ssh to the same upstream, in the same rounds, as a table in
 * Markdown. Needs no engine; nothing here is asserted. `--quick`: a tenth of the repository, fewer rounds; `--only
 * clone,fetch,push,pushes,scan,memory`; `--json FILE`. The repository is kept in the cache of the laboratories.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { noSshd } from '../../tests/unit/gate/sshd.ts'
import { endAll } from '../egress/process.ts'
import { machine } from '../table.ts'
import { measureMemory, measureScan } from './alone.ts'
import { cachedRepository } from './cached.ts'
import type { Plan } from './repository.ts'
import { gateTable } from './report.ts'
import type { Row } from './report.ts'
import { measureClones, measureFetches, measurePush, measurePushes } from './rows.ts'
import type { Around } from './rows.ts'
import { Gates, startUpstream } from './start.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, json: { type: 'string' } },
})
if (noSshd !== undefined) throw new Error(noSshd)
const isQuick = values.quick === true
/** `bytes` of files make packs of 300 and of 30 MB. */
const BASE: Plan = isQuick
  ? { seed: 'gate quick', branch: 'refs/heads/main', commits: 2000, bytes: 225e6, size: 6000 }
  : { seed: 'gate whole', branch: 'refs/heads/main', commits: 20_000, bytes: 2.25e9, size: 6000 }
const PUSH = isQuick ? { commits: 200, bytes: 5e6, size: 4000 } : { commits: 2000, bytes: 50e6, size: 4000 }
const ROUNDS = isQuick
  ? { clone: 2, fetch: 10, push: 8, pushes: 2, scan: 5 }
  : { clone: 2, fetch: 20, push: 15, pushes: 2, scan: 9 }

const PARTS: Readonly<Record<string, (around: Around) => Promise<readonly Row[]>>> = {
  clone: (around) => measureClones(around, ROUNDS.clone),
  fetch: (around) => measureFetches(around, ROUNDS.fetch),
  push: (around) => measurePush(around, ROUNDS.push),
  pushes: (around) => measurePushes(around, ROUNDS.pushes, PUSH),
  scan: (around) => measureScan(around, ROUNDS.scan),
  memory: (around) => measureMemory(around),
}
const wanted = values.only?.split(',') ?? Object.keys(PARTS)

const folder = mkdtempSync('/tmp/bench-gate-')
const clean = (): void => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    clean()
    process.exit(130)
  })
const began = performance.now()
const seconds = (): number => Math.round((performance.now() - began) / 1000)
const load = loadavg()[0] ?? Number.NaN
try {
  const base = await cachedRepository(BASE)
  const prepared = seconds()
  const upstream = await startUpstream(folder)
  try {
    const gates = await Gates.prepare(folder, upstream)
    const around: Around = { folder, base, upstream, gates }
    const rows: Row[] = []
    for (const part of wanted) {
      rows.push(...((await PARTS[part]?.(around)) ?? []))
      process.stderr.write(`bench: ${part}, ${seconds()} s\n`)
    }
    process.stdout.write(
      `\n${machine()}; load ${load.toFixed(1)} at the start, ${(loadavg()[0] ?? Number.NaN).toFixed(1)} at the end; ${seconds()} s, ${prepared} of them for the repository; medians within rounds (least–most)\n\n${gateTable(rows)}\n`,
    )
    if (values.json !== undefined)
      writeFileSync(resolve(values.json), `${JSON.stringify({ machine: machine(), load, rows }, null, 2)}\n`)
  } finally {
    await upstream.sshd.stop()
  }
} finally {
  clean()
}
