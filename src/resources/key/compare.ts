/**
 * A deploy key is never changed, only made anew: what it may do is fixed at the forge. Another repository or access is
 * closed before it is opened; everything else has the new key in use before the old one goes.
 */
import type { Verb } from '../../model/plan.ts'
import type { Difference } from '../../model/resource.ts'
import type { KindDefinition } from '../kind.ts'
import type { KeySpec } from './spec.ts'

/** The reference of its token is compared as the name it gives in `token`. */
export type ComparedKey = Omit<KeySpec, 'tokenRef'>

export const keyImpacts: KindDefinition<ComparedKey>['impacts'] = {
  provider: 'live',
  api: 'live',
  repository: 'live',
  url: 'live',
  readOnly: 'live',
  listed: 'live',
  pair: 'live',
  leftovers: 'live',
  token: 'record',
  allowPrivate: 'record',
  rotate: 'record',
}

const CLOSED_FIRST: readonly string[] = ['provider', 'api', 'repository', 'url', 'readOnly']

export function keyVerb(differences: readonly Difference[]): Verb {
  if (differences.some(({ path }) => CLOSED_FIRST.includes(path))) return 'remove-then-create'
  return differences.some(isNewPair) ? 'create-then-remove' : 'update'
}

function isNewPair({ path, before }: Difference): boolean {
  return path === 'pair' || path === 'age' || (path === 'listed' && before === 'missing')
}

/** What one difference of a key means, in words of a plan; `undefined`: an edit, named like any other. */
export function keyWords({ path, before }: Difference): string | undefined {
  switch (path) {
    case 'age':
      return `due for rotation: made ${String(before)}`
    case 'pair':
      return 'drift: its private half is not in the state folder'
    case 'listed':
      return before === 'missing'
        ? 'drift: the forge does not list it any more'
        : 'drift: its creation was cut short'
    default:
      return path.startsWith('leftovers') ? 'drift: keys of an earlier run are left at the forge' : undefined
  }
}

/** The difference that age makes; `undefined`: it is not due. */
export function rotationDue(
  { rotate }: KeySpec,
  fields: Readonly<Record<string, unknown>>,
  now: string,
): Difference | undefined {
  const { createdAt } = fields
  if (rotate === undefined || typeof createdAt !== 'string') return undefined
  if (Date.parse(now) - Date.parse(createdAt) < rotate) return undefined
  return { path: 'age', before: createdAt, after: 'another key', cause: 'drift', impact: 'live' }
}
