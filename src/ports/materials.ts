/** What effects need beside the plan; nothing of it is stored by a driver. */
import type { Readable } from 'node:stream'
import type { McpRegistration } from '../model/provider.ts'
import type { KnownPrints } from '../model/gate.ts'
import type { Marks } from '../model/known.ts'
import type { Address } from '../model/address.ts'
import type { ImageRecipe } from '../model/image-recipe.ts'
import type { ProviderFile } from '../model/provider.ts'
import type { Secret, SecretRef } from '../model/secret.ts'

export interface Materials {
  /** PEM of the bottle's root certificate. */
  rootCertificate(bottle: string): Promise<string>
  /** PEM of the root that takes over from it, to be trusted beside it; absent: there is none. */
  nextRootCertificate?(bottle: string): Promise<string | undefined>
  /** The bottle's environment with values, as the agent program gets it. */
  environment(bottle: string): ReadonlyMap<string, string>
  secret(ref: SecretRef): Promise<Secret>
  /** How an image of the role `agent` is made; absent: none is. */
  imageRecipe?(image: Address): ImageRecipe | undefined
  /** Files of the bottle's provider, in the order in which they are written; absent: it has none. */
  guestFiles?(bottle: string): readonly ProviderFile[]
  /** What has to end with 0 in the bottle before its agent program may start. */
  verify?(bottle: string): readonly (readonly string[])[]
  /** The private key in a file of the user's; absent: no remote has one. */
  identity?(ref: SecretRef): Promise<Secret>
  /** Absent: the same as nothing. */
  provisions?(bottle: string): Provisions
  /** How the bottle's agent program is started by an apply; absent: it is not. */
  program?(bottle: string): AgentProgram | undefined
  /** What the bottle's egress is to recognise beside the values it uses; absent: nothing. */
  marks?(bottle: string): Marks
  /** What the bottle's git gate is to recognise in pushes; absent: nothing. */
  known?(bottle: string): KnownPrints
}

/** Both in the agent's workspace, with its environment. */
export interface AgentProgram {
  /** Does the declared task, without a terminal; absent: none is declared. */
  readonly headless?: { readonly argv: readonly string[]; readonly restart: boolean }
  /** Goes on with the last conversation; fails where there is none. */
  readonly resume: readonly string[]
  /** On a terminal, with nothing to go on with. */
  readonly start: readonly string[]
}

/** What is put into a guest beside trust and environment. Contents go this way only, never into a plan. */
export interface Provisions {
  /** Absent: none is declared. */
  readonly prompt?: string
  /** The declared skills as tar, each below the folder of that name; absent: none is declared. */
  readonly packSkills?: (folderOf: (name: string) => string) => Readable
  /** Absent: there is no server that the agent program is told of. */
  readonly mcp?: McpRegistration
  /** Absent: the workspace stays empty. */
  readonly workspace?: WorkspaceFiles | WorkspaceRemote
}

/** A declared remote that the bottle clones by itself, through its gate. */
export interface WorkspaceRemote {
  readonly mode: 'remote'
  readonly url: string
}

/** The source of a workspace on this host, read when it is packed. */
export interface WorkspaceFiles {
  /** `clone`: the repository alone; its files are checked out in the bottle. */
  readonly mode: 'copy' | 'clone'
  /** That is checked out in the source; `undefined`: its repository does not come along, or has no commit. */
  commit(): string | undefined
  measure(): WorkspaceMeasure
  /** As tar; `seen` is told the size of each file before it goes. */
  pack(seen: (bytes: number) => void): Readable
}

export interface WorkspaceMeasure {
  readonly files: number
  readonly bytes: number
  /** By path: what was left out for another reason than an ignore rule. */
  readonly leftOut: {
    readonly links: readonly string[]
    readonly others: readonly string[]
    readonly repositories: readonly string[]
  }
  /** Paths that programs in the bottle may run or trust something by. */
  readonly settings: readonly string[]
}
