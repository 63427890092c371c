/**
 * What the kernel says about a daemon, judged before it gets a secret or a door.
 *
 * The bounding set is not judged: emptying it needs SETPCAP, which the supervisor has not. It limits only what an
 * `execve` may add, and no-new-privileges with empty inheritable, permitted, effective and ambient sets adds nothing.
 */
export interface Privileges {
  /** Real, effective, saved, file system. */
  readonly uids: readonly string[]
  readonly gids: readonly string[]
  readonly groups: readonly string[]
  /** By name (`CapEff`), hex as the kernel prints it. */
  readonly capabilities: Readonly<Record<CapabilitySet, string>>
  readonly noNewPrivileges: string
}

const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'] as const
type CapabilitySet = (typeof CAPABILITY_SETS)[number]

/** Reads `/proc/PID/status`. A line that is not there reads as empty and is judged as wrong. */
export function parsePrivileges(status: string): Privileges {
  const lines = new Map(
    status.split('\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
    }),
  )
  const words = (name: string): string[] => (lines.get(name) ?? '').split(/\s+/).filter((word) => word !== '')
  const set = (name: CapabilitySet): string => lines.get(name) ?? ''
  return {
    uids: words('Uid'),
    gids: words('Gid'),
    groups: words('Groups'),
    capabilities: {
      CapInh: set('CapInh'),
      CapPrm: set('CapPrm'),
      CapEff: set('CapEff'),
      CapAmb: set('CapAmb'),
    },
    noNewPrivileges: lines.get('NoNewPrivs') ?? '',
  }
}

/** What is not as intended, in words; empty when all is. A daemon's gid is its uid. */
export function judgePrivileges(found: Privileges, uid: number): readonly string[] {
  const own = String(uid)
  const isOwn = (ids: readonly string[]): boolean => ids.length === 4 && ids.every((id) => id === own)
  const wrong: string[] = []
  if (uid === 0 || !isOwn(found.uids)) wrong.push(`uids are ${found.uids.join(' ')}, not ${own}`)
  if (!isOwn(found.gids)) wrong.push(`gids are ${found.gids.join(' ')}, not ${own}`)
  if (found.groups.some((group) => group !== own))
    wrong.push(`groups are ${found.groups.join(' ')}, not none`)
  for (const name of CAPABILITY_SETS) {
    if (!/^0+$/.test(found.capabilities[name])) wrong.push(`${name} is ${found.capabilities[name]}, not 0`)
  }
  if (found.noNewPrivileges !== '1') wrong.push(`NoNewPrivs is ${found.noNewPrivileges}, not 1`)
  return wrong
}
