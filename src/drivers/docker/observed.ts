/**
 * From engine objects to observed values, in the shape of the specs. Pure: decides what is said about a live container,
 * never what is done. Security drift is here: attached networks, capabilities, profile, mounts, user, environment,
 * strangers in the namespace, limits, a dead namespace (containment.md, ISO-05, NET-23; topology-attack L2–L8).
 */
import { address, type Address } from '../../model/address.ts'
import { liveNames } from '../../model/names.ts'
import type { Json } from '../../model/json.ts'
import type { Observed } from '../../model/resource.ts'
import { safeText } from '../../model/text.ts'
import { agentBody, bundleBody, holderBody, uplinkBody } from './bodies.ts'
import type { InspectedContainer } from './decode.ts'
import { deviations, mountDeviations, type Expectation } from './deviations.ts'
import { toolsVolume } from './engine-names.ts'
import { imageVolumesQuiet } from './image-defaults.ts'
import { digestLabel, DOCKER_LABELS, isOfStack } from './labels.ts'
import { daemonUids } from './uids.ts'
import { misnamed, own, type Found, type StackWorld } from './world.ts'

export interface Sight {
  readonly stack: string
  readonly world: StackWorld
}

/** One object per address of ours, and one per stranger that has a name or mark of ours. */
export function observedObjects(sight: Sight): readonly Observed[] {
  const { world } = sight
  const all: readonly Found<{ readonly id: string; readonly name: string }>[] = [
    ...world.containers,
    ...world.volumes,
    ...world.networks,
  ]
  const parts = Map.groupBy(
    all.filter(({ ownership }) => isOfStack(ownership)),
    ({ place }) => place.address,
  )
  const seen = [...parts].map(([at, found]) => {
    const foreign = found.find(({ ownership }) => ownership !== 'ours')
    const object = observedPart(sight, at, found[0]?.place.bottle)
    return foreign
      ? { ...object, ownership: foreign.ownership, owner: foreign.owner ?? 'another installation' }
      : object
  })
  return [...seen, ...all.filter(({ ownership }) => !isOfStack(ownership)).map(stranger)]
}

function observedPart(sight: Sight, at: Address, bottle: string | undefined): Observed {
  if (bottle === undefined) return observedUplink(sight)
  return at === address.bundle(bottle) ? observedBundle(sight, bottle) : observedBottle(sight, bottle)
}

function stranger(found: Found<{ readonly id: string; readonly name: string }>): Observed {
  const { place, ownership, owner, object } = found
  const kind = place.address === address.uplink() ? 'uplink' : place.part === 'bundle' ? 'bundle' : 'bottle'
  return {
    address: place.address,
    kind,
    driver: 'docker',
    id: object.id,
    ownership,
    owner: owner ?? `an unmarked object named ${safeText(object.name)}`,
    fields: {},
    health: 'ok',
  }
}

export function observedBottle({ stack, world }: Sight, bottle: string): Observed {
  const holder = own(world, 'holder', bottle, liveNames.holder(stack, bottle))
  const agent = own(world, 'agent', bottle, liveNames.agent(stack, bottle))
  const volume = world.volumes.find(({ place, ownership }) => isOfStack(ownership) && place.bottle === bottle)
  const holderState = holderWords(
    world,
    holder,
    agent,
    misnamed(world, 'holder', bottle, liveNames.holder(stack, bottle)),
  )
  const digest = agent && digestLabel(agent.labels)
  return {
    address: address.bottle(bottle),
    kind: 'bottle',
    driver: 'docker',
    id: agent?.id ?? holder?.id ?? volume?.object.id ?? liveNames.agent(stack, bottle),
    ownership: 'ours',
    fields: {
      holder: holderState,
      running: agent === undefined ? false : runningOf(agent),
      ...(agent && {
        image: agent.labels[DOCKER_LABELS.image] ?? '',
        imageDigest: imageDigestOf(agent),
        resources: resourcesOf(agent),
        hardening: words([
          ...agentDeviations(stack, bottle, world, agent, holder),
          ...misnamed(world, 'agent', bottle, liveNames.agent(stack, bottle)),
        ]),
      }),
    },
    ...(digest && { digest }),
    health: 'ok',
    ...(agent && { createdAt: agent.createdAt }),
  }
}

