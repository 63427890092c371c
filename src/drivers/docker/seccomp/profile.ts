/**
 * The seccomp profiles of our containers, as the engine takes them in a create call. Deny by default; one
 * architecture, no sub-architecture: `int 0x80` walks past argument filters (topology-attack S4, S6).
 */
import { BY_ARCHITECTURE, COMMON, TRACING } from './calls.ts'

export type ProfileName = 'agent' | 'bundle' | 'uplink'

/**
 * The only address families: UNIX 1, INET 2, INET6 10, NETLINK 16. AF_VSOCK (40) is a way out beside `--network none`
 * on any host that is itself a VM (S3); ALG, PACKET, XDP, BLUETOOTH, TIPC have no use in a bottle (NET-25).
 */
export const FAMILIES = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 } as const

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}: a clone that asks for a namespace is refused (S1). */
const NAMESPACE_FLAGS = 0x7e020000
/** PER_LINUX, UNAME26 and its variants, and the query: no ADDR_NO_RANDOMIZE, no READ_IMPLIES_EXEC. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]
const ENOSYS = 38

interface Argument {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ'
}
interface Rule {
  readonly names: readonly string[]
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'
  readonly errnoRet?: number
  readonly args?: readonly Argument[]
  readonly includes?: { readonly arches: readonly string[] }
}
export interface Profile {
  readonly defaultAction: 'SCMP_ACT_ERRNO'
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[]
  readonly syscalls: readonly Rule[]
}

export function seccompProfile(name: ProfileName): Profile {
  const names = [...Object.values(COMMON).flat(), ...(name === 'agent' ? TRACING : [])].sort()
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: [] },
    ],
    syscalls: [
      allow(names),
      ...Object.values(FAMILIES).map((family) =>
        allow(['socket'], [{ index: 0, value: family, op: 'SCMP_CMP_EQ' }]),
      ),
      allow(['socketpair'], [{ index: 0, value: FAMILIES.UNIX, op: 'SCMP_CMP_EQ' }]),
      allow(['clone'], [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
      // glibc falls back to clone, whose flags can be filtered.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...PERSONALITIES.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
      ...Object.entries(BY_ARCHITECTURE).map(([arch, own]) => ({
        ...allow(own),
        includes: { arches: [arch] },
      })),
    ],
  }
}

/** The text that goes into `SecurityOpt`; the same text every time, because drift compares it. */
export function seccompOption(name: ProfileName): string {
  return `seccomp=${JSON.stringify(seccompProfile(name))}`
}

function allow(names: readonly string[], args?: readonly Argument[]): Rule {
  return { names, action: 'SCMP_ACT_ALLOW', ...(args && { args }) }
}
