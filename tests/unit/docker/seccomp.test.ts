import { describe, expect, it } from 'vitest'
import { FAMILIES, seccompProfile, type ProfileName } from '../../../src/drivers/docker/seccomp/profile.ts'

const profiles: readonly ProfileName[] = ['agent', 'bundle', 'uplink']

describe('our seccomp profiles', () => {
  for (const name of profiles) {
    const profile = seccompProfile(name)
    const allowed = new Set(
      profile.syscalls
        .filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined)
        .flatMap(({ names }) => names),
    )

    it(`${name}: denies by default`, () => {
      expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO')
    })

    it(`${name} (S4, S6): has no 32-bit sub-architecture, on amd64 and arm64`, () => {
      expect(profile.archMap).toEqual([
        { architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] },
        { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: [] },
      ])
      expect(allowed).not.toContain('socketcall')
    })

    it(`${name} (S3, S7, NET-25): admits four socket families and no other`, () => {
      const families = profile.syscalls
        .filter(({ names }) => names.includes('socket'))
        .map(({ args }) => args)
      expect(families).toEqual(
        Object.values(FAMILIES).map((value) => [{ index: 0, value, op: 'SCMP_CMP_EQ' }]),
      )
      expect(Object.values(FAMILIES)).toEqual([1, 2, 10, 16])
    })

    it(`${name} (S1, S2, S5, HST-07): allows none of the calls that open a way out`, () => {
      const never = [
        'io_uring_setup',
        'io_uring_enter',
        'io_uring_register',
        'mount',
        'umount2',
        'pivot_root',
        'setns',
        'unshare',
        'bpf',
        'perf_event_open',
        'keyctl',
        'add_key',
        'request_key',
        'kexec_load',
        'userfaultfd',
        'open_by_handle_at',
        'name_to_handle_at',
        'fsopen',
        'open_tree',
        'move_mount',
        'mount_setattr',
        'fanotify_init',
        'pidfd_getfd',
        'chroot',
        'init_module',
        'reboot',
        'clone',
        'clone3',
      ]
      expect(never.filter((call) => allowed.has(call))).toEqual([])
    })
  }

  it('S8: daemons may not trace or read another process', () => {
    for (const name of ['bundle', 'uplink'] as const) {
      const names = seccompProfile(name).syscalls.flatMap((rule) => rule.names)
      expect(names.filter((call) => /^(ptrace|process_vm_|memfd_secret)/.test(call))).toEqual([])
    }
  })
})
