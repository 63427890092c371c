import type { KindDefinition } from '../kind.ts'
import { imageImpacts } from './compare.ts'
import { imageNeeds } from './needs.ts'
import type { ImageSpec } from './spec.ts'

export const image: KindDefinition<ImageSpec> = {
  kind: 'image',
  needs: imageNeeds,
  impacts: imageImpacts,
  repair: 'live',
  creation: 'live',
  opens: false,
}
