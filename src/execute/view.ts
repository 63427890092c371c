/**
 * What the daemons of one stack hold while an apply runs: taken from the answer that the plan was made from, kept
 * current with everything this run does, asked again only where neither is known.
 */
import { randomBytes } from 'node:crypto'
import type { EgressStatus, SupervisorStatus, UplinkStatus } from '../model/control.ts'
import { DriverError } from '../model/errors.ts'
import type { GateRemote } from '../model/gate.ts'
import type { UplinkTarget } from '../model/policy.ts'

export interface BundleView {
  /** Highest generation handed to this bundle; 0: never configured. */
  generation: number
  routes: EgressStatus['routes']
  log: EgressStatus['log'] | undefined
  issuer: EgressStatus['issuer']
  /** The same of its git gate. */
  gateGeneration: number
  /** What the git gate serves; absent: the bundle has none. */
  remotes: readonly GateRemote[] | undefined
  /** One configuration of the git gate after the other. */
  readonly turn: <T>(step: () => Promise<T>) => Promise<T>
  /** What the uplink admits for the bottle; absent: it does not know the bottle. */
  targets: readonly UplinkTarget[] | undefined
}

export interface Views {
  of(bottle: string): Promise<BundleView>
  /** Its container is new: it holds nothing; the uplink's table of before is replaced when it is attached. */
  bundleRemade(bottle: string): void
  bundleGone(bottle: string): void
  /** Every token is gone with the process that knew it. */
  uplinkRemade(): void
  /** Whether the uplink, as far as known without asking, has a table for the bottle. */
  isAttached(bottle: string): boolean
  /** What that table admits; absent: there is none. */
  targets(bottle: string): readonly UplinkTarget[] | undefined
  /** The uplink has this table now. */
  setTargets(bottle: string, targets: readonly UplinkTarget[]): void
}

export interface ViewsOptions {
  /** The uplink's answer of the observation. */
  readonly uplink: UplinkStatus | undefined
  readonly askBundle: (bottle: string, nonce: string) => Promise<unknown>
}

export function openViews({ uplink, askBundle }: ViewsOptions): Views {
  const known = new Map<string, BundleView>()
  const targetsOf = new Map<string, readonly UplinkTarget[]>()
  for (const [bottle, entry] of Object.entries(uplink?.bottles ?? {})) {
    targetsOf.set(bottle, entry.targets)
    if (!('unknown' in entry.supervisor)) known.set(bottle, viewOf(entry.supervisor, entry.targets))
  }
  return {
    async of(bottle) {
      const found = known.get(bottle)
      if (found) return found
      const status = asSupervisorStatus(await askBundle(bottle, randomBytes(16).toString('hex')), bottle)
      const view = viewOf(status, targetsOf.get(bottle))
      known.set(bottle, view)
      return view
    },
    bundleRemade(bottle) {
      const targets = targetsOf.get(bottle)
      known.set(bottle, {
        generation: 0,
        routes: [],
        log: undefined,
        issuer: undefined,
        gateGeneration: 0,
        remotes: undefined,
        turn: turns(),
        targets,
      })
    },
    bundleGone(bottle) {
      known.delete(bottle)
      targetsOf.delete(bottle)
    },
    uplinkRemade() {
      targetsOf.clear()
      for (const view of known.values()) view.targets = undefined
    },
    isAttached: (bottle) => targetsOf.has(bottle),
    targets: (bottle) => targetsOf.get(bottle),
    setTargets(bottle, targets) {
      targetsOf.set(bottle, targets)
      const view = known.get(bottle)
      if (view) view.targets = targets
    },
  }
}

function viewOf(status: SupervisorStatus, targets: readonly UplinkTarget[] | undefined): BundleView {
  const daemon = status.daemons.egress
  const egress = daemon?.egress
  const lost = daemon?.unconfiguredSince !== undefined || egress === undefined
  return {
    // The supervisor knows it while the daemon is away; the daemon may know a later one whose answer was lost.
    generation: Math.max(egress?.generation ?? 0, daemon?.generation ?? 0),
    routes: lost ? [] : egress.routes,
    log: lost ? undefined : egress.log,
    issuer: lost ? undefined : egress.issuer,
    ...gateView(status),
    turn: turns(),
    targets,
  }
}

function gateView({ daemons }: SupervisorStatus): Pick<BundleView, 'gateGeneration' | 'remotes'> {
  const daemon = daemons['git-gate']
  const gate = daemon?.gate
  const lost = daemon?.unconfiguredSince !== undefined || gate === undefined
  return {
    gateGeneration: Math.max(gate?.generation ?? 0, daemon?.generation ?? 0),
    remotes: daemon && (lost ? [] : gate.remotes),
  }
}

function turns(): BundleView['turn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (step) => {
    const result = last.then(step)
    last = result.catch(() => undefined)
    return result
  }
}

/** The parse point of a supervisor's answer, as far as the executor reads it. */
function asSupervisorStatus(answer: unknown, bottle: string): SupervisorStatus {
  const status = answer as SupervisorStatus | undefined
  if (typeof status === 'object' && status !== null && typeof status.daemons === 'object') return status
  throw new DriverError(`bundle/${bottle} gave an answer that is no status`, {
    code: 'control-answer-invalid',
  })
}
