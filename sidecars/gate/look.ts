/** What is asked of the objects of one push, and what came of it: plain values, for they cross into a thread and back. */
import type { GateRemote, KnownPrints } from '../../src/model/gate.ts'
import type { Detectors } from '../detect/look.ts'
import { ObjectChecks } from './checks.ts'
import type { LargeFile } from './checks.ts'
import type { GateControl } from './controls.ts'
import { readNewObjects } from './objects.ts'
import { ObjectScan } from './scan.ts'
import type { CleanObjects, Found } from './scan.ts'

export interface Job {
  /** Where git sees the objects of the push beside those of the upstream. */
  readonly repository: string
  readonly env: Readonly<Record<string, string>>
  readonly tips: readonly string[]
  /** Of refs: they are looked at as well. */
  readonly names: readonly string[]
  /** Whether content is looked at. */
  readonly scans: boolean
  readonly maxFile: number
  readonly identity: GateRemote['requireIdentity']
  readonly known: KnownPrints | undefined
  /** Of tests; a shipped program takes none. */
  readonly switchedOff: readonly GateControl[]
}

export interface Looked {
  readonly large: readonly LargeFile[]
  /** Commits whose author or committer is somebody else. */
  readonly strangers: readonly string[]
  readonly found: readonly Found[]
  /** Of findings; those that are told are among them. */
  readonly count: number
}

/** Throws Doubt where nobody can say what the objects hold. */
export async function lookAtObjects(
  job: Job,
  detectors: Detectors,
  clean: CleanObjects,
  signal: AbortSignal,
): Promise<Looked> {
  const { repository, env } = job
  const scan = job.scans ? new ObjectScan(detectors, clean) : undefined
  const checks = new ObjectChecks(job.maxFile, job.identity, scan)
  await readNewObjects({ repository, env, signal }, job.tips, checks)
  for (const name of job.names) scan?.name(name)
  const { large, strangers } = checks
  return { large, strangers, found: scan?.found ?? [], count: scan?.count ?? 0 }
}
