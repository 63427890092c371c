/** The switches of egress are those of the policy it enforces: one table for both (`sidecars/policy/controls.ts`). */
import { controls } from '../policy/controls.ts'

export { controls }

/** Called by `main` before anything else. */
export const sealControls = (): void => controls.seal()
