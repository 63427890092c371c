/**
 * What a change of one remote opens and closes (containment.md, rule 14). The narrowed remote is what may stay served
 * while closings run before openings. Unsure counts as closing. Pure.
 */
import type { GateRemote, PushPolicy, ScanMode, SshUrl } from '../../model/gate.ts'
import { equal } from '../../model/json.ts'
import type { UplinkTarget } from '../../model/policy.ts'
import type { Observed } from '../../model/resource.ts'
import type { RemoteSpec } from './spec.ts'

/** The part of both; `undefined` where it is another upstream, which is closed before it is opened. */
export function narrowedRemote(before: GateRemote, after: GateRemote): GateRemote | undefined {
  if (!equal(before.url, after.url) || !equal(before.hostKeys, after.hostKeys)) return undefined
  const { requireIdentity: had, maxPack: _pack, maxFile: _file, ...common } = after
  const { requireIdentity: has } = after
  // Two identities that differ admit no commit together.
  if (had && before.requireIdentity && !equal(before.requireIdentity, has)) return undefined
  const required = before.requireIdentity ?? has
  const maxPack = least(before, after, 'maxPack')
  const maxFile = least(before, after, 'maxFile')
  return {
    ...common,
    push: narrowedPush(before.push, after.push),
    ...(required && { requireIdentity: required }),
    ...(maxPack !== undefined && { maxPack }),
    ...(maxFile !== undefined && { maxFile }),
  }
}

/** Whether what is declared takes anything away from what the gate was seen to serve. */
export function closesRemote(enforced: Observed['fields'], declared: RemoteSpec): boolean {
  const before = servedAs('', enforced as unknown as RemoteSpec)
  return !equal(narrowedRemote(before, servedAs('', declared)), before)
}

/** What the gate is told of a remote, and tells of it. */
export function servedAs(name: string, spec: Omit<RemoteSpec, 'identityRef'>): GateRemote {
  const { identity: _, credential: __, allowPrivate: ___, uplink: ____, ...declared } = spec
  const { identityRef: _____, ...remote } = declared as Omit<RemoteSpec, 'identity'>
  const said = Object.entries(remote).filter(([, value]) => value !== null && value !== undefined)
  return { name, ...(Object.fromEntries(said) as unknown as Omit<GateRemote, 'name'>) }
}

export function remoteTarget({ url, allowPrivate }: Pick<RemoteSpec, 'url' | 'allowPrivate'>): UplinkTarget {
  return { host: url.host, port: url.port, allowPrivate }
}

/** `ssh://git@host:22/acme/app.git`, one spelling for every way to write it. */
export function sshUrlText({ user, host, port, path }: SshUrl): string {
  return `ssh://${user}@${host}:${port}/${path.replace(/^\//, '')}`
}

const SCANS: readonly ScanMode[] = ['block', 'supervise', 'warn', 'off']

function narrowedPush(before: PushPolicy, after: PushPolicy): PushPolicy {
  const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])]
  return {
    allow: after.allow.filter((pattern) => before.allow.includes(pattern)),
    force: before.force && after.force,
    delete: before.delete && after.delete,
    tags: before.tags && after.tags,
    scan: SCANS.indexOf(before.scan) < SCANS.indexOf(after.scan) ? before.scan : after.scan,
    flag: union(before.flag, after.flag),
    protect: union(before.protect, after.protect),
  }
}

/** What the gate takes where nothing is declared (`GateRemote`), bytes. */
const UNSAID = { maxPack: 512 * 2 ** 20, maxFile: 100 * 2 ** 20 } as const

/** As it was, where that is the lower one: a limit that stays is no change. */
function least(before: GateRemote, after: GateRemote, limit: keyof typeof UNSAID): number | undefined {
  const found = Math.min(before[limit] ?? UNSAID[limit], after[limit] ?? UNSAID[limit])
  return found === (before[limit] ?? UNSAID[limit]) ? before[limit] : found
}
