/** The one place where bytes become an `UplinkRequest`, a `DialRequest` or a `StackRecord`. */
import type { DialRequest, UplinkRequest } from '../../src/model/control.ts'
import type { Json } from '../../src/model/json.ts'
import { NAME_PATTERN } from '../../src/model/names.ts'
import type { UplinkPolicy, UplinkTarget } from '../../src/model/policy.ts'
import {
  RECORD_VERSION,
  type RecordedBottle,
  type RecordedObject,
  type StackRecord,
} from '../../src/model/record.ts'
import {
  DecodeError,
  decodeJson,
  fields,
  flag,
  list,
  mapOf,
  text,
  textOf,
  whole,
  type Decoder,
} from '../control/decode.ts'
import { TOKEN_MAX, TOKEN_MIN } from '../control/token.ts'
import { parseAddress } from '../../src/model/ip.ts'
import { isHostName, isTargetHost } from './names.ts'
import { parseProxy } from './proxy.ts'

const TARGETS_MAX = 10_000
const name = textOf(NAME_PATTERN, 63)
const key = textOf(/^[^\p{C}]{1,300}$/u)
const revision: Decoder<number> = (value, at) => whole(value, at, 0, Number.MAX_SAFE_INTEGER)

function checked(check: (text: string) => boolean, what: string): Decoder<string> {
  return (value, at) => {
    const found = text(value, at, 300)
    if (!check(found)) throw new DecodeError(`${at} is not ${what}`)
    return found
  }
}

const address = checked((found) => parseAddress(found) !== undefined, 'an IP address')
const host = checked(isHostName, 'a canonical host name')
/** As `Resolver.setServers` takes them: an address, `IPv4:port` or `[IPv6]:port`. */
const server = checked((found) => {
  const [, v6, v4] = /^(?:\[([0-9a-f:.]+)\](?::\d{1,5})?|([0-9.]+)(?::\d{1,5})?)$/i.exec(found) ?? []
  return parseAddress(v6 ?? v4 ?? found) !== undefined
}, 'the address of a resolver')

const target: Decoder<UplinkTarget> = (value, at) => {
  const found = fields(value, at, ['host', 'port', 'allowPrivate'])
  return {
    host: checked(isTargetHost, 'a canonical host name')(found['host'], `${at}.host`),
    port: whole(found['port'], `${at}.port`, 1, 65_535),
    allowPrivate: flag(found['allowPrivate'], `${at}.allowPrivate`),
  }
}
const targets = list(target, TARGETS_MAX)

/** Gets the request without its `id`. */
export function decodeUplinkRequest(value: Readonly<Record<string, unknown>>): UplinkRequest {
  const op = value['op']
  switch (op) {
    case 'status':
      return { op, nonce: text(fields(value, op, ['op', 'nonce'])['nonce'], 'nonce', 256) }
    case 'configure':
      return { op, policy: decodePolicy(fields(value, op, ['op', 'policy'])['policy'], 'policy') }
    case 'attach': {
      const found = fields(value, op, ['op', 'bottle', 'token', 'targets'])
      const token = text(found['token'], 'token', TOKEN_MAX)
      if (token.length < TOKEN_MIN) throw new DecodeError(`token is shorter than ${TOKEN_MIN} characters`)
      return {
        op,
        bottle: name(found['bottle'], 'bottle'),
        token,
        targets: targets(found['targets'], 'targets'),
      }
    }
    case 'targets': {
      const found = fields(value, op, ['op', 'bottle', 'targets'])
      return { op, bottle: name(found['bottle'], 'bottle'), targets: targets(found['targets'], 'targets') }
    }
    case 'detach':
      return { op, bottle: name(fields(value, op, ['op', 'bottle'])['bottle'], 'bottle') }
    case 'record':
      return { op, record: decodeRecord(fields(value, op, ['op', 'record'])['record'], 'record') }
    default:
      throw new DecodeError('this operation is not known here', 'unknown-op')
  }
}

function decodePolicy(value: unknown, at: string): UplinkPolicy {
  const found = fields(value, at, ['hosts', 'dns', 'noProxy', 'hostAddresses'], ['proxy'])
  const suffix = checked((entry) => isHostName(entry.replace(/^\./, '')), 'a name or a suffix')
  const policy = {
    hosts: mapOf(host, address, TARGETS_MAX)(found['hosts'], `${at}.hosts`),
    dns: list(server, 16)(found['dns'], `${at}.dns`),
    noProxy: list(suffix, 1000)(found['noProxy'], `${at}.noProxy`),
    hostAddresses: list(address, 1000)(found['hostAddresses'], `${at}.hostAddresses`),
  }
  if (found['proxy'] === undefined) return policy
  return {
    ...policy,
    proxy: checked((entry) => parseProxy(entry) !== undefined, 'http://host:port')(
      found['proxy'],
      `${at}.proxy`,
    ),
  }
}

/** The host is not judged here: a name that is no name is an undeclared target, and is told so. */
export function decodeDialRequest(line: string): DialRequest {
  const found = fields(decodeJson(line), 'request', ['token'], ['host', 'port', 'report'])
  const token = text(found['token'], 'token', TOKEN_MAX)
  if (found['report'] === true)
    return { token: text(fields(found, 'request', ['token', 'report'])['token'], 'token'), report: true }
  const dial = fields(found, 'request', ['token', 'host', 'port'])
  return { token, host: text(dial['host'], 'host', 300), port: whole(dial['port'], 'port', 1, 65_535) }
}

export function decodeRecord(value: unknown, at: string): StackRecord {
  const found = fields(value, at, [
    'version',
    'revision',
    'stack',
    'installation',
    'origin',
    'objects',
    'bottles',
  ])
  if (found['version'] !== RECORD_VERSION) throw new DecodeError(`${at}.version is not ${RECORD_VERSION}`)
  return {
    version: RECORD_VERSION,
    revision: revision(found['revision'], `${at}.revision`),
    stack: name(found['stack'], `${at}.stack`),
    installation: text(found['installation'], `${at}.installation`, 300),
    origin: text(found['origin'], `${at}.origin`),
    objects: mapOf(key, recordedObject, 100_000)(found['objects'], `${at}.objects`),
    bottles: mapOf(key, recordedBottle, 100_000)(found['bottles'], `${at}.bottles`),
  }
}

const recordedObject: Decoder<RecordedObject> = (value, at) => {
  const found = fields(value, at, ['digest', 'digestVersion'], ['applied', 'objectId', 'protect'])
  return {
    digest: text(found['digest'], `${at}.digest`, 300),
    digestVersion: revision(found['digestVersion'], `${at}.digestVersion`),
    ...(found['applied'] === undefined ? {} : { applied: found['applied'] as Json }),
    ...(found['objectId'] === undefined ? {} : { objectId: text(found['objectId'], `${at}.objectId`, 300) }),
    ...(found['protect'] === undefined ? {} : { protect: flag(found['protect'], `${at}.protect`) }),
  }
}

const recordedBottle: Decoder<RecordedBottle> = (value, at) => {
  const found = fields(value, at, [], ['label', 'color', 'stopped'])
  return {
    ...(found['label'] === undefined ? {} : { label: text(found['label'], `${at}.label`) }),
    ...(found['color'] === undefined ? {} : { color: text(found['color'], `${at}.color`, 100) }),
    ...(found['stopped'] === undefined ? {} : { stopped: flag(found['stopped'], `${at}.stopped`) }),
  }
}
