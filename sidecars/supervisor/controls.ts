/** The protections of the supervisor that a test can switch off; `main` seals them. */
import { createSwitches } from '../control/switches.ts'

export const controls = createSwitches<
  /** A daemon whose privileges are not as intended gets no secret and no door. */
  | 'privileges-read-back'
  /** A link beside `lo` closes the doors. */
  | 'link-tripwire'
  /** The report channel answers `status` and nothing else. */
  | 'report-status-only'
  /** What a daemon says on its error output is reduced to what cannot hold a secret. */
  | 'stderr-reduction'
  /** A daemon gets a token that only dials. */
  | 'derived-token'
>()
