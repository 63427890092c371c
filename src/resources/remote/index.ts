import type { KindDefinition } from '../kind.ts'
import { remoteImpacts } from './compare.ts'
import { remoteNeeds } from './needs.ts'
import type { RemoteSpec } from './spec.ts'

export const remote: KindDefinition<Omit<RemoteSpec, 'identityRef'>> = {
  kind: 'remote',
  needs: remoteNeeds,
  impacts: remoteImpacts,
  repair: 'live',
  creation: 'live',
  opens: true,
}
