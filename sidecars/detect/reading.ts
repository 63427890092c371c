/** What one text carries, as the decoders of `decode.ts`, `packed.ts` and `content.ts` say it. */

/** What was read out of `start` to `end` of the text around it. */
export interface Layer {
  readonly encoding: string
  readonly bytes: Buffer
  /** Of bytes that are mostly no text, what is: all that is looked for in text. Undefined: they are. */
  readonly texts?: Buffer | undefined
  readonly start: number
  readonly end: number
  /** It was smaller than what was read. */
  readonly packed?: boolean
  /** It goes on behind `end`, and another reading has the whole. */
  readonly goesOn?: boolean
}

/** It is packed in a way that this program cannot look into. */
export interface Opaque {
  /** `cut`: its end is not here. `nested`: more work than this text allows. */
  readonly opaque: 'encrypted' | 'damaged' | 'too-large' | 'cut' | 'nested'
  readonly encoding: string
  readonly start: number
  readonly end: number
}

/** Short layers side by side: where nothing is found in all of them together, nothing is in any. */
export interface Gathered {
  /** Those that can hold anything, with ends of lines between them. */
  readonly texts: Buffer
  /** Those that can only hold a known secret. */
  readonly letters: Buffer
  each(): Iterable<Layer>
}

export type Reading = Layer | Opaque
