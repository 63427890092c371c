/** Checks of `doctor` that need no driver: Node, the state folder, the clock. */
import { ensureError } from '../../model/errors.ts'
import type { DoctorFinding } from '../../ports/driver.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { homeOf } from './home-of.ts'
import { VERSION } from '../version.ts'

/** This program is younger: a clock before it would make certificates that are not valid yet. */
const YOUNGER_THAN = Date.parse('2026-01-01T00:00:00Z')

export function checkMachine(invocation: Invocation): readonly DoctorFinding[] {
  return [
    { check: 'bot-bottle', ok: true, found: VERSION },
    { check: 'node', ok: true, found: process.versions.node },
    folderFinding(invocation),
    clockFinding(invocation.io.now()),
  ]
}

function folderFinding(invocation: Invocation): DoctorFinding {
  try {
    const home = homeOf(invocation)
    return { check: 'state folder', ok: true, found: `${home.dir}, installation ${home.installation}` }
  } catch (thrown) {
    const error = ensureError(thrown)
    return {
      check: 'state folder',
      ok: false,
      found: error.message,
      ...(error.hint !== undefined && { mend: error.hint }),
    }
  }
}

function clockFinding(now: number): DoctorFinding {
  const ok = now >= YOUNGER_THAN
  return {
    check: 'clock',
    ok,
    found: new Date(now).toISOString(),
    ...(!ok && { mend: 'sudo timedatectl set-ntp true' }),
  }
}
