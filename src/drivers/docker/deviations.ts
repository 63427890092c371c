/**
 * What of a live container is not as it was sent, in words: the read-back after each create (containment.md, ISO-07)
 * and the drift check (ISO-05, NET-23) are this one function. A field that the engine accepted is no proof (P15).
 * Pure.
 */
import { canonical, type Json } from '../../model/json.ts'
import { safeText } from '../../model/text.ts'
import type { CreateBody } from './body.ts'
import type { InspectedContainer, JsonObject } from './decode.ts'

/** Absent, null, false, 0, '' and empty collections are one value: engines differ in which they say. */
export function normal(value: Json | undefined): Json {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return null
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(normal)
  if (typeof value === 'object') {
    const entries = Object.entries(value as JsonObject)
      .map(([key, item]) => [key, normal(item)] as const)
      .filter(([, item]) => item !== null)
    return entries.length === 0 ? null : Object.fromEntries(entries)
  }
  return value
}

/** Order says nothing in these. */
const SETS = new Set([
  'CapAdd',
  'CapDrop',
  'Mounts',
  'Ulimits',
  'MaskedPaths',
  'ReadonlyPaths',
  'SecurityOpt',
])
/** Reported as fields of their own, because people may declare them. */
const RESOURCES = new Set(['PidsLimit', 'Memory', 'MemorySwap', 'NanoCpus', 'StorageOpt'])
/** Settings that we never send and that must never be there. */
const NEVER = [
  'CgroupParent',
  'ContainerIDFile',
  'Capabilities',
  'BlkioDeviceReadBps',
  'CpuRealtimePeriod',
  'VolumeDriver',
] as const

export interface Expectation {
  readonly body: CreateBody
  /** Networks that may be attached: `none` on a holder, none at all on a joiner, its own on the uplink. */
  readonly networks: readonly string[]
}

/** `limits`: compare what `docker update` can change, too. */
export function deviations(
  expected: Expectation,
  found: InspectedContainer,
  limits: 'with-limits' | 'without-limits',
): readonly string[] {
  const { HostConfig: host, Labels: labels, Image: _image, ...config } = expected.body
  return [
    ...fields('', { ...config, Env: [] }, { ...found.config, Env: [] }),
    ...environment(config.Env, found.config['Env']),
    ...fields('HostConfig.', host, found.hostConfig, limits === 'with-limits' ? new Set() : RESOURCES),
    ...NEVER.filter((name) => normal(found.hostConfig[name]) !== null).map((name) => `${name} is set`),
    ...Object.entries(labels)
      .filter(([key, value]) => (found.labels[key] ?? '') !== value)
      .map(([key]) => `label ${key} is not as set`),
    ...attachments(expected.networks, found.networks),
    ...mounts(
      host.Mounts.map((mount) => mount.Target),
      found,
    ),
  ]
}

function fields(
  prefix: string,
  sent: JsonObject,
  found: JsonObject,
  without: ReadonlySet<string> = new Set(),
): string[] {
  return Object.entries(sent)
    .filter(([name]) => !without.has(name) && name !== 'Mounts')
    .filter(
      ([name, value]) => canonical(comparable(name, value)) !== canonical(comparable(name, found[name])),
    )
    .map(([name, value]) => `${prefix}${name} is ${shown(found[name])}, not ${shown(value)}`)
}

function comparable(name: string, value: Json | undefined): Json {
  // The engine keeps the image's interval beside our NONE.
  if (name === 'Healthcheck') return normal((value as JsonObject | undefined)?.['Test'])
  const plain = normal(value)
  if (!SETS.has(name) || !Array.isArray(plain)) return plain
  // Docker says CAP_KILL or KILL, by version.
  const items = plain.map((item) =>
    typeof item === 'string' && name.startsWith('Cap') ? item.replace(/^CAP_/, '') : item,
  )
  return [...items].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
}

/** Each variable we set has our value; further ones come from the image and are judged at creation. */
function environment(sent: readonly string[], found: Json | undefined): string[] {
  const lines = new Set(Array.isArray(found) ? found.map(String) : [])
  return sent
    .filter((line) => !lines.has(line))
    .map((line) => `environment variable ${safeText(line.split('=', 1)[0] ?? '')} is not as set`)
}

function attachments(wanted: readonly string[], found: readonly string[]): string[] {
  const extra = found
    .filter((name) => !wanted.includes(name))
    .map((name) => `attached to network ${safeText(name)}`)
  const missing = wanted
    .filter((name) => !found.includes(name))
    .map((name) => `not attached to network ${safeText(name)}`)
  return [...extra, ...missing]
}

function mounts(wanted: readonly string[], found: InspectedContainer): string[] {
  const targets = new Set(wanted)
  const extra = found.mounts.filter((mount) => mount.type !== 'tmpfs' && !targets.has(mount.target))
  const lost = wanted.filter((target) => !found.mounts.some((mount) => mount.target === target))
  return [
    ...extra.map(({ target }) => `something is mounted at ${safeText(target)}`),
    ...lost.map((target) => `nothing is mounted at ${target}`),
  ]
}

/** Mounts as the engine says they are, beside what was sent: source, target, read-only. */
export function mountDeviations(expected: CreateBody, found: InspectedContainer): readonly string[] {
  return expected.HostConfig.Mounts.flatMap((sent) => {
    const live = found.mounts.find((mount) => mount.target === sent.Target)
    if (live === undefined) return []
    const wrong = [
      ...(live.type === sent.Type ? [] : [`is a ${live.type}`]),
      ...(live.source === sent.Source ? [] : [`comes from ${safeText(live.source)}`]),
      ...(live.readOnly === sent.ReadOnly ? [] : [live.readOnly ? 'is read-only' : 'is writable']),
    ]
    return wrong.map((how) => `mount ${sent.Target} ${how}`)
  })
}

function shown(value: Json | undefined): string {
  const plain = normal(value)
  if (plain === null) return 'not set'
  const text = canonical(plain).replaceAll(/"seccomp=.*?[^\\]"(?=[,\]])/g, '"seccomp=…"')
  return safeText(text, 120)
}
