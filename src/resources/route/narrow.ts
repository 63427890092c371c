/** What plan and executor take from the shared policy code: how a policy closes before it opens, and what follows from it. */
import { widensOnly } from '../../../sidecars/policy/change.ts'
import type { RoutePolicy } from '../../model/policy.ts'
import type { Observed } from '../../model/resource.ts'
import type { RouteSpec } from './spec.ts'

export { narrowed } from '../../../sidecars/policy/change.ts'
export { coversHost } from '../../../sidecars/policy/judge.ts'
export { issuerHosts, uplinkTargets } from '../../../sidecars/policy/targets.ts'

/** Whether what is declared takes anything away from what egress was seen to enforce. */
export function closes(enforced: Observed['fields'], declared: RouteSpec): boolean {
  return !widensOnly(policyIn(enforced), policyIn(declared))
}

/** A restriction that egress does not have is observed as null; what is no part of the policy is left out. */
function policyIn(fields: object): RoutePolicy {
  const { uplink: _, credential: __, secretRefs: ___, ...policy } = fields as RouteSpec
  return Object.fromEntries(
    Object.entries(policy).filter(([, value]) => value !== null && value !== undefined),
  ) as unknown as RoutePolicy
}
