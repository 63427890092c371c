/** Makes, mends and removes one bottle: holder, two volumes, idle agent container. Nothing of the agent program runs after it. */
import { address } from '../../model/address.ts'
import { DriverError } from '../../model/errors.ts'
import { chosenFrom } from '../../model/frozen.ts'
import { digestOf } from '../../model/json.ts'
import { liveNames } from '../../model/names.ts'
import type { Action } from '../../model/plan.ts'
import { DIGEST_VERSION, type Resource } from '../../model/resource.ts'
import type { BottleSpec } from '../../resources/bottle/spec.ts'
import type { ImageSpec } from '../../resources/image/spec.ts'
import type { Effect, EffectContext } from '../../ports/driver.ts'
import { AGENT_TARGETS, agentBody, holderBody, PATHS } from './bodies.ts'
import type { InspectedContainer } from './decode.ts'
import { stepNames, toolsVolume } from './engine-names.ts'
import { frozenImages } from './freeze/frozen-images.ts'
import { imageVolumes } from './image-defaults.ts'
import { labelsOf } from './labels.ts'
import {
  createContainer,
  ours,
  removeContainer,
  removeMarked,
  removeVolume,
  startContainer,
  type Site,
} from './place.ts'
import { sidecars } from './sidecars.ts'
import { together } from './together.ts'
import { mountTarget } from './trouble.ts'
import { ensureBottleVolumes, ensureTools, makeTools, removeUnusedTools } from './volumes.ts'
import { wake } from './guest-effect.ts'

export async function performBottle(site: Site, action: Action, context: EffectContext): Promise<Effect> {
  const bottle = action.bottle ?? ''
  if (action.verb === 'remove') return removeBottle(site, bottle)
  const desired = action.desired as Resource<BottleSpec>
  const { holder, agent } = await present(site, bottle)
  const keepsHolder =
    !['recreate-holder', 'replace'].includes(action.impact) &&
    holder?.state.running === true &&
    !holder.state.paused
  const joined = agent?.hostConfig['NetworkMode'] === `container:${holder?.id}` && keepsHolder
  if (
    joined &&
    agent &&
    ['restart-agent', 'live', 'record', 'next-start'].includes(action.impact) &&
    action.verb === 'update'
  ) {
    return settle(site, bottle, agent, desired.spec, action.impact === 'restart-agent', context.signal)
  }
  // Isolated first: the agent goes before anything is opened or made.
  if (agent) await site.engine.removeContainer(agent.id)
  const image = await sidecars(site.engine)
  const [owner, tools] = await together([
    keepsHolder && holder ? holder : makeHolder(site, bottle, image),
    ensureTools(site, image),
    ensureBottleVolumes(site, bottle, image.tag),
  ])
  context.signal.throwIfAborted()
  const made = await makeAgent(site, bottle, desired, owner, tools, context)
  return { did: agent ? 'recreated' : 'created', objectId: made.id }
}

async function present(
  site: Site,
  bottle: string,
): Promise<{
  readonly holder: InspectedContainer | undefined
  readonly agent: InspectedContainer | undefined
}> {
  const [holder, agent] = await together([
    site.engine.container(liveNames.holder(site.stack, bottle)),
    site.engine.container(liveNames.agent(site.stack, bottle)),
  ])
  return { holder: ours(site, 'container', holder), agent: ours(site, 'container', agent) }
}

async function makeHolder(
  site: Site,
  bottle: string,
  image: { readonly tag: string; readonly id: string },
): Promise<InspectedContainer> {
  const name = liveNames.holder(site.stack, bottle)
  const labels = labelsOf({ ...site, address: address.bottle(bottle), part: 'holder', imageId: image.id })
  const body = holderBody({ image: image.tag, labels })
  return startContainer(site, await createContainer(site, name, body, ['none']), body, ['none'])
}

