/** What is measured of the gate without anything beside it: the scanner, and memory. */
import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { end, memoryOf } from '../egress/process.ts'
import { read } from '../measure.ts'
import { makeCommits } from './repository.ts'
import { gateUrl, shared } from './rows.ts'
import type { Around } from './rows.ts'
import type { Row } from './report.ts'

/** For what is not used to be let go, milliseconds. */
const KEPT_MS = 500
const SETTLED_MS = 2500

export async function measureScan({ folder, base }: Around, rounds: number): Promise<Row[]> {
  const repository = await shared(join(folder, 'scan.git'), base)
  const branch = 'refs/heads/agent/scan'
  await makeCommits(repository, {
    seed: 'scan', branch, from: 'refs/heads/main^0', commits: 400, bytes: 40e6, size: 4000,
  }) // prettier-ignore
  const program = join(import.meta.dirname, 'scanning.ts')
  const said = await read({
    argv: [process.execPath, '--no-warnings', program, repository, branch, String(rounds)],
  })
  const { rates } = JSON.parse(said) as { readonly rates: readonly number[] }
  return [
    {
      what: 'scanner, one core, processor time',
      value: { values: rates, unit: 'MB/s of files' },
      goal: { kind: 'least', bound: 150 },
    },
  ]
}

/** Of the process of the gate: without a remote, and with one that was cloned from and pushed to. */
export async function measureMemory({ folder, base, upstream, gates }: Around): Promise<Row[]> {
  const gate = await gates.start(KEPT_MS)
  const pid = gate.child.pid ?? 0
  await gate.configure({})
  await pause(SETTLED_MS)
  const without = memoryOf(pid)
  const up = await shared(join(folder, 'memory-up.git'), base)
  const agent = await shared(join(folder, 'memory-agent.git'), base)
  await gate.configure({ origin: up })
  const url = gateUrl(gate, 'origin')
  const env = { GIT_SSH_COMMAND: upstream.ssh, GIT_CONFIG_GLOBAL: '/dev/null' }
  await read({ argv: ['git', 'clone', '-q', '--bare', url, join(folder, 'memory-clone.git')], env })
  const branch = 'refs/heads/agent/memory'
  await makeCommits(agent, {
    seed: 'memory', branch, from: 'refs/heads/main^0', commits: 20, bytes: 2e6, size: 4000,
  }) // prettier-ignore
  await read({ argv: ['git', 'push', '-q', url, branch], cwd: agent, env })
  const busy = memoryOf(pid)
  await pause(SETTLED_MS)
  const idle = memoryOf(pid)
  end(gate.child)
  return [
    { what: 'anonymous memory, no remote', value: { values: [without], unit: 'MiB' } },
    { what: 'behind a push', value: { values: [busy], unit: 'MiB' } },
    {
      what: 'idle again, more than without',
      value: { values: [idle - without], unit: 'MiB' },
      goal: { kind: 'most', bound: 30 },
    },
  ]
}
