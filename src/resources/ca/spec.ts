/** The root of one bottle: its key lies only in the state folder, its certificate in the guest (contract.md, CA). */
export interface CaSpec {
  readonly algorithm: 'P-256'
  readonly days: number
  /** Age in days from which the plan renews it. */
  readonly renewAfterDays: number
}
