/**
 * Which images of this installation nobody uses. Ours is what carries its mark and has only names of ours: an image that
 * somebody built on one of ours has the mark too, and another name. Pure.
 */
import { LABELS } from '../../../model/names.ts'
import type { Unused, UnusedQuestion } from '../../../ports/driver.ts'
import type { ListedImage } from '../decode.ts'
import { frozenIn } from '../freeze/frozen-images.ts'
import { DOCKER_LABELS } from '../labels.ts'

const NAMES = 'bot-bottle/'

export interface KnownImage extends ListedImage {
  /** Digests of its layers, lowest first; empty: not known. */
  readonly layers: readonly string[]
}

export interface ImagesSeen {
  readonly images: readonly KnownImage[]
  /** Ids of the images of all containers, whoever's. */
  readonly inUse: ReadonlySet<string>
  readonly installation: string
}

export function isOwnImage({ labels, tags }: ListedImage, installation: string): boolean {
  if (labels[LABELS.installation] !== installation) return false
  const part = labels[DOCKER_LABELS.part]
  // What a build left without a name has the mark of a stage; anything else without one may be anybody's.
  if (tags.length === 0) return part === 'stage'
  return (part === 'image' || part === 'frozen') && tags.every((tag) => tag.startsWith(NAMES))
}

/** What stands on others comes first, as it has to be removed. */
export function unusedImages(
  { images, inUse, installation }: ImagesSeen,
  question: UnusedQuestion,
): readonly Unused[] {
  const isKept = (image: KnownImage): boolean =>
    !isOwnImage(image, installation) || inUse.has(image.id) || isAsked(image, question)
  const kept = images.filter(isKept)
  const free = images.filter((image) => !isKept(image) && !kept.some((above) => standsOn(above, image)))
  return free
    .toSorted((a, b) => b.layers.length - a.layers.length)
    .map((image) => ({
      names: image.tags.length > 0 ? image.tags : [image.id],
      what: wordsOf(image),
      bytes:
        image.size - Math.max(0, ...images.filter((below) => standsOn(image, below)).map(({ size }) => size)),
      createdAt: image.createdAt,
    }))
}

function isAsked(image: KnownImage, { images, bottles, frozen }: UnusedQuestion): boolean {
  if (image.tags.some((tag) => images.has(tag))) return true
  const frozenAs = frozenIn(image)
  if (frozenAs.length === 0) return image.labels[DOCKER_LABELS.part] === 'frozen'
  return !frozen || frozenAs.some(({ stack, bottle }) => bottles.has(`${stack}/${bottle}`))
}

function standsOn(above: KnownImage, below: KnownImage): boolean {
  return (
    below.layers.length > 0 &&
    below.layers.length < above.layers.length &&
    below.layers.every((layer, at) => above.layers[at] === layer)
  )
}

function wordsOf(image: ListedImage): string {
  const { labels, tags } = image
  const [frozen] = frozenIn(image)
  if (frozen) return `frozen image of ${frozen.bottle} of stack ${frozen.stack}, which is gone`
  if (tags.length === 0) return 'stage of a build'
  if (labels[LABELS.address] === 'image/sidecars')
    return `sidecars of version ${labels[LABELS.program] ?? ''}`
  if (tags.some((tag) => tag.startsWith(`${NAMES}base:`))) return 'base of an earlier version'
  return 'image of an agent'
}
