/** One thing that every plug-in of a kind keeps to, as those built in do. */
import { ensureError } from '../../model/errors.ts'

export interface Check<Subject> {
  /** A sentence about the subject. */
  readonly says: string
  /** What contradicts it; empty: nothing. */
  problems(subject: Subject): readonly string[]
}

/** What a check finds; one that cannot come to its end found that. */
export function found<Subject>(check: Check<Subject>, subject: Subject): readonly string[] {
  try {
    return check.problems(subject)
  } catch (thrown) {
    return [ensureError(thrown).message]
  }
}

/** The problem, where a statement does not hold. */
export const unless = (holds: boolean, problem: string): readonly string[] => (holds ? [] : [problem])
