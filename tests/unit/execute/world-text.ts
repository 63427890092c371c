/** The world in a form that two runs can be compared by: without ids, tokens, times, revisions and generations, which differ between any two runs. */
import type { World } from '../../../src/drivers/memory/world.ts'
import type { Json } from '../../../src/model/json.ts'
import { canonical } from '../../../src/model/json.ts'
import type { Roots } from '../../../src/state/roots.ts'

const VOLATILE = new Set([
  'id',
  'objectId',
  'holderId',
  'serial',
  'revision',
  'generation',
  'token',
  'uplinkToken',
  'startedAt',
  'issuer',
  'volumes',
  'root',
  'nextRoot',
  'installation',
  'forgeId',
  'publicKey',
  'title',
  'createdAt',
  'identities',
])

export function worldText(world: World, roots: Roots): string {
  const state = JSON.parse(JSON.stringify(world.read())) as Json
  const bottles = roots.rootStates().map(({ bottle }) => bottle)
  return JSON.stringify(JSON.parse(canonical({ world: stable(state), roots: bottles })), null, 1)
}

/** A digest of the guest's desired value holds the root, which every run makes anew. */
function stable(value: Json, path = ''): Json {
  if (Array.isArray(value)) return value.map((item: Json) => stable(item, path))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, member]): [string, Json][] => {
    if (VOLATILE.has(key)) return []
    if (key === 'digest' && path.includes('guest/')) return []
    return [[key, stable(member as Json, `${path}.${key}`)]]
  })
  return Object.fromEntries(entries)
}
