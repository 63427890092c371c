/** What happens during an apply, as it happens. Renderers and the journal read the same events. */
import type { Address } from './address.ts'
import type { Json } from './json.ts'
import type { Action, Verb } from './plan.ts'

export type Outcome = 'done' | 'failed' | 'skipped' | 'interrupted'
/** `blocked`: left as it is, never begun. */
export type Ending = Outcome | 'blocked'

export type ApplyEvent =
  | {
      readonly type: 'started'
      readonly stack: string
      readonly actions: readonly Action[]
      readonly at: string
    }
  | { readonly type: 'action-started'; readonly address: Address; readonly verb: Verb; readonly at: string }
  | {
      readonly type: 'action-progress'
      readonly address: Address
      readonly text: string
      readonly at: string
    }
  | {
      readonly type: 'action-ended'
      readonly address: Address
      readonly verb: Verb
      readonly outcome: Ending
      /** Milliseconds. */
      readonly duration: number
      /** What was done, in the words of the finished line (`recreated`, `revoked at gitea.acme.example`). */
      readonly did?: string
      readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
      /** Address of the root cause, for `skipped` and `blocked`. */
      readonly because?: Address
      readonly at: string
    }
  | {
      readonly type: 'ended'
      /** `blocked`: all that is not blocked is done. */
      readonly outcome: 'done' | 'failed' | 'interrupted' | 'timeout' | 'blocked'
      readonly duration: number
      readonly at: string
    }

/** What becomes of one task that an agent program was started with. */
export type AgentEvent =
  | { readonly type: 'agent-started'; readonly bottle: string; readonly at: string }
  | {
      /** One line of its output: `message` where the program prints JSON, else `text`. */
      readonly type: 'agent-said'
      readonly bottle: string
      readonly stream: 'stdout' | 'stderr'
      readonly text?: string
      readonly message?: Readonly<Record<string, Json>>
      readonly at: string
    }
  | {
      /** A request or a push that a door of its bottle refused. */
      readonly type: 'agent-refused'
      readonly bottle: string
      readonly by: 'egress' | 'git-gate'
      readonly rule?: string
      readonly host?: string
      readonly method?: string
      readonly path?: string
      /** When it was refused. */
      readonly at: string
    }
  | {
      readonly type: 'agent-ended'
      readonly bottle: string
      /** The program's own, 124 where its time was over. */
      readonly code: number
      /** Milliseconds. */
      readonly duration: number
      readonly at: string
    }