async function makeAgent(
  site: Site,
  bottle: string,
  desired: Resource<BottleSpec>,
  holder: InspectedContainer,
  tools: string,
  context: EffectContext,
): Promise<InspectedContainer> {
  const { spec } = desired
  const declared = imageOf(spec, context.desired)
  const { inputDigest } = declared
  const frozen = chosenFrom(await frozenImages(site.engine, site.stack), bottle, inputDigest)
  const tag = frozen?.reference ?? declared.tag
  const image = await site.engine.image(tag)
  if (image === undefined)
    throw new DriverError(`image ${tag} of ${bottle} is not on the engine`, {
      code: 'image-missing',
      hint: 'apply again: the plan pulls or builds it first',
    })
  const name = liveNames.agent(site.stack, bottle)
  const labels = labelsOf({
    ...site,
    address: address.bottle(bottle),
    part: 'agent',
    digest: { value: digestOf(spec), version: DIGEST_VERSION },
    image: spec.image,
    imageDigest: inputDigest,
    imageId: image.id,
  })
  const volumes = {
    work: liveNames.work(site.stack, bottle),
    home: liveNames.home(site.stack, bottle),
    tools,
  }
  const body = agentBody({
    image: tag,
    holderId: holder.id,
    labels,
    resources: spec.resources,
    volumes,
    defaults: { env: image.env, volumes: imageVolumes(tag, image.volumes) },
  })
  const created = await createContainer(site, name, body, [])
  await refuseLinks(site, created, body.Image, Object.keys(body.HostConfig.Tmpfs))
  return spec.running ? startContainer(site, created, body, []) : created
}

/** A link where a volume is mounted puts the volume somewhere else, over our helper say (topology-attack G5). */
async function refuseLinks(
  site: Site,
  created: InspectedContainer,
  image: string,
  tmpfs: readonly string[],
): Promise<void> {
  const targets = [...new Set([...AGENT_TARGETS, ...tmpfs, '/etc', '/etc/bot-bottle'].flatMap(withParents))]
  const found = await Promise.all(
    [...targets, PATHS.guest].map(async (path) => ({
      path,
      ...(await site.engine.linkAt(created.id, path)),
    })),
  )
  const link = found.find(({ target }) => target !== '')
  const helper = found.find(({ path }) => path === PATHS.guest)
  if (link === undefined && helper?.exists === true) return
  await site.engine.removeContainer(created.id)
  if (link) throw mountTarget(image, link.path, link.target)
  // Its filling was interrupted once: filled now, it is there for the next attempt.
  const own = await sidecars(site.engine)
  await makeTools(site, toolsVolume(own.inputDigest), own)
  throw new DriverError(`container ${created.name} does not have the helper at ${PATHS.guest}`, {
    code: 'tools-missing',
    transient: true,
  })
}

function withParents(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

function imageOf(
  spec: BottleSpec,
  desired: EffectContext['desired'],
): { readonly tag: string; readonly inputDigest: string } {
  const image = [...desired.values()].find((resource) => resource.address === spec.image)?.spec as
    | ImageSpec
    | undefined
  if (image === undefined)
    throw new DriverError(`${spec.image} is not among the desired resources`, { code: 'image-unknown' })
  return { tag: image.tag, inputDigest: spec.imageDigest }
}

/** The container stays: halted, started, or restarted as declared. */
async function settle(
  site: Site,
  bottle: string,
  agent: InspectedContainer,
  spec: BottleSpec,
  restart: boolean,
  signal: AbortSignal,
): Promise<Effect> {
  if (!spec.running) {
    await halt(site, agent)
    return { did: 'stopped', objectId: agent.id }
  }
  if (!restart && agent.state.running && !agent.state.paused) return { did: 'kept', objectId: agent.id }
  await halt(site, agent)
  await site.engine.startContainer(agent.id)
  await wake(site, bottle, signal)
  return { did: 'restarted', objectId: agent.id }
}

export async function halt(site: Site, agent: InspectedContainer): Promise<void> {
  if (agent.state.paused) await site.engine.unpauseContainer(agent.id)
  if (agent.state.running) await site.engine.stopContainer(agent.id, 3)
}

async function removeBottle(site: Site, bottle: string): Promise<Effect> {
  const { stack } = site
  for (const name of [
    liveNames.agent(stack, bottle),
    liveNames.holder(stack, bottle),
    stepNames.bottle(stack, bottle),
  ])
    await removeContainer(site, name)
  await removeMarked(site, { address: address.bottle(bottle) })
  await together([
    removeVolume(site, liveNames.work(stack, bottle)),
    removeVolume(site, liveNames.home(stack, bottle)),
  ])
  await removeUnusedTools(site)
  return { did: 'removed' }
}
