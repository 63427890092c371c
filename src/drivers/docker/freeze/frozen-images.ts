/** Frozen images on an engine: how they are called and how one is told from every other. */
import { address } from '../../../model/address.ts'
import { isName, LABELS } from '../../../model/names.ts'
import type { FrozenImage } from '../../../model/frozen.ts'
import type { Engine } from '../calls.ts'
import type { ListedImage } from '../decode.ts'
import { DOCKER_LABELS } from '../labels.ts'

/** Slashes: no other image of ours has two. */
const FOLDER = 'bot-bottle/frozen/'

export function frozenName(stack: string, bottle: string, tag: string): string {
  return `${FOLDER}${stack}/${bottle}:${tag}`
}

export function isFrozenName(reference: string): boolean {
  return reference.startsWith(FOLDER)
}

export async function frozenImages(engine: Engine, stack: string): Promise<readonly FrozenImage[]> {
  const listed = await engine.images({ reference: `${FOLDER}${stack}/*` })
  return listed.flatMap(frozenIn).sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
}

/**
 * One for each of its names. An image that was built on a frozen one has its labels and another name; one that
 * somebody gave such a name has other labels.
 */
export function frozenIn({ id, tags, labels, size, createdAt }: ListedImage): readonly FrozenImage[] {
  if (labels[DOCKER_LABELS.part] !== 'frozen') return []
  return tags.filter(isFrozenName).flatMap((reference) => {
    const [stack = '', bottle = ''] = reference.slice(FOLDER.length).split(/[/:]/)
    const isIts =
      isName(bottle) && labels[LABELS.stack] === stack && labels[LABELS.address] === address.bottle(bottle)
    if (!isIts) return []
    const inputDigest = labels[DOCKER_LABELS.imageDigest] ?? ''
    return [{ stack, bottle, reference, id, size, createdAt, inputDigest }]
  })
}

/** Of the image that a container's one began from, however often it was frozen since: what is declared is compared with that. */
export async function plainTag(engine: Pick<Engine, 'image'>, tag: string): Promise<string> {
  if (!isFrozenName(tag)) return tag
  return (await engine.image(tag))?.labels[DOCKER_LABELS.frozenFrom] ?? tag
}
