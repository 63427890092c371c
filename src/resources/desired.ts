/** What a manifest asks for, resolved: the desired resources and everything a plan says beside them. */
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Resource } from '../model/resource.ts'
import type { SecretRef } from '../model/secret.ts'

export interface Desired {
  readonly stack: string
  /** Git remote and path, else the absolute path, of the first manifest file; `-` for standard input. */
  readonly origin: string
  readonly resources: readonly Resource[]
  readonly warnings: readonly Diagnostic[]
  /** Live bottles by name, in the order of the manifest. */
  readonly bottles: readonly string[]
  /** Every reference by SecretId, for resolving at apply. */
  readonly secrets: Readonly<Record<string, SecretRef>>
}
