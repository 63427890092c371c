import type { GuestGit } from './git.ts'

/**
 * Everything provisioned inside the agent container after the probe. Observed from the stack record, bound to the
 * id of the container it was written into; values appear as keyed digests only. What git is told is looked at as well.
 */
export interface GuestSpec {
  /** By name: where the value comes from and its digest. */
  readonly env: Readonly<
    Record<
      string,
      {
        /** `program`: shown nowhere. */
        readonly from: 'literal' | 'host' | 'asked' | 'placeholder' | 'provider' | 'program'
        readonly digest: string
      }
    >
  >
  /** Files of the provider by path; absent: there is none. */
  readonly files?: Readonly<Record<string, { readonly digest: string }>>
  /** SHA-256 fingerprint of the bottle's root in the guest's trust store; `pending` while the root is not made yet. */
  readonly root: string
  /** The same of the root that takes over from it, trusted beside it. */
  readonly nextRoot?: string
  /** Absent: nothing is declared. */
  readonly git?: GuestGit
  /** Keyed digest of the prompt and the file it is in; absent: none is declared. */
  readonly prompt?: Provisioned
  /** By name, each a folder; absent: none is declared. */
  readonly skills?: Readonly<Record<string, Provisioned>>
  /** MCP servers by name that the agent program was told of; absent: of none. */
  readonly mcp?: Readonly<Record<string, { readonly digest: string }>>
  /** Keyed digest of the task that its program is started with by an apply; absent: none is started. */
  readonly headless?: { readonly digest: string }
  /** Of that program: whether it is started again when it ends. */
  readonly onExit?: OnExit
  /** The breakout probe passed in this container. */
  readonly probe: 'passed'
}

export type OnExit = 'stop' | 'restart'

/** Of a task that is to run and does not: its program begins again each time it ends and was not begun since its container was started, or an action ended it and failed. */
export const NOT_STARTED = 'not started'

/** Something of the agent's own that was put there: its place, and a digest of what is in it. */
export interface Provisioned {
  readonly path: string
  readonly digest: string
}
