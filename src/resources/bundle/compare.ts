import type { KindDefinition } from '../kind.ts'
import type { BundleSpec } from './spec.ts'

/** The first group needs another container (doors away for under 2 s); the second is configured in place. */
export const bundleImpacts: KindDefinition<BundleSpec>['impacts'] = {
  image: 'recreate-bundle',
  version: 'recreate-bundle',
  daemons: 'recreate-bundle',
  namespace: 'recreate-bundle',
  hardening: 'recreate-bundle',
  running: 'recreate-bundle',
  attached: 'live',
  issuer: 'live',
  egressLog: 'live',
  trust: 'live',
  knows: 'live',
}
