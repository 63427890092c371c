import type { KindDefinition } from '../kind.ts'
import { uplinkImpacts } from './compare.ts'
import { uplinkNeeds } from './needs.ts'
import type { UplinkSpec } from './spec.ts'

export const uplink: KindDefinition<UplinkSpec> = {
  kind: 'uplink',
  needs: uplinkNeeds,
  impacts: uplinkImpacts,
  repair: 'recreate-uplink',
  creation: 'live',
  opens: false,
}