function holderWords(
  world: StackWorld,
  holder: InspectedContainer | undefined,
  agent: InspectedContainer | undefined,
  doubles: readonly string[],
): Json {
  if (holder === undefined) return 'gone'
  if (!holder.state.running) return 'stopped'
  if (holder.state.paused) return 'paused'
  const found = deviations(
    { body: holderBody({ image: text(holder.config['Image']), labels: holder.labels }), networks: ['none'] },
    holder,
    'with-limits',
  )
  const members = new Set([
    holder.id,
    ...world.containers
      .filter(({ ownership, place }) => isOfStack(ownership) && place.part !== 'step')
      .map(({ object }) => object.id),
  ])
  const strangers = (world.joiners.get(holder.id) ?? [])
    .filter(({ id }) => !members.has(id))
    .map(({ name }) => `container ${safeText(name)} is in its namespace`)
  const dead =
    agent?.state.running === true &&
    agent.state.startedAt < holder.state.startedAt &&
    agent.hostConfig['NetworkMode'] === `container:${holder.id}`
  const wrong = [
    ...found,
    ...doubles,
    ...strangers,
    ...(dead ? ['restarted: the agent is in a dead namespace'] : []),
  ]
  return wrong.length === 0 ? 'only-loopback' : wrong
}

function agentDeviations(
  stack: string,
  bottle: string,
  world: StackWorld,
  agent: InspectedContainer,
  holder: InspectedContainer | undefined,
): readonly string[] {
  const image = world.images.get(agent.imageId)
  const holderId = holder?.id ?? /^container:(.+)$/.exec(text(agent.hostConfig['NetworkMode']))?.[1] ?? ''
  const tools = agent.mounts.find(({ target }) => target === '/.bb')?.source ?? toolsVolume('')
  const body = agentBody({
    image: text(agent.config['Image']),
    holderId,
    labels: agent.labels,
    resources: { pids: 0 },
    volumes: {
      work: liveNames.work(stack, bottle),
      home: liveNames.home(stack, bottle),
      tools: tools.startsWith('bb_tools_') ? tools : toolsVolume(''),
    },
    defaults: image
      ? { env: image.env, volumes: imageVolumesQuiet(image.volumes) }
      : { env: list(agent.config['Env']), volumes: [] },
  })
  return compare({ body, networks: [] }, agent, 'without-limits')
}

export function observedBundle({ stack, world }: Sight, bottle: string): Observed {
  const bundle = own(world, 'bundle', bottle, liveNames.bundle(stack, bottle))
  if (bundle === undefined) throw new Error(`no bundle of ${bottle}`)
  const holder = own(world, 'holder', bottle, liveNames.holder(stack, bottle))
  const mode = text(bundle.hostConfig['NetworkMode'])
  const joined =
    holder !== undefined &&
    mode === `container:${holder.id}` &&
    bundle.state.startedAt >= holder.state.startedAt
  const daemons = (bundle.labels[DOCKER_LABELS.daemons] ?? '').split(',').filter((name) => name !== '')
  const body = bundleBody({
    image: text(bundle.config['Image']),
    holderId: mode.replace(/^container:/, ''),
    labels: bundle.labels,
    uplinkVolume: liveNames.uplinkSocket(stack),
    bottle,
    daemons: daemonUids(Number(bundle.labels[DOCKER_LABELS.uids] ?? 0), daemons),
  })
  const digest = digestLabel(bundle.labels)
  return {
    address: address.bundle(bottle),
    kind: 'bundle',
    driver: 'docker',
    id: bundle.id,
    ownership: 'ours',
    fields: {
      image: imageDigestOf(bundle),
      daemons,
      namespace: joined || !bundle.state.running ? 'holder' : 'another holder',
      hardening: words([
        ...compare({ body, networks: [] }, bundle, 'with-limits'),
        ...misnamed(world, 'bundle', bottle, liveNames.bundle(stack, bottle)),
      ]),
      running: runningOf(bundle),
    },
    ...(digest && { digest }),
    health: 'ok',
    createdAt: bundle.createdAt,
  }
}

