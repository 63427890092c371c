/** Images that `freeze` made, and which of them a bottle begins from. Pure; the same on every driver. */

/** An image that a bottle begins from when its agent container is made. */
export interface FrozenImage {
  readonly stack: string
  readonly bottle: string
  readonly reference: string
  readonly id: string
  /** Bytes. */
  readonly size: number
  /** ISO 8601. */
  readonly createdAt: string
  /** Of the image that its bottle was made from. */
  readonly inputDigest: string
}

/** The newest of the bottle, where what is declared as its image is what it was then. `frozen`: oldest first. */
export function chosenFrom(
  frozen: readonly FrozenImage[],
  bottle: string,
  inputDigest: string,
): FrozenImage | undefined {
  return frozen.findLast((image) => image.bottle === bottle && image.inputDigest === inputDigest)
}
