/** The sidecar image of this program on one engine, with its engine id. */
import { DriverError } from '../../model/errors.ts'
import { LABELS } from '../../model/names.ts'
import type { Engine } from './calls.ts'
import { sidecarsImage, type SidecarsImage } from './images/inputs.ts'

export async function sidecars(engine: Engine): Promise<SidecarsImage & { readonly id: string }> {
  const wanted = await sidecarsImage()
  const image = await engine.image(wanted.tag)
  if (image?.labels[LABELS.digest] !== wanted.inputDigest) {
    throw new DriverError(`image ${wanted.tag} is not on the engine`, {
      code: 'image-missing',
      hint: 'apply again: the plan builds it first',
    })
  }
  return { ...wanted, id: image.id }
}
