import type { KindDefinition } from '../kind.ts'
import { bottleImpacts } from './compare.ts'
import { bottleNeeds } from './needs.ts'
import type { BottleSpec } from './spec.ts'

export const bottle: KindDefinition<BottleSpec> = {
  kind: 'bottle',
  needs: bottleNeeds,
  impacts: bottleImpacts,
  repair: 'recreate-holder',
  creation: 'live',
  opens: false,
}
