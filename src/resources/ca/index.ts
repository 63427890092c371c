import type { KindDefinition } from '../kind.ts'
import { caImpacts } from './compare.ts'
import { caNeeds } from './needs.ts'
import type { CaSpec } from './spec.ts'

export const ca: KindDefinition<CaSpec> = {
  kind: 'ca',
  needs: caNeeds,
  impacts: caImpacts,
  repair: 'restart-agent',
  creation: 'live',
  opens: false,
}
