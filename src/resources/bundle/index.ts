import type { KindDefinition } from '../kind.ts'
import { bundleImpacts } from './compare.ts'
import { bundleNeeds } from './needs.ts'
import type { BundleSpec } from './spec.ts'

export const bundle: KindDefinition<BundleSpec> = {
  kind: 'bundle',
  needs: bundleNeeds,
  impacts: bundleImpacts,
  repair: 'recreate-bundle',
  creation: 'live',
  opens: false,
}
