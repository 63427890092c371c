/**
 * What an agent program needs of its bottle, as data. A provider is pure: what it contributes follows from the
 * manifest alone. It calls no driver, reads no file and never has the value of a secret: in the guest stands a
 * placeholder, and the value is put on requests by egress. Types alone: plug-ins are written against this very file
 * (schema/plugin.v1.d.ts).
 */

/** A key of `agent_provider` that says where the credential comes from. */
export type CredentialKey = 'auth_token' | 'api_key_ref' | 'forward_host_credentials'

/** One key of `agent_provider.settings`. */
export interface SettingRule {
  /** `url`: https, without user, query and fragment. */
  readonly type: 'text' | 'url' | 'one-of'
  /** Of `one-of`. */
  readonly values?: readonly string[]
  readonly required?: boolean
}

/** What a sign-in of the host says about itself and may be known in a bottle. */
export interface LoginClaims {
  /** Seconds since the epoch. */
  readonly expires: number
  readonly account: string
  readonly plan: string
}

/** A sign-in that the agent program keeps on this host. */
export interface HostLogin {
  /** Absolute path of the file that holds it. */
  path(env: Readonly<Record<string, string | undefined>>, home: string): string
  /** Nothing of it is a secret; undefined: the text holds no sign-in. */
  claims(text: string): LoginClaims | undefined
  /** The access token; called only to hand it to egress. */
  token(text: string): string | undefined
  /** What makes a new one, as a person types it. */
  readonly renew: string
}

export interface ProviderRequest {
  /** The key that gives the credential; absent: none does. */
  readonly credential?: CredentialKey
  /** Checked against the provider's rules. */
  readonly settings: Readonly<Record<string, string>>
  /** What the guest holds in place of the credential. */
  readonly placeholder: string
  readonly home: string
  readonly workspace: string
  /** Of the sign-in that is forwarded, where it can be read here. */
  readonly login?: LoginClaims
}

/** One package of the lock: what is fetched, and what it has to be. */
export interface LockedPackage {
  /** Folder below the program's own, as in a package lock: `node_modules/NAME`. */
  readonly path: string
  readonly name: string
  readonly version: string
  /** `sha512-…` of its archive. */
  readonly integrity: string
  /** Only for engines of this architecture; absent: for all. */
  readonly cpu?: string
}

/** What a program needs of the image that it is laid on, beside what every agent needs. */
export type ProgramNeed = 'glibc' | 'node'

/** The layer of an image that holds the agent program. */
export interface ProgramRecipe {
  readonly packages: readonly LockedPackage[]
  /** By the name on PATH: the file below the program's folder, by architecture where it differs. */
  readonly commands: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  /** Default: none. */
  readonly needs?: readonly ProgramNeed[]
  /** Each has to end with 0 in the finished image, as the agent's user and without a network. */
  readonly verify: readonly (readonly string[])[]
}

export interface ProviderFile {
  /** Absolute, in the guest. */
  readonly path: string
  readonly content: string
  /** Permission bits. */
  readonly mode: number
  /** `root`: the agent can read it and not change it. */
  readonly owner: 'agent' | 'root'
  /** Written only where nothing is yet: the program keeps its own state in it. Default: false. */
  readonly once?: boolean
}

/** In the manifest's own language; `auth` without its reference, which is the bottle's credential. */
export interface ProviderRoute {
  readonly host: string
  /** Default: 443. */
  readonly port?: number
  readonly matches?: readonly { readonly methods?: readonly string[]; readonly paths: readonly PathTest[] }[]
  readonly auth?:
    | { readonly scheme: 'bearer' }
    | { readonly scheme: 'header'; readonly name: string }
    | 'from-agent'
  readonly protocols?: readonly ('h2' | 'websocket')[]
  /** A conversation is full of token-shaped text: what is found is redacted, never a reason to end a session. */
  readonly dlp: { readonly outbound_on_match: 'redact' }
}

export type PathTest = { readonly exact: string } | { readonly prefix: string }

export interface ProviderPlaces {
  /** File that holds the prompt of the agent. */
  readonly prompt: string
  /** Folder that has one folder for each skill. */
  readonly skills: string
  /** Folder of the user on the host with skills of this provider, from the home folder. */
  readonly userSkills: string
}

export interface Contribution {
  /** What requests of the program carry where that is not the placeholder as it is; egress takes it for that. */
  readonly carried?: string
  readonly program: ProgramRecipe
  readonly routes: readonly ProviderRoute[]
  readonly environment: Readonly<Record<string, string>>
  readonly files: readonly ProviderFile[]
  readonly places: ProviderPlaces
}

/** One that speaks streamable HTTP, or a program in the bottle that speaks over its standard streams. */
export type McpServer =
  | {
      readonly url: string
      /** A credential is nowhere in here: at most the placeholder of one. */
      readonly headers: Readonly<Record<string, string>>
    }
  | {
      readonly command: string
      readonly args: readonly string[]
      /** Beside the environment of the agent program. */
      readonly env: Readonly<Record<string, string>>
    }

/** By name. */
export type McpServers = Readonly<Record<string, McpServer>>

/** What is left in the guest so that the agent program knows its servers from its next start. */
export interface McpRegistration {
  /** Each in place of a file of the provider's contribution, with which the program starts and knows no server. */
  readonly files: readonly ProviderFile[]
  /** Each has to end with 0 once the files are there, as the agent's user; the program's own look at them. */
  readonly verify: readonly (readonly string[])[]
}

/** What a program that is told of MCP servers was given beside them. */
export interface McpRequest extends ProviderRequest {
  /** Names of all variables of the agent program. */
  readonly variables: readonly string[]
}

/** What a program is started with. */
export interface StartRequest {
  /** A prompt file is there. */
  readonly hasPrompt: boolean
  /** Of the command line, behind the provider's own. */
  readonly extra: readonly string[]
  /** Of a task: its output is to be JSON, a line for each thing that happens, where the program can. Default: false. */
  readonly events?: boolean
  readonly settings: Readonly<Record<string, string>>
  readonly home: string
}

export interface Provider {
  readonly name: string
  /** Of the agent program: the one that the lock is for. */
  readonly version: string
  /** Which keys may give the credential; more than one at once never may. */
  readonly takes: readonly CredentialKey[]
  readonly settings: Readonly<Record<string, SettingRule>>
  /** Variables of its own: no manifest sets them, and no plan and no status shows them. */
  readonly hidden: readonly string[]
  /** With `forward_host_credentials`. */
  readonly login?: HostLogin
  contribution(request: ProviderRequest): Contribution
  /** Absent: the program takes no MCP servers. */
  registration?(servers: McpServers, request: McpRequest): McpRegistration
  /** On a terminal. */
  start(request: StartRequest): readonly string[]
  /** Does one task and ends with the program's own exit code. */
  headless(prompt: string, request: StartRequest): readonly string[]
  /** Goes on with the last conversation. */
  resume(request: StartRequest): readonly string[]
}
