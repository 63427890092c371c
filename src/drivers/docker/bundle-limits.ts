/** What a bundle may occupy. With a git gate it has room for mirrors and for the programs of git beside the daemons. Pure. */
import type { DaemonName } from '../../model/control.ts'

const MIB = 1024 * 1024

/** Where the git gate keeps mirrors and pushes: memory that goes with the container, nobody else may enter. */
const GATE_WORK = '/run/git-gate'
/** Egress, above all. */
const DAEMONS = 512 * MIB
/** The gate with the threads that look at pushes, git and ssh. */
const PROGRAMS = 1024 * MIB
/** Mirrors and pushes of all remotes together (docs/decisions/0010). */
const MIRRORS = 2048 * MIB

export interface BundleLimits {
  readonly pids: number
  readonly memory: number
  readonly tmpfs: Readonly<Record<string, string>>
}

export function bundleLimits(
  daemons: readonly { readonly name: DaemonName; readonly uid: number }[],
): BundleLimits {
  const tmpfs = {
    '/tmp': 'rw,noexec,nosuid,nodev,size=16m,mode=1777',
    '/run': 'rw,noexec,nosuid,nodev,size=4m,mode=0755',
  }
  const gate = daemons.find(({ name }) => name === 'git-gate')
  if (gate === undefined) return { pids: 256, memory: DAEMONS, tmpfs }
  const own = `rw,noexec,nosuid,nodev,size=${MIRRORS / MIB}m,mode=0700,uid=${gate.uid},gid=${gate.uid}`
  return { pids: 512, memory: DAEMONS + PROGRAMS + MIRRORS, tmpfs: { ...tmpfs, [GATE_WORK]: own } }
}
