/** One configuration as it is enforced: compiled once, replaced whole, never changed. Holds secrets. */
import { createHash, createHmac } from 'node:crypto'
import type { EgressConfig } from '../../src/model/control.ts'
import { secretsOf } from '../../src/model/policy.ts'
import type { RoutePolicy } from '../../src/model/policy.ts'
import { openAuthority } from '../../src/model/x509.ts'
import type { Authority as CertificateAuthority } from '../../src/model/x509.ts'
import { mustBeNewer } from '../control/answer.ts'
import { compile } from '../policy/judge.ts'
import type { Detectors } from '../detect/look.ts'
import { credentialOf } from './secrets/credentials.ts'
import type { Credentials } from './secrets/credentials.ts'
import { detectorsFor } from './exchange/scanning.ts'
import { Matcher } from './secrets/scrub.ts'

export interface Running {
  readonly config: EgressConfig
  readonly issuer: CertificateAuthority | undefined
  /** What answers are searched for. */
  readonly matcher: Matcher
  /** What requests are searched for. */
  readonly detectors: Detectors
  /** Secret: what the uplink knows this bundle by. */
  readonly token: string
  credential(route: RoutePolicy): Credentials
  /** Names the credential of a route and its value without holding it: connections of one are not used for another. */
  credentialKey(route: RoutePolicy): string
  secretDigests(nonce: string): Readonly<Record<string, string>>
}

/** Throws for a configuration that is not newer than the previous one; throws for a policy that cannot be compiled, an issuer that is none, or a first configuration without a token; then nothing is replaced. */
export function run(config: EgressConfig, previous: Running | undefined): Running {
  mustBeNewer(config.generation, previous?.config.generation)
  const token = config.uplinkToken ?? previous?.token
  if (token === undefined) throw new Error('the first configuration has no uplink token')
  compile(config.policy)
  const credentials = new Map<RoutePolicy, Credentials>()
  const keys = new Map<RoutePolicy, string>()
  for (const route of config.policy.routes) {
    credentials.set(route, credentialOf(route, config.secrets))
    keys.set(route, keyOf(route, config.secrets))
  }
  return {
    config,
    issuer: config.issuer && openAuthority(config.issuer),
    matcher: new Matcher(credentialed(config)),
    detectors: detectorsFor(config.secrets, config),
    token,
    // A route that is not of this policy (a switched-off protection) has none.
    credential: (route) => credentials.get(route) ?? { ok: true },
    credentialKey: (route) => keys.get(route) ?? '',
    secretDigests: (nonce) =>
      Object.fromEntries(
        Object.entries(config.secrets).map(([id, value]) => [
          id,
          createHmac('sha256', nonce).update(value).digest('hex'),
        ]),
      ),
  }
}

function keyOf(route: RoutePolicy, secrets: Readonly<Record<string, string>>): string {
  const ids = secretsOf(route.auth)
  if (ids.length === 0) return ''
  return createHash('sha256')
    .update(JSON.stringify([route.auth, ...ids.map((id) => secrets[id] ?? '')]))
    .digest('base64')
}

/** Every value that some route of this bottle sends or signs with, with what it is rendered to. */
function credentialed(
  config: EgressConfig,
): readonly { readonly value: string; readonly rendered: readonly string[] }[] {
  const found = new Map<string, Set<string>>()
  for (const { auth } of config.policy.routes) {
    for (const id of secretsOf(auth)) {
      const value = config.secrets[id]
      if (value === undefined || value.length < 4) continue
      const rendered = found.get(value) ?? new Set()
      if (auth?.scheme === 'basic') rendered.add(Buffer.from(`${auth.username}:${value}`).toString('base64'))
      found.set(value, rendered)
    }
  }
  return [...found].map(([value, rendered]) => ({ value, rendered: [...rendered] }))
}
