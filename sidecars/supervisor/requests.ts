/** The one place where bytes of the control socket become a `SupervisorRequest`. */
import { DAEMONS, type EgressConfig, type SupervisorRequest } from '../../src/model/control.ts'
import type { EgressPolicy } from '../../src/model/policy.ts'
import { NAME_PATTERN } from '../../src/model/names.ts'
import type { OtherBottles } from '../../src/model/known.ts'
import { DecodeError, fields, flag, list, mapOf, oneOf, text, textOf, whole } from '../control/decode.ts'
import { decodeGateConfig } from './gate.ts'
import { decodePrint } from './prints.ts'
import { decodeDetectors } from './shapes.ts'

/** Longest nonce of a question, characters. */
const NONCE_MAX = 256
/** Most log lines that one answer repeats. */
export const TAIL_MAX = 1000
const PEM_MAX = 65_536

export function decodeSupervisorRequest(value: Readonly<Record<string, unknown>>): SupervisorRequest {
  switch (value['op']) {
    case 'status': {
      const { nonce } = fields(value, 'status', ['op', 'nonce'])
      return { op: 'status', nonce: text(nonce, 'nonce', NONCE_MAX) }
    }
    case 'configure': {
      const { daemon, config } = fields(value, 'configure', ['op', 'daemon', 'config'])
      return oneOf(['egress', 'git-gate'] as const)(daemon, 'daemon') === 'egress'
        ? { op: 'configure', daemon: 'egress', config: decodeEgressConfig(config) }
        : { op: 'configure', daemon: 'git-gate', config: decodeGateConfig(config) }
    }
    case 'restart': {
      const { daemon } = fields(value, 'restart', ['op', 'daemon'])
      return { op: 'restart', daemon: oneOf(DAEMONS)(daemon, 'daemon') }
    }
    case 'verify': {
      const { daemon, remote, identity } = fields(value, 'verify', ['op', 'daemon', 'remote'], ['identity'])
      return {
        op: 'verify',
        daemon: oneOf(['git-gate'] as const)(daemon, 'daemon'),
        remote: textOf(NAME_PATTERN, 63)(remote, 'remote'),
        ...(identity !== undefined && { identity: text(identity, 'identity', PEM_MAX) }),
      }
    }
    case 'metrics':
      fields(value, 'metrics', ['op'])
      return { op: 'metrics' }
    case 'logs': {
      const found = fields(value, 'logs', ['op', 'daemon', 'follow', 'tail'])
      return {
        op: 'logs',
        daemon: oneOf([...DAEMONS, 'supervisor'] as const)(found['daemon'], 'daemon'),
        follow: flag(found['follow'], 'follow'),
        tail: whole(found['tail'], 'tail', 0, Number.MAX_SAFE_INTEGER),
      }
    }
    default:
      throw new DecodeError('this operation is not known here', 'unknown-op')
  }
}

/** The routes stay as they came: egress decodes them, and nobody else needs to (lessons.md, 12). */
function decodeEgressConfig(value: unknown): EgressConfig {
  const required = ['generation', 'policy', 'secrets', 'trust', 'bottle']
  const found = fields(value, 'config', required, [
    'issuer',
    'uplinkToken',
    'placeholders',
    'canary',
    'others',
    'detectors',
  ])
  const policy = fields(found['policy'], 'config.policy', ['log', 'routes'])
  list((route) => route, 10_000)(policy['routes'], 'config.policy.routes')
  const config = {
    generation: whole(found['generation'], 'config.generation', 1, Number.MAX_SAFE_INTEGER),
    policy: policy as unknown as EgressPolicy,
    secrets: named(found['secrets'], 'config.secrets'),
    trust: list(pem, 1000)(found['trust'], 'config.trust'),
    ...(found['uplinkToken'] === undefined
      ? {}
      : { uplinkToken: text(found['uplinkToken'], 'config.uplinkToken', 256) }),
    bottle: text(found['bottle'], 'config.bottle', 63),
    ...(found['placeholders'] === undefined
      ? {}
      : { placeholders: named(found['placeholders'], 'config.placeholders') }),
    ...(found['others'] === undefined ? {} : { others: decodeOthers(found['others']) }),
    ...(found['detectors'] === undefined
      ? {}
      : { detectors: decodeDetectors(found['detectors'], 'config.detectors') }),
    ...(found['canary'] === undefined ? {} : { canary: text(found['canary'], 'config.canary', 1024) }),
  }
  if (found['issuer'] === undefined) return config
  const issuer = fields(found['issuer'], 'config.issuer', ['certificate', 'key', 'root'])
  return {
    ...config,
    issuer: {
      certificate: pem(issuer['certificate'], 'config.issuer.certificate'),
      key: pem(issuer['key'], 'config.issuer.key'),
      root: pem(issuer['root'], 'config.issuer.root'),
    },
  }
}

function decodeOthers(value: unknown): OtherBottles {
  const found = fields(value, 'config.others', ['placeholders', 'key', 'values'])
  return {
    placeholders: named(found['placeholders'], 'config.others.placeholders'),
    key: textOf(/^[0-9a-f]{64}$/)(found['key'], 'config.others.key'),
    values: mapOf(
      (name, at) => text(name, at, 1024),
      (prints, at) => (prints === null ? null : list(decodePrint, 100)(prints, at)),
      10_000,
    )(found['values'], 'config.others.values'),
  }
}

/** Values by SecretId. */
const named = mapOf(
  (name, at) => text(name, at, 1024),
  (value, at) => text(value, at, 1024 * 1024),
  10_000,
)

function pem(value: unknown, at: string): string {
  return text(value, at, PEM_MAX)
}
