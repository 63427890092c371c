/** Checks of `doctor` that need no driver: Node, the state folder, the clock. */
import { ensureError } from '../../model/errors.ts'
import type { DoctorFinding } from '../../ports/driver.ts'
import { openHome } from '../../state/home.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { settingsOf } from './settings.ts'
import { VERSION } from '../version.ts'

const NODE_MAJOR = 24
/** This program is younger: a clock before it would make certificates that are not valid yet. */
const YOUNGER_THAN = Date.parse('2026-01-01T00:00:00Z')

export function checkMachine(invocation: Invocation): readonly DoctorFinding[] {
  return [
    { check: 'bot-bottle', ok: true, found: VERSION },
    nodeFinding(process.versions.node),
    folderFinding(invocation),
    clockFinding(invocation.io.now()),
  ]
}

function nodeFinding(version: string): DoctorFinding {
  const ok = Number(version.split('.')[0]) >= NODE_MAJOR
  return { check: 'node', ok, found: version, ...(!ok && { mend: `install Node ${NODE_MAJOR} or newer` }) }
}

function folderFinding(invocation: Invocation): DoctorFinding {
  const { stateDir } = settingsOf(invocation)
  try {
    const home = openHome({ env: invocation.io.env, ...(stateDir !== undefined && { stateDir }) })
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
