/**
 * What the planner knows of a kind: which kinds it needs, what a change of each field costs, and how it is replaced.
 * One table per kind; the plan prints what stands here (architecture.md, Core rules 6).
 */
import type { Kind } from '../model/address.ts'
import type { Impact } from '../model/resource.ts'

export interface KindDefinition<Spec = Record<string, unknown>> {
  readonly kind: Kind
  /** Kinds of the same bottle, or of the stack, that must be there first; removal goes in reverse. */
  readonly needs: readonly Kind[]
  /** Cost of changing each field while the object lives. */
  readonly impacts: { readonly [Field in keyof Required<Spec>]: Impact }
  /** Cost of making it good again when it is there but not healthy. */
  readonly repair: Impact
  /** What of the world an absent object's creation touches. */
  readonly creation: Impact
  /** `widen` where creating it opens something. */
  readonly opens: boolean
  /**
   * Lives elsewhere than its bottle: it is removed whatever becomes of the bottle, and waits for no other removal.
   * Where it is not known, only what needs it waits. Default false.
   */
  readonly apart?: boolean
}
