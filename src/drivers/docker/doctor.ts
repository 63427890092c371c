/** What of this engine is right or wrong for bottles, with the command that mends it. Changes nothing. */
import { ensureError } from '../../model/errors.ts'
import type { DoctorFinding } from '../../ports/driver.ts'
import type { EngineInfo } from './decode.ts'
import type { Engine } from './calls.ts'
import { sidecarsImage } from './images/inputs.ts'

export async function doctor(engine: Engine): Promise<readonly DoctorFinding[]> {
  let info: EngineInfo
  try {
    info = await engine.info()
  } catch (thrown) {
    const error = ensureError(thrown)
    return [
      {
        check: 'engine',
        ok: false,
        found: error.message,
        mend: error.hint ?? 'node scripts/engine.ts ensure',
      },
    ]
  }
  const { tag } = await sidecarsImage()
  const image = await engine.image(tag)
  return [
    {
      check: 'engine',
      ok: true,
      found: `Docker ${info.version} on ${info.os} (${info.architecture}) at ${engine.endpoint}`,
    },
    olderThan(info.version, 20, 10)
      ? {
          check: 'version',
          ok: false,
          found: `${info.version} is older than 20.10`,
          mend: 'upgrade the engine',
        }
      : { check: 'version', ok: true, found: info.version },
    info.securityOptions.some((option) => option.includes('seccomp'))
      ? { check: 'seccomp', ok: true, found: 'filters system calls' }
      : {
          check: 'seccomp',
          ok: false,
          found: 'this engine has no seccomp: no bottle starts on it',
          mend: 'use a kernel and engine with seccomp',
        },
    info.cgroupVersion === '2'
      ? { check: 'memory of sockets', ok: true, found: 'cgroup v2 charges it to the bottle' }
      : {
          check: 'memory of sockets',
          ok: false,
          found: 'cgroup v1 does not charge socket buffers: an agent can take memory of the whole machine',
          mend: 'boot with systemd.unified_cgroup_hierarchy=1, or: sysctl -w net.core.rmem_max=212992 net.core.wmem_max=212992',
        },
    {
      check: 'disk limits',
      ok: true,
      found:
        info.driver === 'overlay2' && info.backingFilesystem === 'xfs'
          ? 'resources.disk works if xfs has pquota'
          : 'resources.disk is not available here',
    },
    ...info.warnings.map((warning) => ({ check: 'engine warning', ok: true, found: warning })),
    {
      check: 'sidecar image',
      ok: true,
      found: image ? `${tag} is there` : `${tag} is not built yet; the first apply builds it`,
    },
  ]
}

function olderThan(version: string, major: number, minor: number): boolean {
  const [found = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  // Engines built from source answer `dev` or a commit.
  if (Number.isNaN(found)) return false
  return found < major || (found === major && patch < minor)
}
