/** What of this machine is right or wrong, each finding with the one command that mends it. */
import { EXIT, ensureError } from '../../model/errors.ts'
import { checkMachine } from '../stack/machine-checks.ts'
import { checkSecrets } from '../secrets/secret-checks.ts'
import { doctorLines } from '../../render/doctor.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { DoctorFinding } from '../../ports/driver.ts'
import { openDrivers } from '../stack/drivers.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { homeOf } from '../stack/home-of.ts'
import { settingsOf } from '../stack/settings.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, output } = invocation
  const findings = [
    ...checkMachine(invocation),
    ...(await checkDriver(invocation)),
    ...(options.flag('secrets') ? await checkSecrets(invocation) : []),
  ]
  output.result(
    options.text('output') === 'json'
      ? safeJson({ version: 1, findings }, 2).split('\n')
      : doctorLines(findings, output.style),
  )
  return findings.every((finding) => finding.ok) ? EXIT.done : EXIT.differences
}

/** Where an engine does not answer, its hint ends with this very command. */
function withoutItself({ mend, ...finding }: DoctorFinding): DoctorFinding {
  const left = mend?.replace(/; `bot-bottle doctor`[^;]*$/, '')
  return { ...finding, ...(left !== undefined && { mend: left }) }
}

/** The driver's own checks: engine, version, cgroup, seccomp, images, clock. One that cannot even be opened is a finding. */
async function checkDriver(invocation: Invocation): Promise<readonly DoctorFinding[]> {
  const name = settingsOf(invocation).driver ?? 'docker'
  try {
    const home = homeOf(invocation)
    const driver = await openDrivers(invocation.io, home.installation)(name)
    return (await driver.doctor()).map(withoutItself)
  } catch (thrown) {
    const error = ensureError(thrown)
    if (error.code === 'state-folder-unsafe') return []
    return [
      { check: name, ok: false, found: error.message, ...(error.hint !== undefined && { mend: error.hint }) },
    ]
  }
}
