/** Images of this installation on an engine that nobody uses. */
import { LABELS } from '../../model/names.ts'
import type { Unused, UnusedQuestion } from '../../ports/driver.ts'
import type { Engine } from './calls.ts'
import { sidecarsImage } from './images/inputs.ts'
import { baseImage } from './images/recipe.ts'
import { isOwnImage, unusedImages, type KnownImage } from './images/unused.ts'

export async function unusedOf(
  engine: Engine,
  installation: string,
  question: UnusedQuestion,
): Promise<readonly Unused[]> {
  const [listed, containers, volumes] = await Promise.all([
    engine.images(),
    engine.containers(),
    engine.volumes(),
  ])
  const live = [...containers, ...volumes].flatMap(({ labels }) => {
    const [kind, bottle] = (labels[LABELS.address] ?? '').split('/')
    return kind === 'bottle' ? [`${labels[LABELS.stack] ?? ''}/${bottle ?? ''}`] : []
  })
  const asked: UnusedQuestion = {
    ...question,
    images: new Set([...question.images, (await sidecarsImage()).tag, baseImage().tag]),
    bottles: new Set([...question.bottles, ...live]),
  }
  const inUse = new Set(containers.map(({ imageId }) => imageId))
  const images = await Promise.all(
    listed.map(async (image): Promise<KnownImage> => {
      const matters =
        isOwnImage(image, installation) ||
        inUse.has(image.id) ||
        image.tags.some((tag) => asked.images.has(tag))
      return { ...image, layers: matters ? ((await engine.image(image.id))?.layers ?? []) : [] }
    }),
  )
  return unusedImages({ images, inUse, installation }, asked)
}

export async function removeUnused(engine: Engine, { names }: Unused): Promise<void> {
  for (const name of names) await engine.removeImage(name)
}
