/** Makes images present. Images belong to the engine, not to a stack: none is ever removed by a plan. */
import { DriverError } from '../../model/errors.ts'
import type { Action } from '../../model/plan.ts'
import type { ImageSpec } from '../../resources/image/spec.ts'
import type { Effect, EffectContext } from '../../ports/driver.ts'
import { ensureAgentImage } from './images/agent-image.ts'
import { ensureBaseImage } from './images/base-image.ts'
import { npmRegistry } from './images/npm-packages.ts'
import { ensureSidecarsImage } from './images/sidecars-image.ts'
import type { Site } from './place.ts'

export async function performImage(
  site: Site,
  action: Action,
  { materials, progress, signal }: EffectContext,
): Promise<Effect> {
  const { engine, installation } = site
  if (action.verb === 'remove') return { did: 'left on the engine' }
  const spec = action.desired?.spec as ImageSpec
  const did = await ensure()
  const image = await engine.image(spec.tag)
  if (image === undefined)
    throw new DriverError(`image ${spec.tag} is not on the engine after it was made`, {
      code: 'image-read-back',
    })
  return { did, objectId: image.id }

  async function ensure(): Promise<string> {
    switch (spec.role) {
      case 'sidecars':
        return ensureSidecarsImage(engine, installation, progress, signal)
      case 'base':
        return ensureBaseImage(engine, installation, progress, signal)
      case 'agent': {
        const recipe = materials.imageRecipe?.(action.address)
        if (recipe)
          return ensureAgentImage({
            site,
            address: action.address,
            registry: npmRegistry(process.env),
            spec,
            recipe,
            progress,
            signal,
          })
        throw new DriverError(`nothing says how image ${spec.tag} is made`, { code: 'image-unknown' })
      }
      case 'named':
        if (await engine.image(spec.tag)) return 'present'
        await engine.pull(spec.tag, progress, signal)
        return 'pulled'
    }
  }
}
