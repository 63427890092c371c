/** Which providers there are: those of this release, and those that plug-ins of the user add. */
import type { Diagnostic } from './diagnostic.ts'
import type { CredentialKey, Provider } from './provider.ts'

/** Keys of `agent_provider` that say where the credential comes from, in the manifest's order. */
export const CREDENTIAL_KEYS: readonly CredentialKey[] = [
  'auth_token',
  'api_key_ref',
  'forward_host_credentials',
]

/** Where a provider that is not built in comes from. */
export interface ProviderOrigin {
  /** Of the plug-in. */
  readonly version: string
  /** Absolute. */
  readonly folder: string
  /** There is a built-in one of this name. */
  readonly overrides: boolean
  /** Laid on base and program, where the bottle names none. */
  readonly dockerfile?: {
    /** Absolute. */
    readonly path: string
    /** Absolute paths of files and folders. */
    readonly context: readonly string[]
    readonly network: 'default' | 'none'
  }
}

export interface KnownProvider {
  readonly provider: Provider
  /** Absent: built in. */
  readonly plugin?: ProviderOrigin
}

/** A plug-in that is not used, and everything that is wrong with it. */
export interface LeftOut {
  readonly name: string
  /** Errors; one at least. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Providers by name; each is loaded when it is asked for. */
export interface Providers {
  readonly builtIn: readonly string[]
  /** Names of plug-ins: code of the user, run only where a manifest names it. */
  readonly plugins: readonly string[]
  readonly leftOut: readonly LeftOut[]
  find(name: string): Promise<KnownProvider | LeftOut | undefined>
}
