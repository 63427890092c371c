/** `doctor --secrets`: tries every reference of the manifest and prints names, never a value nor anything derived from one. */
import { hostLogin } from './host-login.ts'
import { ensureError } from '../../model/errors.ts'
import { describeSecretRef } from '../../model/secret.ts'
import type { DoctorFinding } from '../../ports/driver.ts'
import { secretResolver } from '../../execute/secrets.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { loadFor } from '../stack/load.ts'
import { homeOf } from '../stack/home-of.ts'

export async function checkSecrets(invocation: Invocation): Promise<readonly DoctorFinding[]> {
  const { io } = invocation
  const home = homeOf(invocation)
  const { desired } = await loadFor(invocation, home)
  const resolver = secretResolver({ env: io.env, login: hostLogin(home) })
  const findings = Object.entries(desired.secrets).map(async ([, ref]): Promise<DoctorFinding> => {
    const check = `secret ${describeSecretRef(ref)}`
    // A question needs a person: it is answered at apply.
    if (ref.from === 'ask') return { check, ok: true, found: 'asked at apply' }
    try {
      await resolver.credential(ref)
      return { check, ok: true, found: 'can be had' }
    } catch (thrown) {
      const error = ensureError(thrown)
      return { check, ok: false, found: error.message, ...(error.hint !== undefined && { mend: error.hint }) }
    }
  })
  return Promise.all(findings)
}
