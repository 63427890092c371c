/** What the executor takes from the shared policy code: how a policy closes before it opens, and what follows from it. */
export { narrowed } from '../../../sidecars/policy/change.ts'
export { issuerHosts, uplinkTargets } from '../../../sidecars/policy/targets.ts'
