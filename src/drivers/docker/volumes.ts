/** Volumes with the right owner and content, by what the engine does when it creates a container; see `stepBody`. */
import { DriverError } from '../../model/errors.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import { address, type Address } from '../../model/address.ts'
import { liveNames } from '../../model/names.ts'
import { stepBody, UPLINK_USER } from './bodies.ts'
import { stepNames, toolsVolume } from './engine-names.ts'
import { untar } from './images/untar.ts'
import { DOCKER_LABELS, labelsOf, type Part } from './labels.ts'
import { together } from './together.ts'
import { ensureVolume, ours, removeContainer, type Site } from './place.ts'

/** What a step fills: volume, folder of the sidecar image, owner it must have afterwards. */
interface Filling {
  readonly volume: string
  readonly folder: string
  readonly uid: number
  readonly part: Part
}

interface Step {
  readonly name: string
  readonly address: Address
  readonly image: string
  readonly fillings: readonly Filling[]
}

/** Work and home of one bottle, owned by the agent. Existing ones keep their content and owner. */
export function ensureBottleVolumes(site: Site, bottle: string, image: string): Promise<void> {
  const { stack } = site
  return ensureFilled(site, {
    name: stepNames.bottle(stack, bottle),
    address: address.bottle(bottle),
    image,
    fillings: [
      { volume: liveNames.work(stack, bottle), folder: '/bb/work', uid: AGENT.uid, part: 'work' },
      { volume: liveNames.home(stack, bottle), folder: '/bb/home', uid: AGENT.uid, part: 'home' },
    ],
  })
}

export function ensureUplinkVolume(site: Site, image: string): Promise<void> {
  return ensureFilled(site, {
    name: stepNames.uplink(site.stack),
    address: address.uplink(),
    image,
    fillings: [
      { volume: liveNames.uplinkSocket(site.stack), folder: '/bb/up', uid: UPLINK_USER.uid, part: 'socket' },
    ],
  })
}

/**
 * The static helper for agents, one volume per sidecar image and engine. It belongs to no stack: whoever needs it makes
 * it, whoever removes the last agent removes it.
 */
export async function ensureTools(
  site: Site,
  image: { readonly tag: string; readonly inputDigest: string },
): Promise<string> {
  const volume = toolsVolume(image.inputDigest)
  const [found, interrupted] = await together([
    site.engine.volume(volume),
    site.engine.container(stepNames.tools(volume, site.stack)),
  ])
  if (interrupted || found?.labels[DOCKER_LABELS.part] !== 'tools') await makeTools(site, volume, image)
  return volume
}

/** Also for a volume that an interrupted run left empty: the engine fills only what is empty. */
export function makeTools(
  site: Site,
  volume: string,
  image: { readonly tag: string; readonly inputDigest: string },
): Promise<void> {
  return onceAtATime(volume, () => fillTools(site, volume, image))
}

async function fillTools(
  site: Site,
  volume: string,
  image: { readonly tag: string; readonly inputDigest: string },
): Promise<void> {
  const { engine } = site
  await engine.createVolume(volume, {
    [DOCKER_LABELS.part]: 'tools',
    [DOCKER_LABELS.imageDigest]: image.inputDigest,
  })
  if ((await engine.volume(volume))?.labels[DOCKER_LABELS.part] !== 'tools') {
    throw new DriverError(`volume ${volume} exists and is not ours`, {
      code: 'name-taken',
      hint: `docker volume rm ${volume}`,
    })
  }
  await fill(site, {
    name: stepNames.tools(volume, site.stack),
    address: address.image('sidecars'),
    image: image.tag,
    fillings: [{ volume, folder: '/bb/tools', uid: 0, part: 'tools' }],
  })
}

/** Several bottles of one plan are made at once and need the same volume. */
const making = new Map<string, Promise<void>>()
function onceAtATime(volume: string, make: () => Promise<void>): Promise<void> {
  const running = making.get(volume) ?? make().finally(() => making.delete(volume))
  making.set(volume, running)
  return running
}

/** Best effort: another agent may still use it. A step of this stack that was interrupted would use it for ever. */
export async function removeUnusedTools(site: Site): Promise<void> {
  for (const volume of await site.engine.volumes()) {
    if (volume.labels[DOCKER_LABELS.part] !== 'tools' || !volume.name.startsWith('bb_tools_')) continue
    await removeContainer(site, stepNames.tools(volume.name, site.stack))
    await site.engine.removeVolume(volume.name).catch(ignoreInUse)
  }
}

function ignoreInUse(thrown: unknown): void {
  if (!(thrown instanceof DriverError && thrown.code === 'engine-conflict')) throw thrown
}

/** An interrupted step leaves its container: then the volumes may be empty still, and are filled again. */
async function ensureFilled(site: Site, step: Step): Promise<void> {
  const { engine } = site
  const interrupted = ours(site, 'container', await engine.container(step.name))
  if (interrupted) await engine.removeContainer(interrupted.id)
  const made = await together(
    step.fillings.map(({ volume, part }) => ensureVolume(site, volume, { address: step.address, part })),
  )
  if (interrupted || made.includes('created')) await fill(site, step)
}

async function fill(site: Site, step: Step): Promise<void> {
  const { engine } = site
  const left = ours(site, 'container', await engine.container(step.name))
  if (left) await engine.removeContainer(left.id)
  const labels = labelsOf({ ...site, address: step.address, part: 'step' })
  const volumes = Object.fromEntries(step.fillings.map(({ folder, volume }) => [folder, volume]))
  const { id } = await engine.createContainer(step.name, stepBody({ image: step.image, labels, volumes }))
  try {
    await together(step.fillings.map((filling) => readBack(site, id, filling)))
  } finally {
    await engine.removeContainer(id)
  }
}

/** A created container was never started: nothing can race with the archive call. */
async function readBack(
  site: Site,
  containerId: string,
  { folder, volume, uid, part }: Filling,
): Promise<void> {
  const [root, ...files] = await untar(await site.engine.archive(containerId, folder), 8 * 1024 * 1024)
  const helper =
    part !== 'tools' || files.some(({ path, mode }) => path.endsWith('/guest') && (mode & 0o777) === 0o555)
  if (root?.uid === uid && helper) return
  throw new DriverError(
    `the engine did not fill volume ${volume} from its image: owner is ${root?.uid ?? 'unknown'}, not ${uid}`,
    {
      code: 'volume-owner',
      hint: `docker volume rm ${volume}, then apply again`,
    },
  )
}
