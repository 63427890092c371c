/** From live bottles to the resources that a plan compares: what each one is, what it needs, where each field was said. */
import { address, type Address } from '../model/address.ts'
import type { DaemonName } from '../model/control.ts'
import type { Place } from '../model/diagnostic.ts'
import { digestOf } from '../model/json.ts'
import type { ImageRecipe } from '../model/image-recipe.ts'
import { DRIVERS, type DriverName, type Resource } from '../model/resource.ts'
import type { SecretRef } from '../model/secret.ts'
import type { BottleSpec } from '../resources/bottle/spec.ts'
import type { BundleSpec } from '../resources/bundle/spec.ts'
import type { CaSpec } from '../resources/ca/spec.ts'
import type { Desired } from '../resources/desired.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import type { ImageSpec } from '../resources/image/spec.ts'
import type { UplinkSpec } from '../resources/uplink/spec.ts'
import { IGNORABLE } from './checks/bottle.ts'
import { gatedOf, gitPlaces, gitResources, guestGit, warnPassedThrough } from './desired-git.ts'
import { desiredImage } from './desired-image.ts'
import { desiredRoute, type FindingOfHost } from './desired-route.ts'
import { detectorPlaces } from './detectors.ts'
import type { BottleEnvironment } from './environment.ts'
import { asciiName } from './hosts.ts'
import type { Program } from './load.ts'
import { limits } from './limits.ts'
import type { Bottle, Uplink } from './manifest.generated.ts'
import { warnUnreached } from './mcp.ts'
import { nameSecret } from './named-secrets.ts'
import { at, entriesOf, entry, itemsOf, plain, texts, type Node } from './node.ts'
import { fileDigests, type Provided } from './providers.ts'
import { warnUnbound, withKnown } from './recognised.ts'
import type { BottleProvisions } from './provisions.ts'
import type { Report } from './report.ts'
import type { LiveBottle, ResolvedManifest } from './resolve.ts'

export interface DesiredRequest {
  readonly resolved: ResolvedManifest
  readonly origin: string
  readonly program: Program
  /** PEM of the further authorities. */
  readonly trust: readonly string[]
  readonly folderOf: (file: string) => string
  readonly home: string | undefined
  readonly environments: ReadonlyMap<string, BottleEnvironment>
  readonly provisions: ReadonlyMap<string, BottleProvisions>
  /** By bottle. */
  readonly provided: ReadonlyMap<string, Provided>
  readonly keyedDigest: (value: string) => string
  readonly report: Report
}

const CA: CaSpec = { algorithm: 'P-256', days: 30, renewAfterDays: 20 }

/** The manifest passed every check; only what two files say about one secret is found here. */
export function desiredOf(
  request: DesiredRequest,
): Omit<Desired, 'warnings'> & { readonly images: ReadonlyMap<Address, ImageRecipe> } {
  const { resolved, program, origin } = request
  const resources = new Map<Address, Resource>()
  const secrets = new Map<string, SecretRef>()
  const images = new Map<Address, ImageRecipe>()
  const add = (resource: Resource): void =>
    void (resources.has(resource.address) || resources.set(resource.address, resource))
  const driver = uplinkDriver(resolved)
  if (resolved.live.length > 0) {
    const stackPlace = at(resolved.root, 'stack')?.place ?? resolved.root.place
    const common = { driver, ignore: [], protect: false }
    const sidecars: ImageSpec = { role: 'sidecars', ...program.sidecars }
    add({
      kind: 'image',
      address: address.image('sidecars'),
      needs: [],
      spec: sidecars,
      places: { '': stackPlace },
      ...common,
    })
    add({
      kind: 'uplink',
      address: address.uplink(),
      needs: [address.image('sidecars')],
      ...uplink(resolved.root, program),
      ...common,
    })
  }
  for (const bottle of resolved.live)
    for (const resource of bottleResources(bottle, request, secrets, images)) add(resource)
  const declared = [...resources.values()]
  for (const resource of declared)
    if (resource.kind === 'bundle')
      resources.set(resource.address, withKnown(resource, declared, request.environments))
  return {
    stack: resolved.stack,
    origin,
    resources: [...resources.values()],
    bottles: resolved.live.map(({ name }) => name),
    secrets: Object.fromEntries(secrets),
    images,
  }
}

