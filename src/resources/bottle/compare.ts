import type { KindDefinition } from '../kind.ts'
import type { BottleSpec } from './spec.ts'

/** Whatever the holder lost takes the bundle along; the volumes always stay. */
export const bottleImpacts: KindDefinition<BottleSpec>['impacts'] = {
  holder: 'recreate-holder',
  hardening: 'recreate-agent',
  image: 'recreate-agent',
  imageDigest: 'recreate-agent',
  resources: 'recreate-agent',
  running: 'restart-agent',
  workspace: 'recreate-agent',
  label: 'record',
  color: 'record',
}
