/** One thing that every plug-in of a kind keeps to, as those built in do. */
import { ensureError } from '../../model/errors.ts'

export interface Check<Subject> {
  /** A sentence about the subject. */
  readonly says: string
  /** Where it finds something, nothing more can be looked at. Default: false. */
  readonly first?: boolean
  /** What contradicts it; empty: nothing. */
  problems(subject: Subject): readonly string[]
}

export interface Checked {
  readonly says: string
  readonly problems: readonly string[]
}

/** In order, to the end or to a first one that finds something. */
export function checked<Subject>(checks: readonly Check<Subject>[], subject: Subject): readonly Checked[] {
  const all: Checked[] = []
  for (const check of checks) {
    const problems = found(check, subject)
    all.push({ says: check.says, problems })
    if (check.first === true && problems.length > 0) break
  }
  return all
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
