/**
 * The one place where what concerns the git gate becomes a type: its configuration from the host, its status from the
 * gate, which may have been taken over. Whether a remote can be served is for the gate to say.
 */
import type {
  GateConfig,
  GateRemote,
  GateStatus,
  GateVerdict,
  KnownPrints,
  PushPolicy,
  SshUrl,
} from '../../src/model/gate.ts'
import { NAME_PATTERN } from '../../src/model/names.ts'
import { DecodeError, fields, flag, list, mapOf, oneOf, text, textOf, whole } from '../control/decode.ts'
import { decodePrint } from './prints.ts'
import { decodeDetectors } from './shapes.ts'

const REMOTES_MAX = 200
const PATTERNS_MAX = 1000
const KEY_MAX = 65_536
const PRINTS_MAX = 100_000
const VALUES_MAX = 10_000
const COUNT_MAX = Number.MAX_SAFE_INTEGER

const count = (value: unknown, at: string): number => whole(value, at, 0, COUNT_MAX)
const name = textOf(NAME_PATTERN, 63)

export function decodeGateConfig(value: unknown): GateConfig {
  const required = ['generation', 'bottle', 'remotes', 'identities']
  const found = fields(value, 'config', required, ['uplinkToken', 'known'])
  return {
    generation: whole(found['generation'], 'config.generation', 1, COUNT_MAX),
    bottle: text(found['bottle'], 'config.bottle', 63),
    remotes: decodeRemotes(found['remotes'], 'config.remotes'),
    identities: mapOf(
      name,
      (key, at) => text(key, at, KEY_MAX),
      REMOTES_MAX,
    )(found['identities'], 'config.identities'),
    ...(found['uplinkToken'] !== undefined && {
      uplinkToken: text(found['uplinkToken'], 'config.uplinkToken', 256),
    }),
    ...(found['known'] !== undefined && { known: decodeKnown(found['known']) }),
  }
}

/** Fields of a status beside `generation`. */
export const GATE_STATUS_FIELDS = ['remotes', 'identities', 'known', 'connections', 'unverified'] as const

export function decodeGateStatus(value: unknown): GateStatus {
  const [remotes, identities, known, connections, unverified] = GATE_STATUS_FIELDS
  const required = ['generation', remotes, identities, known, connections]
  const found = fields(value, 'value', required, [unverified])
  return {
    generation: count(found['generation'], 'value.generation'),
    remotes: decodeRemotes(found[remotes], 'value.remotes'),
    identities: mapOf(name, textOf(/^[0-9a-f]{64}$/), REMOTES_MAX)(found[identities], 'value.identities'),
    known: textOf(/^[0-9a-f]{0,64}$/)(found[known], 'value.known'),
    connections: count(found[connections], 'value.connections'),
    ...(found[unverified] !== undefined && {
      unverified: mapOf(
        name,
        textOf(/^[a-z][a-z0-9-]{0,63}$/),
        REMOTES_MAX,
      )(found[unverified], 'value.unverified'),
    }),
  }
}

const TROUBLES = [
  'host-key-changed',
  'identity-refused',
  'identity-missing',
  'repository-refused',
  'upstream-unreachable',
] as const

export function decodeVerdict(value: unknown): GateVerdict {
  const { generation, trouble } = fields(value, 'value', ['generation', 'trouble'])
  const { rule, message } = fields(trouble, 'value.trouble', ['rule', 'message'])
  return {
    generation: count(generation, 'value.generation'),
    trouble: {
      rule: oneOf(TROUBLES)(rule, 'value.trouble.rule'),
      message: text(message, 'value.trouble.message', 2000),
    },
  }
}

function decodeRemotes(value: unknown, at: string): readonly GateRemote[] {
  const remotes = list(decodeRemote, REMOTES_MAX)(value, at)
  if (new Set(remotes.map((remote) => remote.name)).size < remotes.length)
    throw new DecodeError(`${at} has a name twice`)
  return remotes
}

function decodeRemote(value: unknown, at: string): GateRemote {
  const found = fields(
    value,
    at,
    ['name', 'url', 'hostKeys', 'push'],
    ['requireIdentity', 'maxPack', 'maxFile'],
  )
  const bytes = (limit: 'maxPack' | 'maxFile') =>
    found[limit] !== undefined && { [limit]: whole(found[limit], `${at}.${limit}`, 1, COUNT_MAX) }
  return {
    name: name(found['name'], `${at}.name`),
    url: decodeUrl(found['url'], `${at}.url`),
    hostKeys: list((line, place) => text(line, place, KEY_MAX), 100)(found['hostKeys'], `${at}.hostKeys`),
    push: decodePush(found['push'], `${at}.push`),
    ...(found['requireIdentity'] !== undefined && {
      requireIdentity: decodeIdentity(found['requireIdentity'], `${at}.requireIdentity`),
    }),
    ...bytes('maxPack'),
    ...bytes('maxFile'),
  }
}

function decodeUrl(value: unknown, at: string): SshUrl {
  const found = fields(value, at, ['user', 'host', 'port', 'path'])
  return {
    user: text(found['user'], `${at}.user`, 64),
    host: text(found['host'], `${at}.host`, 254),
    port: whole(found['port'], `${at}.port`, 1, 65_535),
    path: text(found['path'], `${at}.path`, 512),
  }
}

function decodePush(value: unknown, at: string): PushPolicy {
  const found = fields(value, at, ['allow', 'force', 'delete', 'tags', 'scan', 'flag', 'protect'])
  const patterns = (key: string) =>
    list((pattern, place) => text(pattern, place, 1024), PATTERNS_MAX)(found[key], `${at}.${key}`)
  return {
    allow: patterns('allow'),
    force: flag(found['force'], `${at}.force`),
    delete: flag(found['delete'], `${at}.delete`),
    tags: flag(found['tags'], `${at}.tags`),
    scan: oneOf(['block', 'warn', 'supervise', 'off'] as const)(found['scan'], `${at}.scan`),
    flag: patterns('flag'),
    protect: patterns('protect'),
  }
}

function decodeIdentity(value: unknown, at: string): NonNullable<GateRemote['requireIdentity']> {
  const found = fields(value, at, ['name', 'email'])
  return { name: text(found['name'], `${at}.name`, 1024), email: text(found['email'], `${at}.email`, 1024) }
}

/** The fingerprints stay as they came: the detectors know their form, and nobody else needs to (lessons.md, 12). */
function decodeKnown(value: unknown): KnownPrints {
  const found = fields(value, 'config.known', ['key', 'prints'], ['values', 'named', 'detectors'])
  const prints = list((print) => print, PRINTS_MAX)(found['prints'], 'config.known.prints')
  return {
    key: textOf(/^[0-9a-f]{32,128}$/)(found['key'], 'config.known.key'),
    prints: prints as KnownPrints['prints'],
    ...(found['values'] !== undefined && { values: decodeValues(found['values'], 'config.known.values') }),
    ...(found['named'] !== undefined && {
      named: list(secretId, VALUES_MAX)(found['named'], 'config.known.named'),
    }),
    ...(found['detectors'] !== undefined && {
      detectors: decodeDetectors(found['detectors'], 'config.known.detectors'),
    }),
  }
}

const secretId = (value: unknown, at: string): string => text(value, at, 1024)

const decodeValues = mapOf(
  secretId,
  (prints, at) => (prints === null ? null : list(decodePrint, 100)(prints, at)),
  VALUES_MAX,
)
