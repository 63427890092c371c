/** Small stacks as data: what a test declares, and the world in which exactly that is live. */
import { address } from '../../../src/model/address.ts'
import { digestOf } from '../../../src/model/json.ts'
import type { Json } from '../../../src/model/json.ts'
import type { RecordedObject } from '../../../src/model/record.ts'
import { DIGEST_VERSION } from '../../../src/model/resource.ts'
import type { Observed, Resource } from '../../../src/model/resource.ts'
import type { Snapshot } from '../../../src/model/snapshot.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import type { KeySpec } from '../../../src/resources/key/spec.ts'
import type { RemoteSpec } from '../../../src/resources/remote/spec.ts'
import type { PlanOptions } from '../../../src/reconcile/plan.ts'

export interface BottleShape {
  readonly cpus?: number
  readonly label?: string
  readonly protect?: boolean
  /** Host → path prefixes; an empty list is the whole host. */
  readonly routes: Readonly<Record<string, readonly string[]>>
  /** By name; each with a deploy key of its own. */
  readonly remotes?: Readonly<Record<string, RemoteShape>>
}
export interface RemoteShape {
  readonly repository: string
  /** What may be pushed; nothing: the key may only fetch. */
  readonly allow: readonly string[]
  readonly rotate?: number
}
export type StackShape = Readonly<Record<string, BottleShape>>

export const NOW = '2026-11-21T12:00:00.000Z'
export const OPTIONS: PlanOptions = {
  program: '0.1.0',
  prune: true,
  allowEmpty: true,
  adopt: [],
  takeOver: false,
  force: false,
}
const DIGEST = 'd'.repeat(64)

export function desiredOf(shape: StackShape): Desired {
  const bottles = Object.keys(shape)
  return {
    stack: 'acme',
    origin: '/home/dev/acme/bottles.yaml',
    resources:
      bottles.length === 0
        ? []
        : [sidecars(), uplink(), ...bottles.flatMap((name) => bottleResources(name, shape[name]!))],
    warnings: [],
    bottles,
    secrets: {},
  }
}

function resource(
  at: Resource['address'],
  kind: Resource['kind'],
  spec: unknown,
  needs: Resource['needs'],
  bottle?: string,
): Resource {
  return {
    kind,
    address: at,
    driver: 'memory',
    ...(bottle && { bottle }),
    needs,
    spec,
    places: {},
    ignore: [],
    protect: false,
  }
}

function sidecars(): Resource {
  return resource(
    address.image('sidecars'),
    'image',
    { role: 'sidecars', tag: 'bot-bottle/sidecars:0.1.0', inputDigest: DIGEST, base: 'base' },
    [],
  )
}

function uplink(): Resource {
  const spec = {
    image: DIGEST,
    version: '0.1.0',
    hardening: 'as-created',
    running: true,
    policy: { hosts: {}, dns: [], noProxy: [] },
  }
  return resource(address.uplink(), 'uplink', spec, [address.image('sidecars')])
}

function bottleResources(name: string, shape: BottleShape): Resource[] {
  const image = address.image(`of-${name}`)
  const routes = Object.entries(shape.routes).map(([host, prefixes]) => route(name, host, prefixes))
  const remotes = Object.entries(shape.remotes ?? {}).map(([each, remote]) => remoteOf(name, each, remote))
  const keys = Object.entries(shape.remotes ?? {}).map(([each, remote]) => keyOf(name, each, remote))
  const bottleSpec = {
    image,
    imageDigest: DIGEST,
    resources: { pids: 512, ...(shape.cpus !== undefined && { cpus: shape.cpus }) },
    holder: 'only-loopback',
    hardening: 'as-created',
    running: true,
    ...(shape.label !== undefined && { label: shape.label }),
  }
  const bundleSpec = {
    image: DIGEST,
    version: '0.1.0',
    daemons: ['egress', ...(remotes.length > 0 ? ['git-gate'] : [])],
    namespace: 'holder',
    hardening: 'as-created',
    running: true,
    attached: true,
    issuer: 'valid',
    egressLog: 'blocks',
    trust: digestOf([]),
    knows: {},
  }
  return [
    resource(image, 'image', { role: 'base', tag: 'base', inputDigest: DIGEST, base: 'base' }, []),
    resource(address.ca(name), 'ca', { algorithm: 'P-256', days: 30, renewAfterDays: 20 }, [], name),
    {
      ...resource(
        address.bottle(name),
        'bottle',
        bottleSpec,
        [image, address.uplink(), address.ca(name)],
        name,
      ),
      protect: shape.protect ?? false,
    },
    resource(
      address.bundle(name),
      'bundle',
      bundleSpec,
      [address.bottle(name), address.uplink(), address.image('sidecars'), address.ca(name)],
      name,
    ),
    ...keys,
    ...routes,
    ...remotes,
    resource(
      address.guest(name),
      'guest',
      { env: {}, root: 'pending', probe: 'passed' },
      [
        address.ca(name),
        address.bottle(name),
        address.bundle(name),
        ...[...routes, ...remotes].map((each) => each.address),
      ],
      name,
    ),
  ]
}

