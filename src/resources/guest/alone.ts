/** Changes of a guest in one field. Pure. */
import type { Action } from '../../model/plan.ts'
import type { GuestSpec } from './spec.ts'

/** Whether nothing else of the guest changes. */
export function changesAlone(
  field: keyof GuestSpec,
  { kind, verb, differences }: Pick<Action, 'kind' | 'verb' | 'differences'>,
): boolean {
  return (
    kind === 'guest' &&
    verb === 'update' &&
    differences.length > 0 &&
    differences.every(({ path }) => path === field || path.startsWith(`${field}.`))
  )
}
