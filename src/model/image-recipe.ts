/** How the image of a bottle with an agent program is made. */
import type { ProgramRecipe } from './provider.ts'

/** One file that an image's build sees. */
export interface ContextFile {
  /** In the context, with `/`. */
  readonly path: string
  /** Absolute, on this machine. */
  readonly file: string
  readonly mode: number
  readonly sha256: string
}

/** The user's own Dockerfile, laid on the program or below it. */
export interface DockerfileRecipe {
  /** As written in the manifest. */
  readonly path: string
  readonly text: string
  readonly context: readonly ContextFile[]
  readonly args: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  /** Begins on the layer that it is given; else the program is laid on top of what it makes. */
  readonly onTop: boolean
}

/** What an image with an agent program is made from, beside its base. */
export interface ImageRecipe {
  readonly provider: string
  readonly program: ProgramRecipe
  readonly dockerfile?: DockerfileRecipe
}