function route(bottle: string, host: string, prefixes: readonly string[]): Resource {
  const spec = {
    host,
    port: 443,
    scheme: 'https',
    ...(prefixes.length > 0 && { matches: [{ paths: prefixes.map((prefix) => ({ prefix })) }] }),
    tlsPassthrough: false,
    allowPrivate: false,
    gitFetch: false,
    uplink: 'declared',
  }
  return resource(address.route(bottle, host), 'route', spec, [address.bundle(bottle)], bottle)
}

export const FORGE = { provider: 'gitea', api: 'https://forge.example/api/v1' } as const

function remoteOf(bottle: string, name: string, { repository, allow }: RemoteShape): Resource {
  const spec: RemoteSpec = {
    url: { user: 'git', host: 'forge.example', port: 22, path: `/${repository}.git` },
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIForge'],
    identity: address.key(bottle, name),
    push: { allow, force: false, delete: false, tags: false, scan: 'block', flag: [], protect: [] },
    credential: 'present',
    allowPrivate: false,
    uplink: 'declared',
  }
  const needs = [address.bundle(bottle), address.key(bottle, name)]
  return resource(address.remote(bottle, name), 'remote', spec, needs, bottle)
}

function keyOf(bottle: string, name: string, { repository, allow, rotate }: RemoteShape): Resource {
  const spec: KeySpec = {
    ...FORGE,
    repository,
    url: `ssh://git@forge.example:22/${repository}.git`,
    readOnly: allow.length === 0,
    token: 'env:FORGE_TOKEN',
    tokenRef: { from: 'env', name: 'FORGE_TOKEN' },
    allowPrivate: false,
    ...(rotate !== undefined && { rotate }),
    listed: 'present',
    pair: 'kept',
    leftovers: [],
  }
  return resource(address.key(bottle, name), 'key', spec, [address.bundle(bottle)], bottle)
}

/** The world in which a stack is applied and in sync: the model of what `apply` leaves. */
export function worldOf(desired: Desired): Snapshot {
  const objects = desired.resources.map((each) => liveObject(each))
  return {
    now: NOW,
    installation: 'me',
    drivers: { memory: { status: 'observed', engine: 'memory 1', endpoint: 'here' } },
    objects,
    unknown: [],
    record:
      desired.resources.length === 0
        ? { status: 'absent' }
        : {
            status: 'present',
            record: {
              version: 1,
              revision: 1,
              stack: desired.stack,
              installation: 'me',
              origin: desired.origin,
              objects: Object.fromEntries(desired.resources.map((each) => [each.address, recorded(each)])),
              bottles: {},
            },
          },
  }
}

function recorded(each: Resource): RecordedObject {
  const applied = specInWorld(each)
  return {
    digest: digestOf(each.spec),
    digestVersion: DIGEST_VERSION,
    applied,
    ...(each.protect && { protect: true }),
  }
}

function specInWorld(each: Resource): Json {
  const spec = each.spec as Record<string, Json>
  return each.kind === 'guest' ? { ...spec, root: 'root-1' } : spec
}

export function liveObject(each: Resource): Observed {
  const root = {
    notBefore: '2026-11-20T00:00:00.000Z',
    notAfter: '2026-12-20T00:00:00.000Z',
    fingerprint: 'root-1',
  }
  return {
    address: each.address,
    kind: each.kind,
    driver: each.driver,
    id: `id of ${each.address}`,
    ownership: 'ours',
    fields: { ...(specInWorld(each) as Record<string, Json>), ...(each.kind === 'ca' && root) },
    health: 'ok',
  }
}
