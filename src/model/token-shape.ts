/** A kind of token as a scanner is told of it; what a key means is said in `sidecars/detect/shapes/shape.ts`. Pure. */
export interface TokenShape {
  readonly id: string
  readonly anchors: readonly string[]
  readonly offset?: number
  readonly lookback?: { readonly class: string; readonly max: number }
  readonly pattern: string
  readonly anyCase?: boolean
  readonly before?: string
  readonly after?: string
  readonly checksum?: string
  readonly entropy?: number
  /** Texts in parts that are joined. */
  readonly documented?: readonly (readonly string[])[]
}

/** What detectors (plug-ins) add to the kinds that every scanner knows, by the name of the detector. */
export type DetectorShapes = Readonly<Record<string, readonly TokenShape[]>>

/** Stable: policies and audits name it. */
export const detectorRule = (detector: string, shape: string): string => `plugin/${detector}/${shape}`
