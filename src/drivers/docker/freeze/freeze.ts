/**
 * Makes an image of a bottle's agent container. The container is halted while its file system is read, so that nothing
 * of the bottle runs beside the engine's walk over it (containment.md, HST-11); what ran before is started again and
 * probed. The image is imported, not committed: it has neither the container's configuration nor a layer that once held
 * what was left out (ISO-13, docs/decisions/0012).
 */
import { address } from '../../../model/address.ts'
import { DriverError, RefusedError } from '../../../model/errors.ts'
import type { Frozen, FreezeRequest } from '../../../ports/driver.ts'
import { halt } from '../bottle-effect.ts'
import type { InspectedContainer, InspectedImage } from '../decode.ts'
import { wake } from '../guest-effect.ts'
import { DOCKER_LABELS, labelsOf } from '../labels.ts'
import type { Site } from '../place.ts'
import { cleaned } from './cleaned.ts'
import { frozenName, plainTag } from './frozen-images.ts'
import { imageChanges } from './image-changes.ts'

export async function freezeBottle(
  site: Site,
  agent: InspectedContainer,
  bottle: string,
  request: FreezeRequest,
  signal: AbortSignal,
): Promise<Frozen> {
  const { engine } = site
  const reference = frozenName(site.stack, bottle, request.tag)
  if (await engine.image(reference))
    throw new RefusedError(`there is an image ${reference} already`, {
      code: 'frozen-exists',
      hint: 'choose another --tag',
    })
  const source = await engine.image(agent.imageId)
  if (source === undefined)
    throw new DriverError(`the image of ${bottle} is not on the engine any more`, {
      code: 'image-missing',
      hint: 'bot-bottle apply',
    })
  const wasRunning = agent.state.running && !agent.state.paused
  await halt(site, agent)
  try {
    return await taken(site, agent, source, { bottle, reference, marks: request.marks }, signal)
  } finally {
    if (wasRunning) {
      await engine.startContainer(agent.id)
      await wake(site, bottle, AbortSignal.timeout(60_000))
    }
  }
}

interface Taking extends Pick<FreezeRequest, 'marks'> {
  readonly bottle: string
  readonly reference: string
}

async function taken(
  site: Site,
  agent: InspectedContainer,
  source: InspectedImage,
  { bottle, reference, marks }: Taking,
  signal: AbortSignal,
): Promise<Frozen> {
  const { engine } = site
  const labels = {
    ...labelsOf({
      ...site,
      address: address.bottle(bottle),
      part: 'frozen',
      ...(agent.labels[DOCKER_LABELS.image] !== undefined && { image: agent.labels[DOCKER_LABELS.image] }),
      imageDigest: agent.labels[DOCKER_LABELS.imageDigest] ?? '',
    }),
    [DOCKER_LABELS.frozenFrom]: await plainTag(engine, String(agent.config['Image'] ?? '')),
  }
  const changes = imageChanges(source, labels)
  const { archive, leftOut } = cleaned(await engine.exportContainer(agent.id, signal), marks)
  await engine.importImage(archive, {
    reference,
    changes: changes.lines,
    message: `frozen from ${bottle} of ${site.stack}`,
    signal,
  })
  const image = await engine.image(reference)
  const wrong = Object.entries(labels).filter(([name, value]) => (image?.labels[name] ?? '') !== value)
  if (image === undefined || wrong.length > 0) {
    await engine.removeImage(reference)
    throw new DriverError(`image ${reference} was not made as it was asked for`, {
      code: 'image-read-back',
      hint: 'it was removed again; the bottle is as it was',
    })
  }
  return { reference, bytes: image.size, leftOut: { ...leftOut(), variables: changes.leftOut } }
}
