import type { KindDefinition } from '../kind.ts'
import { routeImpacts } from './compare.ts'
import { routeNeeds } from './needs.ts'
import type { RouteSpec } from './spec.ts'

export const route: KindDefinition<Omit<RouteSpec, 'secretRefs'>> = {
  kind: 'route',
  needs: routeNeeds,
  impacts: routeImpacts,
  repair: 'live',
  creation: 'live',
  opens: true,
}
