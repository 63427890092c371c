/** Supervisor, egress and uplink as the control protocol shows them: what is configured is what is answered. */
import { X509Certificate } from 'node:crypto'
import type {
  BundleMetrics,
  DaemonStatus,
  EgressStatus,
  SupervisorRequest,
  SupervisorStatus,
  UplinkRequest,
  UplinkStatus,
} from '../../model/control.ts'
import { DriverError } from '../../model/errors.ts'
import { digestOf } from '../../model/json.ts'
import { keptMarks, knownMarks } from '../../model/known.ts'
import { Secret } from '../../model/secret.ts'
import { fingerprintOf, permittedHosts } from '../../model/x509.ts'
import { configureGate, gateStatus, hasGate, verdictOf } from './gate.ts'
import type { LiveBundle, LiveStack, WorldState } from './world.ts'

export function answerSupervisor(state: WorldState, bundle: LiveBundle, request: SupervisorRequest): unknown {
  switch (request.op) {
    case 'status':
      return supervisorStatus(bundle, request.nonce)
    case 'restart':
      return { restarted: request.daemon }
    case 'logs':
      return []
    case 'verify':
      return verdictOf(state, bundle, request)
    case 'metrics':
      return bundleMetrics(bundle)
    case 'configure': {
      if (request.daemon === 'git-gate') return configureGate(bundle, request.config)
      const { config } = request
      if (config.generation <= (bundle.config?.generation ?? 0))
        throw refusal('generation-old', `generation ${config.generation} is not newer than the present one`)
      // The host keeps neither issuer nor token: what it leaves out stays as it is.
      const uplinkToken = config.uplinkToken ?? bundle.config?.uplinkToken
      const issuer = config.issuer ?? bundle.config?.issuer
      if (uplinkToken === undefined)
        throw refusal('token-missing', 'the first configuration has no uplink token')
      bundle.config = {
        ...config,
        uplinkToken,
        ...keptMarks(config, bundle.config),
        ...(issuer && { issuer }),
      }
      return { generation: config.generation }
    }
  }
}

export function bundleMetrics({ startedAt, counters }: LiveBundle): BundleMetrics {
  const egress = counters ?? { connections: 0, routes: [] }
  return { startedAt, daemons: { egress: { state: 'running', startedAt, restarts: 0, egress } } }
}

function supervisorStatus(bundle: LiveBundle, nonce: string): SupervisorStatus {
  const { config, version, startedAt } = bundle
  const egress: EgressStatus = {
    generation: config?.generation ?? 0,
    log: config?.policy.log ?? 'blocks',
    routes: config?.policy.routes ?? [],
    trust: digestOf(config?.trust ?? []),
    ...(config?.issuer && { issuer: issuerStatus(config.issuer) }),
    secrets: Object.fromEntries(
      Object.entries(config?.secrets ?? {}).map(([id, value]) => [id, new Secret(value).digest(nonce)]),
    ),
    known: knownMarks(config ?? {}),
    refusedLastHour: 0,
    connections: 0,
  }
  const daemon = {
    state: 'running',
    version,
    uid: 20_000,
    pid: 2,
    startedAt,
    restarts: 0,
    ...(config && { generation: config.generation }),
    egress,
  } as const
  const running = { state: 'running', version, startedAt, restarts: 0 } as const
  const gate: DaemonStatus | undefined = hasGate(bundle)
    ? {
        ...running,
        uid: 20_001,
        pid: 3,
        ...(bundle.gate && { generation: bundle.gate.generation }),
        gate: gateStatus(bundle, nonce),
      }
    : undefined
  return {
    version,
    startedAt,
    links: ['lo'],
    daemons: { egress: daemon, ...(gate && { 'git-gate': gate }) },
  }
}

function issuerStatus(issuer: {
  readonly certificate: string
  readonly root: string
}): NonNullable<EgressStatus['issuer']> {
  return {
    fingerprint: fingerprintOf(issuer.certificate),
    rootFingerprint: fingerprintOf(issuer.root),
    hosts: permittedHosts(issuer.certificate),
    notAfter: new Date(new X509Certificate(issuer.certificate).validTo).toISOString(),
  }
}

export function answerUplink(stack: LiveStack, request: UplinkRequest): unknown {
  const { uplink } = stack
  if (!uplink || uplink.fields['running'] !== true)
    throw new DriverError('the uplink does not answer', { code: 'control-unreachable' })
  switch (request.op) {
    case 'status':
      return uplinkStatus(stack, request.nonce)
    case 'configure':
      uplink.policy = request.policy
      return {}
    case 'attach':
      uplink.tables[request.bottle] = { token: request.token, targets: request.targets }
      return {}
    case 'targets': {
      const table = uplink.tables[request.bottle]
      if (!table) throw refusal('bottle-unknown', `bottle ${request.bottle} is not attached`)
      table.targets = request.targets
      return {}
    }
    case 'detach':
      delete uplink.tables[request.bottle]
      return {}
    case 'record': {
      const successor = (stack.record?.revision ?? 0) + 1
      if (request.record.revision !== successor)
        throw refusal('record-revision', `revision ${request.record.revision} is not ${successor}`)
      stack.record = request.record
      return {}
    }
  }
}

export function uplinkStatus(stack: LiveStack, nonce: string): UplinkStatus {
  const { uplink, record } = stack
  if (!uplink) throw new DriverError('there is no uplink', { code: 'control-unreachable' })
  const bottles = Object.entries(uplink.tables).map(([bottle, { token, targets }]) => {
    const bundle = stack.bundles[bottle]
    const reports = bundle?.fields['running'] === true && bundle.config?.uplinkToken === token
    const supervisor = reports
      ? supervisorStatus(bundle, nonce)
      : { unknown: 'its supervisor does not report' }
    return [bottle, { targets, supervisor }] as const
  })
  return {
    version: uplink.version,
    startedAt: uplink.startedAt,
    ...(uplink.policy && { policy: uplink.policy }),
    bottles: Object.fromEntries(bottles),
    ...(stack.recordDamaged === true
      ? { recordError: 'it is not JSON' }
      : record !== undefined && { record }),
  }
}

function refusal(code: string, message: string): DriverError {
  return new DriverError(message, { code })
}
