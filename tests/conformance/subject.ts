/** What a driver brings so that the conformance suite can be run against it. */
import type { Resource } from '../../src/model/resource.ts'
import type { Driver, Lease } from '../../src/ports/driver.ts'
import type { Materials } from '../../src/ports/materials.ts'

export interface Subject {
  readonly driver: Driver
  /** The same engine seen by another installation: its marks are not ours. */
  readonly stranger: Driver
  /** A stack that nobody uses; everything of it is removed by `dispose`. */
  readonly stack: string
  readonly installation: string
  readonly lease: Lease
  /** Ends the lease; what is called last. */
  readonly release: () => void
  /** One bottle named `dev` with everything it needs: image/sidecars, its own image, uplink, bottle, bundle, guest; no routes. */
  readonly desired: readonly Resource[]
  readonly materials: Materials
  /** As somebody would by hand: another text where git of bottle `dev` reads what is declared. */
  readonly editGit: () => Promise<void>
  readonly dispose: () => Promise<void>
}
