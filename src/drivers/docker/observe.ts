/** One look at the engine for one stack. Never writes. */
import { randomBytes } from 'node:crypto'
import { CONTROL_SOCKETS, type UplinkStatus } from '../../model/control.ts'
import { DriverError, ensureError } from '../../model/errors.ts'
import type { Json } from '../../model/json.ts'
import { LABELS, liveNames } from '../../model/names.ts'
import { address, parseAddress, type Address } from '../../model/address.ts'
import type { Observed } from '../../model/resource.ts'
import type { DriverObservation } from '../../ports/driver.ts'
import { UPLINK_USER } from './bodies.ts'
import { ask } from './control.ts'
import type { InspectedImage } from './decode.ts'
import type { Engine } from './calls.ts'
import { plainTag } from './freeze/frozen-images.ts'
import { lookAtGit } from './guest-git.ts'
import { isNotBegun } from './guest-program.ts'
import { DOCKER_LABELS, isOfStack } from './labels.ts'
import { sidecarsImage } from './images/inputs.ts'
import { baseImage } from './images/recipe.ts'
import { observedObjects } from './observed.ts'
import { own, readWorld, type Owner, type StackWorld } from './world.ts'

export async function observeStack(engine: Engine, owner: Owner): Promise<DriverObservation> {
  try {
    const [info, world, sidecars] = await Promise.all([
      engine.info(),
      readWorld(engine, owner),
      observedSidecars(engine),
    ])
    const [uplink, images] = await Promise.all([
      askUplink(engine, owner.stack, world),
      observedImages(engine, world),
    ])
    const guests = await lookAtGuests(engine, owner.stack, world, uplink)
    return {
      state: { status: 'observed', engine: `Docker ${info.version}`, endpoint: engine.endpoint },
      engineId: info.id,
      objects: [...sidecars, ...images, ...observedObjects({ stack: owner.stack, world })],
      unknown: [],
      ...(uplink && { uplink }),
      guests,
    }
  } catch (thrown) {
    const error = ensureError(thrown)
    if (!(error instanceof DriverError)) throw error
    const { message: reason, hint } = error
    return {
      state: { status: 'unreachable', reason, ...(hint !== undefined && { hint }) },
      objects: [],
      unknown: [],
    }
  }
}

/** The whole stack in one answer, under a nonce nobody could have foreseen. */
async function askUplink(
  engine: Engine,
  stack: string,
  world: StackWorld,
): Promise<DriverObservation['uplink']> {
  const uplink = own(world, 'uplink', undefined, liveNames.uplink(stack))
  if (uplink === undefined)
    return world.volumes.some(({ place, ownership }) => place.part === 'socket' && isOfStack(ownership))
      ? { unknown: 'the uplink is gone, and with it the way to its record' }
      : undefined
  if (!uplink.state.running || uplink.state.paused) return { unknown: `the uplink is ${uplink.state.status}` }
  const nonce = randomBytes(32).toString('hex')
  try {
    const status = await ask(
      engine,
      uplinkTarget(uplink.id),
      { op: 'status', nonce },
      AbortSignal.timeout(10_000),
    )
    return { nonce, status: status as UplinkStatus }
  } catch (thrown) {
    return { unknown: ensureError(thrown).message }
  }
}

/**
 * Only where the record says that something was written which can be looked at, into this very container: every other
 * bottle costs nothing. One that does not let itself be looked into is as the record says.
 */
async function lookAtGuests(
  engine: Engine,
  stack: string,
  world: StackWorld,
  uplink: DriverObservation['uplink'],
): Promise<NonNullable<DriverObservation['guests']>> {
  const objects = uplink && 'status' in uplink ? (uplink.status.record?.objects ?? {}) : {}
  const looks = world.containers.map(async ({ place, ownership }) => {
    const { bottle } = place
    if (bottle === undefined || place.part !== 'agent' || !isOfStack(ownership)) return []
    const agent = own(world, 'agent', bottle, liveNames.agent(stack, bottle))
    const guest = objects[address.guest(bottle)]
    if (!agent?.state.running || agent.state.paused || guest?.objectId !== agent.id) return []
    const applied = fieldsOf(guest.applied)
    const [gitFile, notBegun] = await Promise.all([
      applied['gitFile'] === undefined ? undefined : lookAtGit(engine, agent.id).catch(() => undefined),
      applied['headless'] === undefined
        ? undefined
        : isNotBegun(engine, agent.id, applied['onExit'] === 'restart').catch(() => undefined),
    ])
    return [
      [
        bottle,
        { ...(gitFile !== undefined && { gitFile }), ...(notBegun !== undefined && { notBegun }) },
      ] as const,
    ]
  })
  return Object.fromEntries((await Promise.all(looks)).flat())
}

function fieldsOf(applied: Json | undefined): Readonly<Record<string, unknown>> {
  return Object(applied)
}

export function uplinkTarget(containerId: string): {
  readonly what: string
  readonly containerId: string
  readonly user: string
  readonly socket: string
} {
  return {
    what: 'uplink',
    containerId,
    user: `${UPLINK_USER.uid}:${UPLINK_USER.gid}`,
    socket: CONTROL_SOCKETS.uplink,
  }
}

/** Only the image of this very program counts; older ones are nobody's desired state. */
async function observedSidecars(engine: Engine): Promise<readonly Observed[]> {
  const { tag, inputDigest, base } = await sidecarsImage()
  const image = await engine.image(tag)
  if (image === undefined) return []
  const found = image.labels[LABELS.digest] ?? ''
  return [
    imageObject(address.image('sidecars'), image, {
      role: 'sidecars',
      tag,
      inputDigest: found === inputDigest ? inputDigest : found,
      base,
    }),
  ]
}

/** Images of our agents, by the address and digest they were made for; the newest agent speaks for an address. */
async function observedImages(engine: Engine, world: StackWorld): Promise<readonly Observed[]> {
  const agents = world.containers
    .filter(({ ownership, place }) => isOfStack(ownership) && place.part === 'agent')
    .map(({ object }) => object)
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
  const claims = new Map<Address, (typeof agents)[number]>()
  for (const agent of agents) {
    const at = parseAddress(agent.labels[DOCKER_LABELS.image] ?? '')
    if (at?.parts.kind === 'image') claims.set(at.address, agent)
  }
  const base = baseImage()
  const objects = await Promise.all(
    [...claims].map(async ([at, agent]): Promise<readonly Observed[]> => {
      const tag = await plainTag(engine, String(agent.config['Image'] ?? ''))
      const image = await engine.image(tag)
      if (image === undefined) return []
      const inputDigest = agent.labels[DOCKER_LABELS.imageDigest] ?? ''
      return [
        imageObject(
          at,
          image,
          tag === base.tag
            ? { role: 'base', tag, inputDigest, base: base.base }
            : image.labels[LABELS.digest] === inputDigest
              ? { role: 'agent', tag, inputDigest }
              : { role: 'named', tag, inputDigest },
        ),
      ]
    }),
  )
  return objects.flat()
}

function imageObject(at: Address, image: InspectedImage, fields: Observed['fields']): Observed {
  return {
    address: at,
    kind: 'image',
    driver: 'docker',
    id: image.id,
    ownership: 'ours',
    fields,
    health: 'ok',
    createdAt: image.createdAt,
  }
}
