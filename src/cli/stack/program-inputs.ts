/** What this program brings itself: its version and the images that it makes. */
import { baseImage } from '../../drivers/docker/images/recipe.ts'
import { sidecarsImage } from '../../drivers/docker/images/inputs.ts'
import { VERSION } from '../version.ts'

export async function programInputs() {
  const base = baseImage()
  return {
    version: VERSION,
    sidecars: await sidecarsImage(),
    baseImage: { name: base.tag, inputDigest: base.inputDigest },
  }
}
