/** A case is a function that throws when containment does not hold. Without each control that it names it has to throw. */
import type { Canary } from '../../docker/attack.ts'
import type { Control } from '../controls.ts'

export interface Case {
  /** Ids of containment.md. */
  readonly ids: readonly string[]
  readonly title: string
  /** Settings of the create calls; each case of priority P0 names one. */
  readonly controls: readonly Control[]
  readonly run: (bottle: Subject) => Promise<void>
}

/** A bottle under attack, and a container in which nothing of ours holds beside it. */
export interface Subject {
  /** A program of `attack.ts` in the agent container. */
  inside<T = Record<string, unknown>>(body: string, user?: string): Promise<T>
  /** The same program where it has to succeed: on the default bridge, without a profile. */
  outside<T = Record<string, unknown>>(body: string, user?: string): Promise<T>
  /** Listeners on every address of the host. */
  readonly canary: Canary
  /** Of the containers of this bottle and its stack. */
  readonly names: { readonly agent: string; readonly holder: string; readonly uplink: string }
}

export const nameOf = ({ ids, title }: Case): string => `${ids.map((id) => `[${id}]`).join(' ')} ${title}`

/** The agent, root by exec, and a uid that a daemon could have. */
export const USERS = ['1000:1000', '0:0', '20008:20008'] as const
