import type { KindDefinition } from '../kind.ts'
import { guestImpacts } from './compare.ts'
import { guestNeeds } from './needs.ts'
import type { GuestSpec } from './spec.ts'

export const guest: KindDefinition<GuestSpec> = {
  kind: 'guest',
  needs: guestNeeds,
  impacts: guestImpacts,
  repair: 'next-start',
  creation: 'live',
  opens: false,
}
