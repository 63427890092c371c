/** What an image is made from. Compared by its input digest only; image ids are observed and shown, never hashed into desired state. */
export type ImageSpec =
  /** One image for bundles and uplinks, built from this program's own files. */
  | { readonly role: 'sidecars'; readonly tag: string; readonly inputDigest: string; readonly base: string }
  /** The base image of a bottle without provider and without `image`: pulled, or built locally when it cannot be. */
  | { readonly role: 'base'; readonly tag: string; readonly inputDigest: string; readonly base: string }
  /** A ready image that the manifest names; never built, pulled when it is not there. */
  | { readonly role: 'named'; readonly tag: string; readonly inputDigest: string }
  /** Base, agent program, the user's Dockerfile: built here. `inputs` says which of them another digest comes from. */
  | {
      readonly role: 'agent'
      readonly tag: string
      readonly inputDigest: string
      readonly base: string
      /** The base is one of the manifest's own: pulled, never built. */
      readonly baseNamed: boolean
      readonly inputs: ImageInputs
    }

/** Digests, but for `program`: name and version. */
export interface ImageInputs {
  readonly base: string
  readonly program: string
  readonly lock: string
  readonly dockerfile?: string
  readonly context?: string
  readonly args?: string
  readonly network?: string
}
