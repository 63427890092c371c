/**
 * Hands the daemons of one bottle what they are to enforce. Closing: egress first, then the uplink's table, so that
 * nothing is dialled for a route that is gone. Opening: the uplink first, so that egress never admits what cannot be
 * dialled. Secrets pass through here in memory and are kept nowhere.
 */
import { randomBytes } from 'node:crypto'
import type { EgressConfig } from '../model/control.ts'
import { BottleError, EXIT } from '../model/errors.ts'
import { equal } from '../model/json.ts'
import { constrainedNames, ISSUER_LAST_DAY, secretsOf } from '../model/policy.ts'
import type { EgressPolicy, UplinkTarget } from '../model/policy.ts'
import { createIssuer, fingerprintOf } from '../model/x509.ts'
import { issuerHosts } from '../resources/route/narrow.ts'
import type { Roots } from '../state/roots.ts'
import type { Clock } from './clock.ts'
import { closingRemotes, sameRemotes, serve, servedNow } from './gate.ts'
import type { GateDeps } from './gate.ts'
import { closingPolicy, sameRoutes, targetsFor } from './routes.ts'
import type { BottlePolicy } from './routes.ts'
import type { BundleView } from './view.ts'

export interface PushDeps extends GateDeps {
  readonly roots: Roots
  /** PEM of further upstream authorities. */
  readonly trust: readonly string[]
  readonly clock: Clock
}

/** Life of an issuer, milliseconds. */
const ISSUER_LIFE = 30 * 86_400_000
const HOUR = 3_600_000

/** Makes the closing part of a change. `opensAfter`: an opening follows, so the issuer may stay as it is. */
export async function pushClosing(
  bottle: string,
  wanted: BottlePolicy,
  opensAfter: boolean,
  deps: PushDeps,
): Promise<void> {
  const failed = await closeWhereItCan(bottle, wanted, opensAfter, deps)
  if (failed) throw failed.error
}

/**
 * The same, and where egress cannot be had the uplink stops dialling all the same. Returns what kept egress from
 * closing; throws when the uplink did not close either.
 */
export async function closeWhereItCan(
  bottle: string,
  wanted: BottlePolicy,
  opensAfter: boolean,
  deps: PushDeps,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    const remotes = await closeGate(bottle, wanted, deps)
    const { routes } = await closeEgress(bottle, wanted, opensAfter, deps)
    await closeTable(bottle, targetsFor(routes, remotes), deps)
    return undefined
  } catch (error) {
    if (deps.signal.aborted || !deps.views.isAttached(bottle)) throw error
    // What kept egress from closing is what has to be mended first.
    await closeTable(bottle, targetsFor(wanted.egress.routes, wanted.remotes), deps).catch(() => {
      throw error
    })
    return { error }
  }
}

async function closeGate(
  bottle: string,
  wanted: BottlePolicy,
  deps: PushDeps,
): Promise<BottlePolicy['remotes']> {
  const { remotes: present = [] } = await deps.views.of(bottle)
  const closing = closingRemotes(present, wanted.remotes)
  const served = closing.map(({ remote }) => remote)
  if (!sameRemotes(served, present)) await serve(bottle, closing, undefined, deps)
  return closing
}

async function closeEgress(
  bottle: string,
  wanted: BottlePolicy,
  opensAfter: boolean,
  deps: PushDeps,
): Promise<EgressPolicy> {
  const view = await deps.views.of(bottle)
  const closing = closingPolicy(view.routes, wanted.egress)
  if (!sameRoutes(closing.routes, view.routes))
    await configure(bottle, { ...wanted, egress: closing }, view, { exactIssuer: !opensAfter }, deps)
  return closing
}

async function closeTable(
  bottle: string,
  wanted: readonly UplinkTarget[],
  { views, actuator, retry, signal }: PushDeps,
): Promise<void> {
  const present = views.targets(bottle)
  const kept = present?.filter((target) => wanted.some((other) => equal(target, other)))
  if (!kept || kept.length === present?.length) return
  await retry(() => actuator.controlUplink({ op: 'targets', bottle, targets: kept }, signal))
  views.setTargets(bottle, kept)
}

export interface OpeningOptions {
  /** Make a new issuer even where the present one covers everything. */
  readonly newIssuer: boolean
}

/**
 * Brings uplink and egress of a bottle to what is desired, whole. What is in force beyond that is closed first, also
 * where the plan could not see it (the uplink was down).
 */