function bottleResources(
  bottle: LiveBottle,
  request: DesiredRequest,
  secrets: Map<string, SecretRef>,
  images: Map<Address, ImageRecipe>,
): readonly Resource[] {
  const { name, driver, tree, place } = bottle
  const { program, trust } = request
  const provided = request.provided.get(name)
  const written = plain(tree) as unknown as Bottle
  const image = desiredImage(bottle, provided, request)
  if (image.recipe) images.set(image.address, image.recipe)
  const routes = routesOf(bottle, request, secrets)
  const git = gitOf(bottle, request, secrets)
  const environment = request.environments.get(name)
  const provisions = request.provisions.get(name)
  warnUnbound(tree, routes, request.report)
  warnUnreached(name, tree, routes, request.report)
  warnPassedThrough(routes, request.report)
  const common = { driver, bottle: name, protect: written.protect ?? false }
  const ignored = (kind: 'bottle' | 'bundle' | 'guest'): readonly string[] => ignoredBy(tree, kind)
  const placed = (fields: Readonly<Record<string, Node | undefined>>): Readonly<Record<string, Place>> =>
    Object.fromEntries([
      ['', place],
      ...Object.entries(fields).flatMap(([path, node]) => (node ? [[path, node.place]] : [])),
    ])

  const bottleSpec: BottleSpec = {
    image: image.address,
    imageDigest: image.spec.inputDigest,
    resources: limits(written.resources),
    holder: 'only-loopback',
    hardening: 'as-created',
    running: true,
    ...provisions?.bottle,
    ...(written.label !== undefined && { label: written.label }),
    ...(written.color !== undefined && { color: written.color }),
  }
  const bundleSpec: BundleSpec = {
    image: program.sidecars.inputDigest,
    version: program.version,
    daemons: daemonsOf(written),
    namespace: 'holder',
    hardening: 'as-created',
    running: true,
    attached: true,
    issuer: 'valid',
    egressLog: written.egress?.log ?? 'blocks',
    trust: digestOf(trust),
    knows: {},
  }
  const told = guestGit(bottle)
  const guestSpec: GuestSpec = {
    env: environment?.spec ?? {},
    ...(provided && { files: fileDigests(provided, request.keyedDigest) }),
    root: 'pending',
    ...(told && { git: told }),
    ...provisions?.guest,
    probe: 'passed',
  }
  const imageNode = at(tree, 'image') ?? at(tree, 'agent_provider', 'dockerfile') ?? at(tree, 'base_image')
  const providerNode = at(tree, 'agent_provider', 'template')
  const bottlePlaces = {
    image: imageNode ?? providerNode,
    imageDigest: imageNode ?? providerNode,
    resources: at(tree, 'resources'),
    'resources.cpus': at(tree, 'resources', 'cpus'),
    'resources.memoryBytes': at(tree, 'resources', 'memory'),
    'resources.pids': at(tree, 'resources', 'pids'),
    'resources.diskBytes': at(tree, 'resources', 'disk'),
    label: at(tree, 'label'),
    color: at(tree, 'color'),
    workspace: at(tree, 'workspace'),
  }
  const own = address.bottle(name)
  const [ca, bundle] = [address.ca(name), address.bundle(name)]
  const sidecars = address.image('sidecars')
  return [
    {
      kind: 'image',
      address: image.address,
      driver,
      needs: [],
      spec: image.spec,
      places: placed({
        tag: imageNode ?? providerNode,
        ...(provided && { inputs: imageNode ?? providerNode }),
      }),
      ignore: [],
      protect: false,
    },
    { kind: 'ca', address: ca, needs: [], spec: CA, places: placed({}), ignore: [], ...common },
    {
      kind: 'bottle',
      address: own,
      needs: [image.address, address.uplink()],
      spec: bottleSpec,
      places: placed(bottlePlaces),
      ignore: ignored('bottle'),
      ...common,
    },
    {
      kind: 'bundle',
      address: bundle,
      needs: [own, address.uplink(), sidecars, ca],
      spec: bundleSpec,
      places: {
        ...placed({
          egressLog: at(tree, 'egress', 'log'),
          trust: at(request.resolved.root, 'uplink', 'trust'),
          knows: at(tree, 'env'),
        }),
        ...detectorPlaces(tree),
      },
      ignore: ignored('bundle'),
      ...common,
    },
    ...routes,
    ...git,
    {
      kind: 'guest',
      address: address.guest(name),
      needs: [own, bundle, ca, ...[...routes, ...git.filter(isRemote)].map((each) => each.address)],
      spec: guestSpec,
      places: {
        ...placed(gitPlaces(tree)),
        ...environment?.places,
        ...provisions?.places,
        ...(provided && { files: provided.place }),
      },
      ignore: ignored('guest'),
      ...common,
    },
  ]
}

