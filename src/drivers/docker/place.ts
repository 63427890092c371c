/**
 * Makes single engine objects exist as they should, whoever was interrupted before: an object with our marks is taken or
 * replaced, a stranger with our name is refused. Every container is read back before it starts.
 */
import type { CreateBody } from './body.ts'
import type { InspectedContainer, NamedObject } from './decode.ts'
import { deviations, mountDeviations } from './deviations.ts'
import type { Engine } from './calls.ts'
import { isOfStack, ownershipOf, type Marks, labelsOf, DOCKER_LABELS } from './labels.ts'
import { nameTaken, settingIgnored, startFailed } from './trouble.ts'
import type { Owner } from './world.ts'
import { LABELS } from '../../model/names.ts'

export interface Site extends Owner {
  readonly engine: Engine
  readonly program: string
}

/** Refuses a stranger; undefined when nobody has the name. */
export function ours<T extends NamedObject | InspectedContainer>(
  site: Owner,
  kind: 'container' | 'volume' | 'network',
  found: T | undefined,
): T | undefined {
  if (found === undefined) return undefined
  const { ownership, owner } = ownershipOf(found.labels, site.stack, site.installation)
  if (!isOfStack(ownership)) throw nameTaken(kind, found.name, owner ?? 'it carries no mark of this program')
  return found
}

/** A container under its name: what is left of an earlier attempt is removed, the new one created and read back, not started. */
export async function createContainer(
  site: Site,
  name: string,
  body: CreateBody,
  networks: readonly string[],
): Promise<InspectedContainer> {
  const { engine } = site
  const old = ours(site, 'container', await engine.container(name))
  if (old) await engine.removeContainer(old.id)
  await removeMarked(site, { address: body.Labels[LABELS.address], part: body.Labels[DOCKER_LABELS.part] })
  const { id } = await engine.createContainer(name, body)
  const found = await engine.container(id)
  if (found === undefined) throw startFailed(name, 'the engine lost it right after creating it')
  const wrong = readBack(body, found, networks)
  if (wrong.length > 0) {
    await engine.removeContainer(id)
    throw settingIgnored(name, wrong)
  }
  return found
}

/** Networks are listed only once a container runs (20.10 lists what it will join), so they are judged again after the start. */
function readBack(
  body: CreateBody,
  found: InspectedContainer,
  networks: readonly string[],
): readonly string[] {
  const expected = { body, networks: found.networks.length === 0 ? [] : networks }
  // 20.10 shows mounts of a created container; the targets are compared either way.
  return [...deviations(expected, found, 'with-limits'), ...mountDeviations(body, found), ...imageSwap(found)]
}

function imageSwap(found: InspectedContainer): readonly string[] {
  const made = found.labels[DOCKER_LABELS.imageId]
  return made === '' || made === found.imageId ? [] : ['the image moved while the container was made']
}

/** Starts it and reads back what only a running container shows. */
export async function startContainer(
  site: Site,
  container: InspectedContainer,
  body: CreateBody,
  networks: readonly string[],
): Promise<InspectedContainer> {
  const { engine } = site
  await engine.startContainer(container.id)
  const found = await engine.container(container.id)
  if (found === undefined || !found.state.running) throw startFailed(container.name, found?.state.error ?? '')
  const wrong = [...deviations({ body, networks }, found, 'with-limits'), ...mountDeviations(body, found)]
  if (wrong.length > 0) {
    await engine.removeContainer(container.id)
    throw settingIgnored(container.name, wrong)
  }
  return found
}

export async function ensureVolume(
  site: Site,
  name: string,
  marks: Omit<Marks, 'stack' | 'installation' | 'program'>,
): Promise<'present' | 'created'> {
  if (ours(site, 'volume', await site.engine.volume(name))) return 'present'
  await site.engine.createVolume(name, labelsOf({ ...marks, ...site }))
  const found = ours(site, 'volume', await site.engine.volume(name))
  if (found?.labels[LABELS.stack] !== site.stack)
    throw nameTaken('volume', name, 'it appeared while it was made')
  return 'created'
}

/** Ours only; a stranger stays, with an error. */
export async function removeContainer(site: Site, name: string): Promise<boolean> {
  const found = ours(site, 'container', await site.engine.container(name))
  if (found) await site.engine.removeContainer(found.id)
  return found !== undefined
}

/** Whatever has the marks, under whichever name: what was renamed by hand would outlive its place. */
export async function removeMarked(
  { engine, stack }: Site,
  { address, part }: { readonly address: string | undefined; readonly part?: string | undefined },
): Promise<void> {
  for (const { id, labels } of await engine.containers()) {
    const marked = labels[LABELS.stack] === stack && labels[LABELS.address] === address
    if (marked && (part === undefined || labels[DOCKER_LABELS.part] === part))
      await engine.removeContainer(id)
  }
}

export async function removeVolume(site: Site, name: string): Promise<boolean> {
  const found = ours(site, 'volume', await site.engine.volume(name))
  if (found) await site.engine.removeVolume(name)
  return found !== undefined
}
