import type { KindDefinition } from '../kind.ts'
import type { UplinkSpec } from './spec.ts'

/** The policy is configured in place; another image or version is another container, agents keep running. */
export const uplinkImpacts: KindDefinition<UplinkSpec>['impacts'] = {
  image: 'recreate-uplink',
  version: 'recreate-uplink',
  hardening: 'recreate-uplink',
  running: 'recreate-uplink',
  policy: 'live',
}
