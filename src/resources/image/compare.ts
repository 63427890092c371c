import type { KindDefinition } from '../kind.ts'
import type { ImageSpec } from './spec.ts'

/** Another input digest is another image: it is built beside the old one and disturbs nobody by itself. */
export const imageImpacts: KindDefinition<ImageSpec>['impacts'] = {
  role: 'live',
  tag: 'live',
  inputDigest: 'live',
  inputs: 'live',
}