export async function pushOpening(
  bottle: string,
  wanted: BottlePolicy,
  { newIssuer }: OpeningOptions,
  deps: PushDeps,
): Promise<void> {
  await pushClosing(bottle, wanted, true, deps)
  const view = await deps.views.of(bottle)
  const remotes = servedNow(view.remotes ?? [], wanted.remotes, wanted.left)
  const targets = targetsFor(wanted.egress.routes, remotes)
  const token =
    view.targets === undefined || view.generation === 0 ? randomBytes(32).toString('base64url') : undefined
  if (token !== undefined) {
    await deps.retry(() => deps.actuator.controlUplink({ op: 'attach', bottle, token, targets }, deps.signal))
  } else if (!equal(view.targets, targets)) {
    await deps.retry(() => deps.actuator.controlUplink({ op: 'targets', bottle, targets }, deps.signal))
  }
  await configure(
    bottle,
    wanted,
    view,
    { exactIssuer: true, newIssuer, ...(token !== undefined && { token }) },
    deps,
  )
  await serve(bottle, remotes, token, deps)
  deps.views.setTargets(bottle, targets)
}

/** Whether uplink and egress hold exactly this already, as far as the view tells. */
export function isInForce(view: BundleView, { egress, remotes: wanted, left }: BottlePolicy): boolean {
  const remotes = servedNow(view.remotes ?? [], wanted, left)
  return (
    view.generation > 0 &&
    view.log === egress.log &&
    sameRoutes(view.routes, egress.routes) &&
    sameRemotes(
      view.remotes ?? [],
      remotes.map(({ remote }) => remote),
    ) &&
    equal(view.targets, targetsFor(egress.routes, remotes))
  )
}

interface ConfigureOptions {
  readonly exactIssuer: boolean
  readonly newIssuer?: boolean
  readonly token?: string
}

async function configure(
  bottle: string,
  policy: BottlePolicy,
  view: BundleView,
  options: ConfigureOptions,
  deps: PushDeps,
): Promise<void> {
  const secrets = await valuesFor(policy.egress, policy.secrets, deps)
  const issuer = issuerFor(bottle, policy.egress, view, options, deps)
  await deps.retry(async () => {
    // Each attempt has its own generation: the answer to the one before may have been lost on the way.
    view.generation += 1
    const config: EgressConfig = {
      generation: view.generation,
      policy: policy.egress,
      secrets,
      ...(issuer && { issuer: issuer.pem }),
      trust: deps.trust,
      ...(options.token !== undefined && { uplinkToken: options.token }),
      bottle,
      ...deps.materials.marks?.(bottle),
    }
    await deps.actuator.controlBundle(bottle, { op: 'configure', daemon: 'egress', config }, deps.signal)
  })
  view.routes = policy.egress.routes
  view.log = policy.egress.log
  if (issuer) view.issuer = issuer.status
}

async function valuesFor(
  policy: EgressPolicy,
  refs: BottlePolicy['secrets'],
  deps: PushDeps,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for (const id of policy.routes.flatMap(({ auth }) => secretsOf(auth))) {
    const ref = refs.get(id)
    if (!ref) continue
    const secret = await deps.materials.secret(ref)
    deps.revealed(secret)
    values[id] = secret.reveal()
  }
  return values
}

interface NewIssuer {
  readonly pem: NonNullable<EgressConfig['issuer']>
  readonly status: NonNullable<BundleView['issuer']>
}

/** A new issuer where the present one does not fit; `undefined`: keep it, or nothing is intercepted. */
function issuerFor(
  bottle: string,
  policy: EgressPolicy,
  view: BundleView,
  { exactIssuer, newIssuer }: ConfigureOptions,
  { roots, clock }: PushDeps,
): NewIssuer | undefined {
  const hosts = issuerHosts(policy.routes)
  if (hosts.length === 0 && view.issuer === undefined) return undefined
  const root = roots.rootOf(bottle)
  if (!root) {
    throw new BottleError(EXIT.failed, `bottle ${bottle} has no root certificate in the state folder`, {
      code: 'root-missing',
      hint: 'run `bot-bottle apply` again: it makes a new one',
    })
  }
  const rootFingerprint = fingerprintOf(root.certificate)
  if (newIssuer !== true && fits(view.issuer, hosts, rootFingerprint, exactIssuer, clock)) return undefined
  const notAfter = new Date(clock.now() + ISSUER_LIFE)
  const made = createIssuer({ root, hosts, notBefore: new Date(clock.now() - HOUR), notAfter })
  return {
    pem: { certificate: made.certificate, key: made.key, root: root.certificate },
    status: {
      fingerprint: fingerprintOf(made.certificate),
      rootFingerprint,
      hosts: constrainedNames(hosts),
      notAfter: notAfter.toISOString(),
    },
  }
}

function fits(
  issuer: BundleView['issuer'],
  hosts: readonly string[],
  rootFingerprint: string,
  exact: boolean,
  clock: Clock,
): boolean {
  if (!issuer || issuer.rootFingerprint !== rootFingerprint) return false
  if (Date.parse(issuer.notAfter) - clock.now() < ISSUER_LAST_DAY) return false
  const [present, needed] = [constrainedNames(issuer.hosts), constrainedNames(hosts)]
  return exact ? equal(present, needed) : needed.every((host) => present.includes(host))
}
