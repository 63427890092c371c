import type { KindDefinition } from '../kind.ts'
import { keyImpacts } from './compare.ts'
import type { ComparedKey } from './compare.ts'
import { keyNeeds } from './needs.ts'

export const key: KindDefinition<ComparedKey> = {
  kind: 'key',
  needs: keyNeeds,
  impacts: keyImpacts,
  repair: 'live',
  creation: 'live',
  opens: true,
  apart: true,
}