export function observedUplink({ stack, world }: Sight): Observed {
  const name = liveNames.uplink(stack)
  const uplink = own(world, 'uplink', undefined, name)
  const network = world.networks.find(
    ({ ownership, object }) => isOfStack(ownership) && object.name === name,
  )?.object
  const at = { address: address.uplink(), kind: 'uplink', driver: 'docker', ownership: 'ours' } as const
  if (uplink === undefined) {
    return {
      ...at,
      id: network?.id ?? liveNames.uplinkSocket(stack),
      fields: { running: false },
      health: 'ok',
    }
  }
  const body = uplinkBody({
    image: text(uplink.config['Image']),
    network: name,
    labels: uplink.labels,
    volume: liveNames.uplinkSocket(stack),
    stack,
  })
  const others = (network?.attached ?? [])
    .filter((id) => id !== uplink.id)
    .map((id) => `container ${id.slice(0, 12)} is on its network`)
  const joined = (world.joiners.get(uplink.id) ?? []).map(
    ({ name: joiner }) => `container ${safeText(joiner)} is in its namespace`,
  )
  const digest = digestLabel(uplink.labels)
  return {
    ...at,
    id: uplink.id,
    fields: {
      image: imageDigestOf(uplink),
      hardening: words([
        ...compare({ body, networks: [name] }, uplink, 'with-limits'),
        ...misnamed(world, 'uplink', undefined, name),
        ...others,
        ...joined,
        ...networkDeviations(network?.options),
      ]),
      running: runningOf(uplink),
    },
    ...(digest && { digest }),
    health: 'ok',
    createdAt: uplink.createdAt,
  }
}

/** Options of the uplink's bridge: no traffic between containers on it, and none exists but one. */
export const NETWORK_OPTIONS = { 'com.docker.network.bridge.enable_icc': 'false' } as const

export function networkDeviations(options: Readonly<Record<string, string>> | undefined): readonly string[] {
  if (options === undefined) return ['its network is gone']
  return Object.entries(NETWORK_OPTIONS)
    .filter(([key, value]) => options[key] !== value)
    .map(([key]) => `network option ${key} is not as set`)
}

function compare(
  expected: Expectation,
  found: InspectedContainer,
  limits: 'with-limits' | 'without-limits',
): readonly string[] {
  return [...deviations(expected, found, limits), ...mountDeviations(expected.body, found)]
}

/** The digest the container was made for, while it runs the image it was made from. */
function imageDigestOf(found: InspectedContainer): string {
  const made = found.labels[DOCKER_LABELS.imageId]
  return made === found.imageId
    ? (found.labels[DOCKER_LABELS.imageDigest] ?? '')
    : `another image ${found.imageId.slice(7, 19)}`
}

/** Paused counts as down: connections are taken and never answered (L7). */
function runningOf(found: InspectedContainer): Json {
  return found.state.paused ? 'paused' : found.state.running
}

function resourcesOf(agent: InspectedContainer): Json {
  const { PidsLimit: pids, Memory: memory, NanoCpus: cpus, StorageOpt: storage } = agent.hostConfig
  const size =
    typeof storage === 'object' && storage !== null && 'size' in storage ? Number(storage['size']) : 0
  return {
    pids: typeof pids === 'number' ? pids : 0,
    ...(typeof memory === 'number' && memory > 0 && { memoryBytes: memory }),
    ...(typeof cpus === 'number' && cpus > 0 && { cpus: cpus / 1e9 }),
    ...(size > 0 && { diskBytes: size }),
  }
}

function words(wrong: readonly string[]): Json {
  return wrong.length === 0 ? 'as-created' : wrong
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function list(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