function routesOf(
  bottle: LiveBottle,
  request: DesiredRequest,
  secrets: Map<string, SecretRef>,
): readonly Resource[] {
  const accepted = itemsOf(at(bottle.tree, 'egress', 'allow_findings')).map(
    ({ value }) => plain(value) as unknown as FindingOfHost,
  )
  const gated = gatedOf(bottle)
  const personalNode = at(bottle.tree, 'egress', 'dlp', 'personal')
  const personal = personalNode !== undefined && plain(personalNode) === true
  return itemsOf(at(bottle.tree, 'egress', 'routes')).flatMap(({ value, asked }): readonly Resource[] => {
    const route = desiredRoute(value, asked, bottle.name, request.folderOf, request.home, {
      accepted,
      personal,
      gated,
    })
    if (!route) return []
    const { spec, places } = route
    for (const { secret, key } of route.secrets)
      nameSecret(secret, places[`auth.${key}`] ?? value.place, secrets, request.report)
    const ownPort = spec.port === (spec.scheme === 'http' ? 80 : 443)
    return [
      {
        kind: 'route',
        address: address.route(bottle.name, spec.host, ownPort ? undefined : spec.port),
        driver: bottle.driver,
        bottle: bottle.name,
        needs: [address.bundle(bottle.name)],
        spec,
        places,
        ignore: [],
        // Removing a route closes something: a protected bottle stays, its openings need not.
        protect: false,
      },
    ]
  })
}

function gitOf(
  bottle: LiveBottle,
  request: DesiredRequest,
  secrets: Map<string, SecretRef>,
): readonly Resource[] {
  const { folderOf, home } = request
  return gitResources(bottle, {
    folderOf,
    home,
    named: (secret, place) => nameSecret(secret, place, secrets, request.report),
  })
}

function isRemote({ kind }: Resource): boolean {
  return kind === 'remote'
}

function uplink(root: Node, program: Program): Pick<Resource<UplinkSpec>, 'spec' | 'places'> {
  const node = at(root, 'uplink')
  const written = (node ? plain(node) : {}) as unknown as Uplink
  const hosts = Object.entries(written.hosts ?? {}).map(([host, address]) => [
    asciiName(host) ?? host,
    address.toLowerCase(),
  ])
  const places: Record<string, Place> = {
    '': entry(root, 'uplink')?.place ?? at(root, 'stack')?.place ?? root.place,
  }
  for (const [path, key] of [
    ['policy.hosts', 'hosts'],
    ['policy.dns', 'dns'],
    ['policy.proxy', 'proxy'],
    ['policy.noProxy', 'no_proxy'],
  ] as const) {
    const said = at(node, key)
    if (said) places[path] = said.place
  }
  for (const { key, value } of entriesOf(at(node, 'hosts')))
    places[`policy.hosts.${asciiName(key) ?? key}`] = value.place
  const spec: UplinkSpec = {
    image: program.sidecars.inputDigest,
    version: program.version,
    hardening: 'as-created',
    running: true,
    policy: {
      hosts: Object.fromEntries(hosts),
      dns: written.dns ?? [],
      ...(written.proxy !== undefined && { proxy: written.proxy.replace(/\/$/, '') }),
      noProxy: (written.no_proxy ?? []).map((suffix) => suffix.toLowerCase()),
    },
  }
  return { spec, places }
}

function daemonsOf(bottle: Bottle): readonly DaemonName[] {
  const git = Object.keys(bottle.git?.remotes ?? {}).length > 0
  return [
    'egress',
    ...(git ? (['git-gate'] as const) : []),
    ...(bottle.supervise?.enabled === true ? (['supervise'] as const) : []),
  ]
}

function ignoredBy(tree: Node, kind: 'bottle' | 'bundle' | 'guest'): readonly string[] {
  const fields = texts(at(tree, 'ignore')).flatMap(({ value: path }) => {
    if (path.startsWith('env.')) return kind === 'guest' ? [path] : []
    return (IGNORABLE[path] ?? []).filter((field) => field.kind === kind).map(({ field }) => field)
  })
  return [...new Set(fields)].sort()
}

/** The uplink is a container wherever one bottle is. */
function uplinkDriver({ live }: ResolvedManifest): DriverName {
  return DRIVERS.find((driver) => live.some((bottle) => bottle.driver === driver)) ?? 'docker'
}
